#include "model/decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "model/decoder_layer.h"
#include "model/decoder_memory.h"
#include "model/weights.h"
#include "ops/cross_entropy.h"
#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::Exec;
using tensor::View;

void check_adapter(const Weights& weights, const Adapter* adapter) {
  if (adapter == nullptr) return;
  HONE_CHECK(adapter->layers() == weights.config.layers);
}

Angles take_angles(const Pass& pass, std::span<const float> frequencies) {
  const auto half = static_cast<std::int64_t>(frequencies.size());
  Angles angles;
  angles.cos = take(pass.exec, pass.stream.rows(), half);
  angles.sin = take(pass.exec, pass.stream.rows(), half);
  ops::rope_angles(pass.stream.positions, frequencies, angles.cos, angles.sin);
  angles.wanted_cos = take(pass.exec, pass.stream.wanted_rows(), half);
  angles.wanted_sin = take(pass.exec, pass.stream.wanted_rows(), half);
  const auto bytes = static_cast<std::size_t>(half) * sizeof(float);
  for (std::int64_t i = 0; i < pass.stream.wanted_rows(); ++i) {
    const std::int64_t row = pass.stream.wanted[static_cast<std::size_t>(i)];
    std::memcpy(angles.wanted_cos.f32() + i * half, angles.cos.f32() + row * half, bytes);
    std::memcpy(angles.wanted_sin.f32() + i * half, angles.sin.f32() + row * half, bytes);
  }
  return angles;
}

// Of the layers that slide and of those that do not, as far as there are any.
void take_angles(Pass& pass) {
  const Config& config = pass.config();
  std::array<Angles*, 2> to = {&pass.angles, &pass.sliding_angles};
  for (int layer = 0; layer < config.layers; ++layer) {
    Angles*& angles = to[config.slides(layer) ? 1 : 0];
    if (angles != nullptr) *angles = take_angles(pass, rope_frequencies(config, layer));
    angles = nullptr;
  }
}

// The token embeddings, scaled where the family does so.
void embed(const Pass& pass, View x) {
  ops::embed(pass.exec, pass.weights.embedding, pass.stream.ids, x);
  const float scale = pass.config().embedding_scale;
  if (scale != 1) {
    float* values = x.f32();
    pass.exec.threads().for_slices(static_cast<std::size_t>(x.shape.count()), 1 << 14,
                                   [&](std::size_t begin, std::size_t end, int) {
                                     for (std::size_t i = begin; i < end; ++i) values[i] *= scale;
                                   });
  }
  if (pass.noise != nullptr) disturb_embeddings(pass.exec, *pass.noise, x);
}

// What a training pass keeps of its layers for the way back.
struct Kept {
  Activations activations = Activations::kept;
  int lowest = 0;                  // layers below it get no gradient and are not kept
  std::vector<LayerTrace> traces;  // from `lowest` on; recomputed: x_in only
};

// Runs all layers. Returns the residual stream above the last one, [wanted, width]. `kept` null: forward only.
View run_layers(Pass& pass, Kept* kept) {
  const Config& config = pass.weights.config;
  take_angles(pass);
  const std::int64_t rows = pass.stream.rows();
  View x = take(pass.exec, rows, config.width);
  embed(pass, x);
  const int lowest = kept == nullptr ? config.layers : kept->lowest;
  View other = lowest > 0 ? take(pass.exec, rows, config.width) : View{};
  View above = take(pass.exec, pass.stream.wanted_rows(), config.width);
  for (int layer = 0; layer < config.layers; ++layer) {
    const bool is_kept = layer >= lowest;
    View next = pass.is_last(layer) ? above : is_kept ? take(pass.exec, rows, config.width) : other;
    if (is_kept && kept->activations == Activations::kept) {
      LayerTrace& trace = kept->traces.emplace_back(take_trace(pass, layer));
      trace.x_in = x;
      forward_layer(pass, layer, trace, next);
    } else {
      tensor::Arena::Scope scope(pass.exec.arena());
      LayerTrace trace = take_trace(pass, layer);
      trace.x_in = x;
      forward_layer(pass, layer, trace, next);
      if (is_kept) kept->traces.emplace_back().x_in = x;
    }
    if (!is_kept) other = x;
    x = next;
  }
  return above;
}

// From dx, the gradient of what run_layers() returned.
void run_layers_back(const Pass& pass, const Kept& kept, View dx) {
  View dx_below = take(pass.exec, pass.stream.rows(), pass.config().width);
  for (int layer = pass.config().layers - 1; layer >= kept.lowest; --layer) {
    tensor::Arena::Scope scope(pass.exec.arena());
    LayerTrace trace = kept.traces[static_cast<std::size_t>(layer - kept.lowest)];
    if (kept.activations == Activations::recomputed) {
      const View x_in = trace.x_in;
      trace = take_trace(pass, layer);
      trace.x_in = x_in;
      forward_layer(pass, layer, trace, take(pass.exec, pass.rows_above(layer), pass.config().width));
    }
    backward_layer(pass, layer, trace, dx, layer == kept.lowest ? View{} : dx_below);
    dx = dx_below;
  }
}

// The loss of hidden states [wanted, width] before the final norm. dx null: no gradient; else it gets theirs.
LossSum head_loss(const Pass& pass, const TrainBatch& batch, ConstView x, View dx) {
  const Weights& weights = pass.weights;
  const std::int64_t rows = x.shape[0];
  const std::int64_t width = weights.config.width;
  LossSum sum;
  sum.tokens = pass.stream.rows();
  tensor::Arena::Scope scope(pass.exec.arena());
  View hidden = take(pass.exec, rows, width);
  ops::rms_norm(pass.exec, x, weights.final_norm.view(), weights.config.norm_epsilon, hidden);
  View dhidden = dx.data == nullptr ? View{} : take(pass.exec, rows, width);
  View all_logits = take(pass.exec, std::min(rows, head_rows), weights.config.vocabulary);
  std::vector<ops::RowTarget> targets;
  std::size_t next = 0;
  for (std::int64_t begin = 0; begin < rows; begin += head_rows) {
    const std::int64_t end = std::min(rows, begin + head_rows);
    targets.clear();
    std::int64_t row = begin;
    for (; next < batch.targets.size(); ++next) {
      const TrainBatch::Target& target = batch.targets[next];
      while (row < end && pass.stream.wanted[static_cast<std::size_t>(row)] != target.row) ++row;
      if (row == end) break;
      targets.push_back({static_cast<std::int32_t>(row - begin), target.id, target.weight});
      sum.weight += static_cast<double>(target.weight);
    }
    View logits = all_logits.rows(0, end - begin);
    ops::linear(pass.exec, hidden.rows(begin, end), weights.head(), nullptr, {logits, ops::Into::set, {}});
    const auto become = dx.data == nullptr ? ops::LogitsBecome::scratch : ops::LogitsBecome::gradient;
    sum.loss += ops::cross_entropy(pass.exec, targets, become, logits);
    if (dx.data == nullptr) continue;
    ops::LinearGradient gradient;
    gradient.dy = logits;
    gradient.dx = dhidden.rows(begin, end);
    ops::linear_backward(pass.exec, weights.head(), nullptr, gradient);
  }
  if (dx.data != nullptr) {
    std::memset(dx.f32(), 0, static_cast<std::size_t>(dx.shape.count()) * sizeof(float));
    ops::rms_norm_backward(pass.exec, weights.final_norm.view(), weights.config.norm_epsilon, {dhidden, x, dx});
  }
  return sum;
}

}  // namespace

Decoder::Decoder(std::shared_ptr<const Weights> weights) : weights_(std::move(weights)) {
  HONE_CHECK(weights_ != nullptr);
}

const Config& Decoder::config() const { return weights_->config; }

void Decoder::forward(Exec& exec, const Step& step, const Adapter* adapter, KvCache& cache, View hidden) const {
  check_adapter(*weights_, adapter);
  const Stream stream = stream_of(step, weights_->config, cache);
  HONE_CHECK(hidden.shape == tensor::Shape({stream.wanted_rows(), weights_->config.width}));
  if (stream.rows() == 0) return;
  tensor::Arena::Scope scope(exec.arena());
  Pass pass{exec, *weights_, adapter, nullptr, stream, &cache};
  const View above = run_layers(pass, nullptr);
  ops::rms_norm(exec, above, weights_->final_norm.view(), weights_->config.norm_epsilon, hidden);
}

void Decoder::logits(Exec& exec, ConstView hidden, View logits) const {
  const ops::Weight& head = weights_->head_steps.empty() ? weights_->head() : weights_->head_steps;
  ops::linear(exec, hidden, head, nullptr, {logits, ops::Into::set, {}});
}

void Decoder::logits_at(Exec& exec, const float* hidden, std::span<const std::int32_t> ids,
                        std::span<float> out) const {
  ops::embed_dot(exec, weights_->head(), hidden, ids, out);
}

LossSum Decoder::loss_and_gradients(Exec& exec, const TrainBatch& batch, const Adapter& adapter, Adapter& gradients,
                                    const TrainingPass& how) const {
  check_adapter(*weights_, &adapter);
  check_adapter(*weights_, &gradients);
  if (batch.targets.empty()) return {};
  const Stream stream = stream_of(batch, weights_->config);
  const std::optional<PassNoise> noise =
      how.noise.is_off() ? std::nullopt : std::optional(pass_noise(how.noise, batch, stream, weights_->config.width));
  tensor::Arena::Scope scope(exec.arena());
  Pass pass{exec, *weights_, &adapter, &gradients, stream, nullptr, noise ? &*noise : nullptr};
  Kept kept{how.activations, adapter.lowest_layer(), {}};
  const View above = run_layers(pass, &kept);
  View dx = take(exec, stream.wanted_rows(), weights_->config.width);
  const LossSum sum = head_loss(pass, batch, above, dx);
  run_layers_back(pass, kept, dx);
  return sum;
}

void Decoder::prepare_gradients(Exec& exec, int lowest_layer) const {
  for (int layer = lowest_layer; layer < weights_->config.layers; ++layer) {
    for (const Site site : all_sites) {
      // What the lowest layer's attention reads is no function of the adapter.
      const bool reads_input = site == Site::q || site == Site::k || site == Site::v;
      if (layer > lowest_layer || !reads_input)
        ops::prepare_input_gradient(exec, weights_->layers[static_cast<std::size_t>(layer)].at(site));
    }
  }
}

LossSum Decoder::loss(Exec& exec, const TrainBatch& batch, const Adapter* adapter) const {
  check_adapter(*weights_, adapter);
  if (batch.targets.empty()) return {};
  const Stream stream = stream_of(batch, weights_->config);
  tensor::Arena::Scope scope(exec.arena());
  Pass pass{exec, *weights_, adapter, nullptr, stream, nullptr};
  const View above = run_layers(pass, nullptr);
  return head_loss(pass, batch, above, {});
}

}  // namespace hone::model
