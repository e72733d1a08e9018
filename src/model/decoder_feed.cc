// The feed-forward block of a layer.
#include "model/decoder_block.h"
#include "ops/geglu.h"
#include "ops/rms_norm.h"
#include "ops/swiglu.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::View;

void gated_unit(const Block& block, View out) {
  switch (block.config().gate) {
    case Gate::silu:
      return ops::swiglu(block.pass.exec, block.trace.gate, block.trace.up, out);
    case Gate::gelu_tanh:
      return ops::geglu(block.pass.exec, block.trace.gate, block.trace.up, out);
  }
}

// trace.gate and trace.up become their gradients.
void gated_unit_backward(const Block& block, ConstView dout) {
  switch (block.config().gate) {
    case Gate::silu:
      return ops::swiglu_backward(block.pass.exec, dout, block.trace.gate, block.trace.up);
    case Gate::gelu_tanh:
      return ops::geglu_backward(block.pass.exec, dout, block.trace.gate, block.trace.up);
  }
}

}  // namespace

// x_out = x_mid + down(gated(gate(norm(x_mid)), up(norm(x_mid)))), what is added normed first in a sandwich.
void forward_feed(const Block& block, View x_out) {
  const Config& config = block.config();
  const LayerTrace& trace = block.trace;
  tensor::Exec& exec = block.pass.exec;
  const std::int64_t rows = trace.x_mid.shape[0];
  tensor::Arena::Scope scope(exec.arena());
  View normed = take(exec, rows, config.width);
  View gated = take(exec, rows, config.hidden);
  ops::rms_norm(exec, trace.x_mid, block.weights().feed_norm.view(), config.norm_epsilon, normed);
  map_group(block, normed, {{Site::gate, trace.gate}, {Site::up, trace.up}});
  gated_unit(block, gated);
  copy(block.pass, trace.x_mid, x_out);
  if (config.sandwich_norm) {
    map(block, Site::down, gated, trace.feed_out);
    ops::rms_norm_add(exec, trace.feed_out, block.weights().feed_out_norm.view(), config.norm_epsilon, x_out);
  } else {
    map(block, Site::down, gated, x_out, ops::Into::add);
  }
}

void backward_feed(const Block& block, View dx) {
  const Config& config = block.config();
  const LayerTrace& trace = block.trace;
  tensor::Exec& exec = block.pass.exec;
  const std::int64_t rows = dx.shape[0];
  const ConstView norm = block.weights().feed_norm.view();
  tensor::Arena::Scope scope(exec.arena());
  View dout = dx;
  if (config.sandwich_norm) {
    dout = take(exec, rows, config.width);
    clear(dout);
    ops::rms_norm_backward(exec, block.weights().feed_out_norm.view(), config.norm_epsilon, {dx, trace.feed_out, dout});
  }
  View gated = take(exec, rows, config.hidden);
  View dgated = take(exec, rows, config.hidden);
  gated_unit(block, gated);
  map_backward(block, Site::down, {dout, gated, dgated});
  gated_unit_backward(block, dgated);
  View normed = take(exec, rows, config.width);
  View dnormed = take(exec, rows, config.width);
  ops::rms_norm(exec, trace.x_mid, norm, config.norm_epsilon, normed);
  map_backward(block, Site::gate, {trace.gate, normed, dnormed});
  map_backward(block, Site::up, {trace.up, normed, dnormed, ops::Into::add});
  ops::rms_norm_backward(exec, norm, config.norm_epsilon, {dnormed, trace.x_mid, dx});
}

}  // namespace hone::model
