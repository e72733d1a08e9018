#include "model/decoder_memory.h"

#include <algorithm>

#include "model/weights.h"
#include "ops/weight_writer.h"

namespace hone::model {
namespace {

using ops::WeightKind;
using LayerPairs = PairSpecs::value_type;

int lowest_adapted(const PairSpecs& pairs) {
  const auto is_adapted = [](const LayerPairs& layer) {
    return std::any_of(layer.begin(), layer.end(), [](const PairSpec& pair) { return pair.rank > 0; });
  };
  return static_cast<int>(std::find_if(pairs.begin(), pairs.end(), is_adapted) - pairs.begin());
}

// Values of one layer's trace (decoder_layer.h), its x_in among them, for `below` rows under the attention and `above`
// over it.
std::int64_t trace_values(const Config& config, const LayerPairs& pairs, std::int64_t below, std::int64_t above) {
  std::int64_t upper = 2 * config.query_width() + config.heads + config.width + 2 * config.hidden;  // q, attended, ...
  std::int64_t lower = config.width + 2 * config.key_width();
  if (config.head_norm) {
    upper += config.query_width();
    lower += config.key_width();
  }
  if (config.sandwich_norm) upper += 2 * config.width;
  for (const Site site : all_sites) {
    const bool is_lower = site == Site::k || site == Site::v;
    (is_lower ? lower : upper) += pairs[static_cast<std::size_t>(site)].rank;
  }
  return above * upper + below * lower;
}

// What the feed-forward or the attention block of a layer takes while its gradients are computed.
std::int64_t block_values(const Config& config, const LoraSpec& lora, int largest_rank, std::int64_t rows) {
  const std::int64_t norms = 2 * config.width + largest_rank;
  const std::int64_t feed = 2 * config.hidden + norms + (config.sandwich_norm ? config.width : 0);
  const std::int64_t raw = config.head_norm ? config.query_width() + config.key_width() : 0;
  const std::int64_t attention = config.query_width() + 2 * config.key_width() + raw;
  const std::int64_t widest = std::max<std::int64_t>({config.hidden, config.width, config.query_width()});
  const std::int64_t masks = lora.dropout > 0 ? 2 * widest : 0;  // of a map's input, and what it leaves
  return rows * (masks + std::max(feed, attention + std::max<std::int64_t>(norms, config.query_width())));
}

}  // namespace

std::uint64_t training_pass_bytes(const Config& config, const LoraSpec& lora, const PassSize& size,
                                  std::int64_t most_tile) {
  const PairSpecs pairs = value_or_throw(pair_specs(config, lora));
  const int lowest = lowest_adapted(pairs);
  std::int64_t inner = 0;  // of the largest layer
  std::int64_t traces = 0;
  int largest_rank = 0;
  for (int layer = 0; layer < config.layers; ++layer) {
    const LayerPairs& own = pairs[static_cast<std::size_t>(layer)];
    for (const PairSpec& pair : own) largest_rank = std::max(largest_rank, pair.rank);
    inner = std::max(inner, trace_values(config, own, size.rows, size.rows));
    const bool is_last = layer == config.layers - 1;
    if (layer >= lowest) traces += trace_values(config, own, size.rows, is_last ? size.wanted : size.rows);
  }
  // The inputs of the layers that are kept, and one layer run again with what it puts out.
  if (size.activations == Activations::recomputed)
    traces = size.rows * config.width * (config.layers - lowest + 1) + inner;
  // Layers that get no gradient pass by in one trace, before the others' are taken, and through one more stream.
  if (lowest > 0) traces = size.rows * config.width + std::max(traces, inner);
  const std::int64_t angles = (size.rows + size.wanted) * config.head_width * (config.sliding.empty() ? 1 : 2);
  const std::int64_t streams = (size.rows + 2 * size.wanted) * config.width;
  std::int64_t largest_map = 0;
  for (const Site site : all_sites) largest_map = std::max(largest_map, shape_of(config, site).count());
  const std::int64_t table = static_cast<std::int64_t>(config.vocabulary) * config.width;
  const std::int64_t block = block_values(config, lora, largest_rank, size.rows) + std::min(most_tile, largest_map);
  const std::int64_t head = 2 * size.wanted * config.width +
                            std::min(size.wanted, head_rows) * static_cast<std::int64_t>(config.vocabulary) +
                            std::min(most_tile, table);
  return sizeof(float) * static_cast<std::uint64_t>(traces + angles + streams + std::max(block, head));
}

std::uint64_t transposed_copy_bytes(const Config& config, const LoraSpec& lora) {
  std::uint64_t layer = 0;
  for (const Site site : all_sites) {
    const tensor::Shape shape = shape_of(config, site);
    layer += ops::written_bytes(WeightKind::int8_steps, {shape[1], shape[0]});
  }
  const int lowest = lowest_adapted(value_or_throw(pair_specs(config, lora)));
  return layer * static_cast<std::uint64_t>(config.layers - lowest);
}

std::uint64_t adapter_state_bytes(const Config& config, const LoraSpec& lora) {
  return 5 * sizeof(float) * lora_parameters(config, lora);
}

}  // namespace hone::model
