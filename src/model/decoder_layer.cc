#include "model/decoder_layer.h"

#include <cstring>
#include <optional>

#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/swiglu.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::View;

std::optional<ops::Lora> lora_at(const Pass& pass, int layer, Site site) {
  if (pass.adapter == nullptr) return std::nullopt;
  const LoraPair& pair = pass.adapter->at(layer, site);
  return ops::Lora{pair.a.view(), pair.b.view(), pass.adapter->spec().scale()};
}

const LayerWeights& weights_of(const Pass& pass, int layer) {
  return pass.weights.layers[static_cast<std::size_t>(layer)];
}

ops::HeadShape heads_of(const Config& config) { return {config.heads, config.kv_heads, config.head_width}; }

// y (+)= the site's map of x.
void map(const Pass& pass, int layer, Site site, const LayerTrace& trace, ConstView x, View y,
         ops::Into into = ops::Into::set) {
  const std::optional<ops::Lora> lora = lora_at(pass, layer, site);
  ops::linear(pass.exec, x, weights_of(pass, layer).at(site), lora ? &*lora : nullptr,
              {y, into, trace.t[static_cast<std::size_t>(site)]});
}

struct MapGradient {
  ConstView dy;
  ConstView x;
  View dx;  // data null: not wanted
  ops::Into into = ops::Into::set;
};

void map_backward(const Pass& pass, int layer, Site site, const LayerTrace& trace, const MapGradient& g) {
  const std::optional<ops::Lora> lora = lora_at(pass, layer, site);
  LoraPair& pair = pass.gradients->at(layer, site);
  ops::linear_backward(
      pass.exec, weights_of(pass, layer).at(site), &*lora,
      {g.dy, g.x, trace.t[static_cast<std::size_t>(site)], g.dx, g.into, pair.a.view(), pair.b.view()});
}

void copy(const Pass& pass, ConstView from, View to) {
  HONE_CHECK(from.shape == to.shape);
  const auto count = static_cast<std::size_t>(from.shape.count());
  pass.exec.threads().for_slices(count, 1 << 16, [&](std::size_t begin, std::size_t end, int) {
    std::memcpy(to.f32() + begin, from.f32() + begin, (end - begin) * sizeof(float));
  });
}

// The wanted rows of `from` [T, columns].
void gather_wanted(const Pass& pass, ConstView from, View to) {
  const std::int64_t columns = from.shape[1];
  float* row_to = to.f32();
  for (std::int32_t row : pass.stream.wanted) {
    std::memcpy(row_to, from.f32() + row * columns, static_cast<std::size_t>(columns) * sizeof(float));
    row_to += columns;
  }
}

// Adds `from` [wanted, columns] to the wanted rows of `to`.
void scatter_wanted(const Pass& pass, ConstView from, View to) {
  const std::int64_t columns = from.shape[1];
  const float* row_from = from.f32();
  for (std::int32_t row : pass.stream.wanted) {
    float* row_to = to.f32() + row * columns;
    for (std::int64_t i = 0; i < columns; ++i) row_to[i] += row_from[i];
    row_from += columns;
  }
}

void store_in_cache(const Pass& pass, int layer, const LayerTrace& trace) {
  const std::int64_t columns = trace.k.shape[1];
  View keys = pass.cache->keys(layer);
  View values = pass.cache->values(layer);
  for (const CacheCopy& c : pass.stream.copies) {
    const auto bytes = static_cast<std::size_t>(c.length * columns) * sizeof(float);
    if (bytes == 0) continue;
    std::memcpy(keys.f32() + c.cache_row * columns, trace.k.f32() + c.stream_row * columns, bytes);
    std::memcpy(values.f32() + c.cache_row * columns, trace.v.f32() + c.stream_row * columns, bytes);
  }
}

ops::AttentionTensors attention_inputs(const Pass& pass, int layer, const LayerTrace& trace) {
  if (pass.cache == nullptr) return {trace.q, trace.k, trace.v};
  return {trace.q, pass.cache->keys(layer), pass.cache->values(layer)};
}

// trace.x_mid = x_in + o(attention(norm(x_in))).
void forward_attention(const Pass& pass, int layer, const LayerTrace& trace) {
  const Config& config = pass.weights.config;
  const bool last = pass.is_last(layer);
  tensor::Arena::Scope scope(pass.exec.arena());
  View normed = take(pass.exec, pass.stream.rows(), config.width);
  ops::rms_norm(pass.exec, trace.x_in, weights_of(pass, layer).attention_norm.view(), config.norm_epsilon, normed);
  map(pass, layer, Site::k, trace, normed, trace.k);
  map(pass, layer, Site::v, trace, normed, trace.v);
  ops::rope(pass.exec, pass.cos, pass.sin, ops::Turn::forward, trace.k);
  if (pass.cache != nullptr) store_in_cache(pass, layer, trace);
  if (pass.rows_above(layer) == 0) return;
  View asking = normed;
  if (last) {
    asking = take(pass.exec, pass.stream.wanted_rows(), config.width);
    gather_wanted(pass, normed, asking);
    gather_wanted(pass, trace.x_in, trace.x_mid);
  } else {
    copy(pass, trace.x_in, trace.x_mid);
  }
  map(pass, layer, Site::q, trace, asking, trace.q);
  ops::rope(pass.exec, last ? pass.wanted_cos : pass.cos, last ? pass.wanted_sin : pass.sin, ops::Turn::forward,
            trace.q);
  ops::attention(pass.exec, heads_of(config), last ? pass.stream.last : pass.stream.all,
                 attention_inputs(pass, layer, trace), {trace.attended, trace.lse});
  map(pass, layer, Site::o, trace, trace.attended, trace.x_mid, ops::Into::add);
}

// x_out = x_mid + down(swiglu(gate(norm(x_mid)), up(norm(x_mid)))).
void forward_feed(const Pass& pass, int layer, const LayerTrace& trace, View x_out) {
  const Config& config = pass.weights.config;
  const std::int64_t rows = pass.rows_above(layer);
  tensor::Arena::Scope scope(pass.exec.arena());
  View normed = take(pass.exec, rows, config.width);
  View gated = take(pass.exec, rows, config.hidden);
  ops::rms_norm(pass.exec, trace.x_mid, weights_of(pass, layer).feed_norm.view(), config.norm_epsilon, normed);
  map(pass, layer, Site::gate, trace, normed, trace.gate);
  map(pass, layer, Site::up, trace, normed, trace.up);
  ops::swiglu(pass.exec, trace.gate, trace.up, gated);
  copy(pass, trace.x_mid, x_out);
  map(pass, layer, Site::down, trace, gated, x_out, ops::Into::add);
}

// Adds the gradient through the feed-forward block to dx.
void backward_feed(const Pass& pass, int layer, const LayerTrace& trace, View dx) {
  const Config& config = pass.weights.config;
  const std::int64_t rows = dx.shape[0];
  const ConstView norm = weights_of(pass, layer).feed_norm.view();
  tensor::Arena::Scope scope(pass.exec.arena());
  View gated = take(pass.exec, rows, config.hidden);
  View dgated = take(pass.exec, rows, config.hidden);
  ops::swiglu(pass.exec, trace.gate, trace.up, gated);
  map_backward(pass, layer, Site::down, trace, {dx, gated, dgated});
  ops::swiglu_backward(pass.exec, dgated, trace.gate, trace.up);
  View normed = take(pass.exec, rows, config.width);
  View dnormed = take(pass.exec, rows, config.width);
  ops::rms_norm(pass.exec, trace.x_mid, norm, config.norm_epsilon, normed);
  map_backward(pass, layer, Site::gate, trace, {trace.gate, normed, dnormed});
  map_backward(pass, layer, Site::up, trace, {trace.up, normed, dnormed, ops::Into::add});
  ops::rms_norm_backward(pass.exec, norm, config.norm_epsilon, {dnormed, trace.x_mid, dx});
}

struct AttentionInputsGradient {
  View dq;  // [R, query width]
  View dk;  // [T, key width]
  View dv;
};

// From dx (of x_mid) to the gradients of q, k and v before they were turned.
void backward_to_heads(const Pass& pass, int layer, const LayerTrace& trace, View dx,
                       const AttentionInputsGradient& to) {
  const Config& config = pass.weights.config;
  const bool last = pass.is_last(layer);
  tensor::Arena::Scope scope(pass.exec.arena());
  View dattended = take(pass.exec, dx.shape[0], config.query_width());
  map_backward(pass, layer, Site::o, trace, {dx, trace.attended, dattended});
  std::memset(to.dk.f32(), 0, static_cast<std::size_t>(to.dk.shape.count()) * sizeof(float));
  std::memset(to.dv.f32(), 0, static_cast<std::size_t>(to.dv.shape.count()) * sizeof(float));
  ops::attention_backward(pass.exec, heads_of(config), last ? pass.stream.last : pass.stream.all,
                          attention_inputs(pass, layer, trace),
                          {trace.attended, trace.lse, dattended, to.dq, to.dk, to.dv});
  ops::rope(pass.exec, last ? pass.wanted_cos : pass.cos, last ? pass.wanted_sin : pass.sin, ops::Turn::back, to.dq);
  ops::rope(pass.exec, pass.cos, pass.sin, ops::Turn::back, to.dk);
}

void backward_attention(const Pass& pass, int layer, const LayerTrace& trace, View dx, View dx_in) {
  const Config& config = pass.weights.config;
  const std::int64_t rows = pass.stream.rows();
  const bool last = pass.is_last(layer);
  const bool go_on = dx_in.data != nullptr;
  const ConstView norm = weights_of(pass, layer).attention_norm.view();
  tensor::Arena::Scope scope(pass.exec.arena());
  const AttentionInputsGradient heads = {take(pass.exec, dx.shape[0], config.query_width()),
                                         take(pass.exec, rows, config.key_width()),
                                         take(pass.exec, rows, config.key_width())};
  backward_to_heads(pass, layer, trace, dx, heads);
  View normed = take(pass.exec, rows, config.width);
  ops::rms_norm(pass.exec, trace.x_in, norm, config.norm_epsilon, normed);
  View dnormed = go_on ? take(pass.exec, rows, config.width) : View{};
  map_backward(pass, layer, Site::k, trace, {heads.dk, normed, dnormed});
  map_backward(pass, layer, Site::v, trace, {heads.dv, normed, dnormed, ops::Into::add});
  if (!last) {
    map_backward(pass, layer, Site::q, trace, {heads.dq, normed, dnormed, ops::Into::add});
  } else {
    View asking = take(pass.exec, dx.shape[0], config.width);
    View dasking = go_on ? take(pass.exec, dx.shape[0], config.width) : View{};
    gather_wanted(pass, normed, asking);
    map_backward(pass, layer, Site::q, trace, {heads.dq, asking, dasking});
    if (go_on) scatter_wanted(pass, dasking, dnormed);
  }
  if (!go_on) return;
  if (last) {
    std::memset(dx_in.f32(), 0, static_cast<std::size_t>(dx_in.shape.count()) * sizeof(float));
    scatter_wanted(pass, dx, dx_in);
  } else if (dx_in.data != dx.data) {
    copy(pass, dx, dx_in);
  }
  ops::rms_norm_backward(pass.exec, norm, config.norm_epsilon, {dnormed, trace.x_in, dx_in});
}

}  // namespace

View take(tensor::Exec& exec, std::int64_t rows, std::int64_t columns) {
  return {exec.arena().floats(rows * columns), {rows, columns}};
}

LayerTrace take_trace(const Pass& pass, int layer) {
  const Config& config = pass.weights.config;
  const std::int64_t below = pass.stream.rows();
  const std::int64_t above = pass.rows_above(layer);
  LayerTrace trace;
  trace.q = take(pass.exec, above, config.query_width());
  trace.k = take(pass.exec, below, config.key_width());
  trace.v = take(pass.exec, below, config.key_width());
  trace.attended = take(pass.exec, above, config.query_width());
  if (pass.gradients != nullptr) trace.lse = take(pass.exec, above, config.heads);
  trace.x_mid = take(pass.exec, above, config.width);
  trace.gate = take(pass.exec, above, config.hidden);
  trace.up = take(pass.exec, above, config.hidden);
  if (pass.adapter != nullptr) {
    for (Site site : all_sites) {
      const bool of_keys = site == Site::k || site == Site::v;
      trace.t[static_cast<std::size_t>(site)] =
          take(pass.exec, of_keys ? below : above, pass.adapter->at(layer, site).a.shape()[0]);
    }
  }
  return trace;
}

void forward_layer(const Pass& pass, int layer, const LayerTrace& trace, View x_out) {
  forward_attention(pass, layer, trace);
  if (pass.rows_above(layer) > 0) forward_feed(pass, layer, trace, x_out);
}

void backward_layer(const Pass& pass, int layer, const LayerTrace& trace, View dx, View dx_in) {
  HONE_CHECK(pass.adapter != nullptr && pass.gradients != nullptr);
  backward_feed(pass, layer, trace, dx);
  backward_attention(pass, layer, trace, dx, dx_in);
}

}  // namespace hone::model
