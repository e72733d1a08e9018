#include "model/decoder_layer.h"

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "model/decoder_block.h"

namespace hone::model {

using tensor::ConstView;
using tensor::View;

namespace {

std::optional<ops::Lora> lora_at(const Block& block, Site site) {
  const Adapter* adapter = block.pass.adapter;
  if (adapter == nullptr) return std::nullopt;
  const LoraPair& pair = adapter->at(block.layer, site);
  if (pair.is_absent()) return std::nullopt;
  return ops::Lora{pair.a.view(), pair.b.view(), pair.scale};
}

void fill_rows(ConstView row, View to) {
  const auto bytes = static_cast<std::size_t>(row.shape.count()) * sizeof(float);
  for (std::int64_t i = 0; i < to.shape[0]; ++i) std::memcpy(to.f32() + i * to.shape[1], row.f32(), bytes);
}

}  // namespace

void map(const Block& block, Site site, ConstView x, View y, ops::Into into) {
  const std::optional<ops::Lora> lora = lora_at(block, site);
  if (block.config().attention_bias && site <= Site::v) {
    HONE_CHECK(into == ops::Into::set);
    fill_rows(block.weights().bias(site).view(), y);
    into = ops::Into::add;
  }
  if (lora && block.drops()) return map_dropped(block, site, *lora, {x, y, into});
  ops::linear(block.pass.exec, x, block.weights().at(site), lora ? &*lora : nullptr, {y, into, block.t(site)});
}

void map_group(const Block& block, ConstView x, std::initializer_list<MapTo> maps) {
  std::array<std::optional<ops::Lora>, 7> loras;
  std::vector<ops::LinearJob> jobs;
  for (const MapTo& to : maps) {
    if (block.drops() || (block.config().attention_bias && to.site <= Site::v)) {
      map(block, to.site, x, to.y);
      continue;
    }
    std::optional<ops::Lora>& lora = loras[static_cast<std::size_t>(to.site)];
    lora = lora_at(block, to.site);
    jobs.push_back({&block.weights().at(to.site), lora ? &*lora : nullptr, {to.y, ops::Into::set, block.t(to.site)}});
  }
  ops::linear_group(block.pass.exec, x, jobs);
}

void map_backward(const Block& block, Site site, const MapGradient& g) {
  const std::optional<ops::Lora> lora = lora_at(block, site);
  if (!lora) {
    ops::linear_backward(block.pass.exec, block.weights().at(site), nullptr, {g.dy, g.x, {}, g.dx, g.into, {}, {}});
    return;
  }
  if (block.drops()) return map_dropped_backward(block, site, *lora, g);
  LoraPair& pair = block.pass.gradients->at(block.layer, site);
  ops::linear_backward(block.pass.exec, block.weights().at(site), &*lora,
                       {g.dy, g.x, block.t(site), g.dx, g.into, pair.a.view(), pair.b.view()});
}

void copy(const Pass& pass, ConstView from, View to) {
  HONE_CHECK(from.shape == to.shape);
  const auto count = static_cast<std::size_t>(from.shape.count());
  pass.exec.threads().for_slices(count, 1 << 16, [&](std::size_t begin, std::size_t end, int) {
    std::memcpy(to.f32() + begin, from.f32() + begin, (end - begin) * sizeof(float));
  });
}

void clear(View values) {
  std::memset(values.f32(), 0, static_cast<std::size_t>(values.shape.count()) * sizeof(float));
}

View take(tensor::Exec& exec, std::int64_t rows, std::int64_t columns) {
  return {exec.arena().floats(rows * columns), {rows, columns}};
}

LayerTrace take_trace(const Pass& pass, int layer) {
  const Config& config = pass.config();
  const std::int64_t below = pass.stream.rows();
  const std::int64_t above = pass.rows_above(layer);
  LayerTrace trace;
  trace.q = take(pass.exec, above, config.query_width());
  trace.k = take(pass.exec, below, config.key_width());
  trace.v = take(pass.exec, below, config.key_width());
  if (config.head_norm) {
    trace.q_raw = take(pass.exec, above, config.query_width());
    trace.k_raw = take(pass.exec, below, config.key_width());
  }
  trace.attended = take(pass.exec, above, config.query_width());
  if (pass.gradients != nullptr) trace.lse = take(pass.exec, above, config.heads);
  trace.x_mid = take(pass.exec, above, config.width);
  trace.gate = take(pass.exec, above, config.hidden);
  trace.up = take(pass.exec, above, config.hidden);
  if (config.sandwich_norm) {
    trace.attention_out = take(pass.exec, above, config.width);
    trace.feed_out = take(pass.exec, above, config.width);
  }
  if (pass.adapter != nullptr) {
    for (Site site : all_sites) {
      const LoraPair& pair = pass.adapter->at(layer, site);
      if (pair.is_absent()) continue;
      const bool of_keys = site == Site::k || site == Site::v;
      trace.t[static_cast<std::size_t>(site)] = take(pass.exec, of_keys ? below : above, pair.rank());
    }
  }
  return trace;
}

void forward_layer(const Pass& pass, int layer, const LayerTrace& trace, View x_out) {
  const Block block{pass, layer, trace};
  forward_attention(block);
  if (pass.rows_above(layer) > 0) forward_feed(block, x_out);
}

void backward_layer(const Pass& pass, int layer, const LayerTrace& trace, View dx, View dx_in) {
  HONE_CHECK(pass.adapter != nullptr && pass.gradients != nullptr);
  const Block block{pass, layer, trace};
  backward_feed(block, dx);
  backward_attention(block, dx, dx_in);
}

}  // namespace hone::model
