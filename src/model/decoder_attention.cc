// The attention block of a layer.
#include <cmath>
#include <cstring>

#include "model/decoder_block.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::View;

ops::HeadShape heads_of(const Block& block) {
  const Config& config = block.config();
  const float scale =
      config.query_scalar > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(config.query_scalar))) : 0;
  return {config.heads, config.kv_heads, config.head_width, scale, config.slides(block.layer) ? config.window : 0};
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

void store_in_cache(const Block& block) {
  const std::int64_t columns = block.trace.k.shape[1];
  View keys = block.pass.cache->keys(block.layer);
  View values = block.pass.cache->values(block.layer);
  for (const CacheCopy& c : block.pass.stream.copies) {
    const auto bytes = static_cast<std::size_t>(c.length * columns) * sizeof(float);
    if (bytes == 0) continue;
    std::memcpy(keys.f32() + c.cache_row * columns, block.trace.k.f32() + c.stream_row * columns, bytes);
    std::memcpy(values.f32() + c.cache_row * columns, block.trace.v.f32() + c.stream_row * columns, bytes);
  }
}

ops::AttentionTensors attention_inputs(const Block& block) {
  const LayerTrace& trace = block.trace;
  if (block.pass.cache == nullptr) return {trace.q, trace.k, trace.v};
  return {trace.q, block.pass.cache->keys(block.layer), block.pass.cache->values(block.layer)};
}

const ops::AttentionPlan& plan_of(const Block& block) {
  return block.last() ? block.pass.stream.last : block.pass.stream.all;
}

// The queries or the keys of a layer on their way to attention: mapped, normed head by head, turned.
struct HeadLine {
  Site site;
  ConstView norm;  // [head_width]
  View raw;        // before the norm; data null without it
  View turned;
  ConstView cos, sin;
};

HeadLine queries_of(const Block& block) {
  const Angles& angles = block.pass.angles_of(block.layer);
  return {Site::q,
          block.weights().query_norm.view(),
          block.trace.q_raw,
          block.trace.q,
          block.last() ? angles.wanted_cos : angles.cos,
          block.last() ? angles.wanted_sin : angles.sin};
}

HeadLine keys_of(const Block& block) {
  const Angles& angles = block.pass.angles_of(block.layer);
  return {Site::k, block.weights().key_norm.view(), block.trace.k_raw, block.trace.k, angles.cos, angles.sin};
}

// [rows, heads * head_width] as one row a head.
View by_head(const Block& block, View rows) {
  const std::int64_t width = block.config().head_width;
  return {rows.data, {rows.shape.count() / width, width}};
}

// What the map of a line writes to.
MapTo map_of(const Block& block, const HeadLine& line) {
  return {line.site, block.config().head_norm ? line.raw : line.turned};
}

// From what the map gave to what attention reads.
void finish_heads(const Block& block, const HeadLine& line) {
  tensor::Exec& exec = block.pass.exec;
  if (block.config().head_norm)
    ops::rms_norm(exec, by_head(block, line.raw), line.norm, block.config().norm_epsilon, by_head(block, line.turned));
  ops::rope(exec, line.cos, line.sin, ops::Turn::forward, line.turned);
}

// From the gradient of the turned heads, which becomes scratch, to that of the map's result: `scratch` itself, or `raw`
// with a norm between them.
View backward_heads(const Block& block, const HeadLine& line, View scratch, View raw) {
  tensor::Exec& exec = block.pass.exec;
  ops::rope(exec, line.cos, line.sin, ops::Turn::back, scratch);
  if (!block.config().head_norm) return scratch;
  clear(raw);
  ops::rms_norm_backward(exec, line.norm, block.config().norm_epsilon,
                         {by_head(block, scratch), by_head(block, line.raw), by_head(block, raw)});
  return raw;
}

// trace.x_mid += o(attended), normed first in a sandwich.
void forward_out(const Block& block) {
  const LayerTrace& trace = block.trace;
  if (!block.config().sandwich_norm) return map(block, Site::o, trace.attended, trace.x_mid, ops::Into::add);
  map(block, Site::o, trace.attended, trace.attention_out);
  ops::rms_norm_add(block.pass.exec, trace.attention_out, block.weights().attention_out_norm.view(),
                    block.config().norm_epsilon, trace.x_mid);
}

// dattended from dx, the gradient of x_mid.
void backward_out(const Block& block, ConstView dx, View dattended) {
  tensor::Exec& exec = block.pass.exec;
  if (!block.config().sandwich_norm) return map_backward(block, Site::o, {dx, block.trace.attended, dattended});
  tensor::Arena::Scope scope(exec.arena());
  View dout = take(exec, dx.shape[0], dx.shape[1]);
  clear(dout);
  ops::rms_norm_backward(exec, block.weights().attention_out_norm.view(), block.config().norm_epsilon,
                         {dx, block.trace.attention_out, dout});
  map_backward(block, Site::o, {dout, block.trace.attended, dattended});
}

// Gradients of what q, k and v map to.
struct HeadsGradient {
  View dq;  // [R, query width]
  View dk;  // [T, key width]
  View dv;
};

bool adapts_attention(const Block& block) {
  for (const Site site : {Site::q, Site::k, Site::v, Site::o})
    if (!block.pass.adapter->at(block.layer, site).is_absent()) return true;
  return false;
}

// From dx (of x_mid). Memory comes from the arena.
HeadsGradient backward_to_heads(const Block& block, ConstView dx) {
  const Config& config = block.config();
  tensor::Exec& exec = block.pass.exec;
  const std::int64_t rows = block.pass.stream.rows();
  const HeadsGradient to = {take(exec, dx.shape[0], config.query_width()), take(exec, rows, config.key_width()),
                            take(exec, rows, config.key_width())};
  View q_raw = config.head_norm ? take(exec, dx.shape[0], config.query_width()) : View{};
  View k_raw = config.head_norm ? take(exec, rows, config.key_width()) : View{};
  tensor::Arena::Scope scope(exec.arena());
  View dattended = take(exec, dx.shape[0], config.query_width());
  backward_out(block, dx, dattended);
  clear(to.dk);
  clear(to.dv);
  ops::attention_backward(exec, heads_of(block), plan_of(block), attention_inputs(block),
                          {block.trace.attended, block.trace.lse, dattended, to.dq, to.dk, to.dv});
  return {backward_heads(block, queries_of(block), to.dq, q_raw), backward_heads(block, keys_of(block), to.dk, k_raw),
          to.dv};
}

}  // namespace

void forward_attention(const Block& block) {
  const Pass& pass = block.pass;
  const LayerTrace& trace = block.trace;
  const Config& config = block.config();
  tensor::Arena::Scope scope(pass.exec.arena());
  View normed = take(pass.exec, pass.stream.rows(), config.width);
  ops::rms_norm(pass.exec, trace.x_in, block.weights().attention_norm.view(), config.norm_epsilon, normed);
  const HeadLine keys = keys_of(block);
  const HeadLine queries = queries_of(block);
  if (block.last()) {
    map_group(block, normed, {map_of(block, keys), {Site::v, trace.v}});
  } else {
    map_group(block, normed, {map_of(block, queries), map_of(block, keys), {Site::v, trace.v}});
  }
  finish_heads(block, keys);
  if (pass.cache != nullptr) store_in_cache(block);
  if (pass.rows_above(block.layer) == 0) return;
  if (block.last()) {
    View asking = take(pass.exec, pass.stream.wanted_rows(), config.width);
    gather_wanted(pass, normed, asking);
    map_group(block, asking, {map_of(block, queries)});
    gather_wanted(pass, trace.x_in, trace.x_mid);
  } else {
    copy(pass, trace.x_in, trace.x_mid);
  }
  finish_heads(block, queries);
  ops::attention(pass.exec, heads_of(block), plan_of(block), attention_inputs(block), {trace.attended, trace.lse});
  forward_out(block);
}

void backward_attention(const Block& block, View dx, View dx_in) {
  const Pass& pass = block.pass;
  const Config& config = block.config();
  const std::int64_t rows = pass.stream.rows();
  const bool go_on = dx_in.data != nullptr;
  if (!go_on && !adapts_attention(block)) return;
  const ConstView norm = block.weights().attention_norm.view();
  tensor::Arena::Scope scope(pass.exec.arena());
  const HeadsGradient heads = backward_to_heads(block, dx);
  View normed = take(pass.exec, rows, config.width);
  ops::rms_norm(pass.exec, block.trace.x_in, norm, config.norm_epsilon, normed);
  View dnormed = go_on ? take(pass.exec, rows, config.width) : View{};
  map_backward(block, Site::k, {heads.dk, normed, dnormed});
  map_backward(block, Site::v, {heads.dv, normed, dnormed, ops::Into::add});
  if (!block.last()) {
    map_backward(block, Site::q, {heads.dq, normed, dnormed, ops::Into::add});
  } else {
    View asking = take(pass.exec, dx.shape[0], config.width);
    View dasking = go_on ? take(pass.exec, dx.shape[0], config.width) : View{};
    gather_wanted(pass, normed, asking);
    map_backward(block, Site::q, {heads.dq, asking, dasking});
    if (go_on) scatter_wanted(pass, dasking, dnormed);
  }
  if (!go_on) return;
  if (block.last()) {
    clear(dx_in);
    scatter_wanted(pass, dx, dx_in);
  } else if (dx_in.data != dx.data) {
    copy(pass, dx, dx_in);
  }
  ops::rms_norm_backward(pass.exec, norm, config.norm_epsilon, {dnormed, block.trace.x_in, dx_in});
}

}  // namespace hone::model
