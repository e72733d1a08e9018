// One layer of the decoder, forward and backward, over a packed stream.
#pragma once

#include <array>
#include <cstdint>

#include "model/decoder_noise.h"
#include "model/decoder_stream.h"
#include "model/weights.h"

namespace hone::model {

// Angles of RoPE, [rows, head_width / 2] each: of all rows and of the wanted ones.
struct Angles {
  tensor::View cos, sin, wanted_cos, wanted_sin;
};

// What all layers of one pass share. Memory comes from the arena of `exec`, in a scope that outlives it.
struct Pass {
  tensor::Exec& exec;
  const Weights& weights;
  const Adapter* adapter;  // may be null
  Adapter* gradients;      // null: forward only
  const Stream& stream;
  KvCache* cache;            // null: keys are the stream's own
  const PassNoise* noise{};  // null: none
  Angles angles{}, sliding_angles{};

  const Config& config() const { return weights.config; }
  bool is_last(int layer) const { return layer + 1 == weights.config.layers; }
  // Rows that go on above the attention of a layer.
  std::int64_t rows_above(int layer) const { return is_last(layer) ? stream.wanted_rows() : stream.rows(); }
  const Angles& angles_of(int layer) const { return weights.config.slides(layer) ? sliding_angles : angles; }
};

// What the backward pass needs of a layer; norms, the gated unit and nothing else are computed again. T rows below the
// attention, R = rows_above() rows above.
struct LayerTrace {
  tensor::View x_in;              // [T, width]
  tensor::View q;                 // [R, query width], turned
  tensor::View k, v;              // [T, key width], k turned
  tensor::View q_raw, k_raw;      // as q and k, before their heads' norm; data null without it
  tensor::View attended;          // [R, query width]
  tensor::View lse;               // [R, heads]; data null in a forward-only pass
  tensor::View attention_out;     // [R, width], before its norm; data null without it
  tensor::View x_mid;             // [R, width]
  tensor::View gate, up;          // [R, hidden]
  tensor::View feed_out;          // [R, width], before its norm; data null without it
  std::array<tensor::View, 7> t;  // by Site: x A^T [T or R, rank]
};

// f32 [rows, columns] from the arena.
tensor::View take(tensor::Exec& exec, std::int64_t rows, std::int64_t columns);

// All of a trace but x_in.
LayerTrace take_trace(const Pass& pass, int layer);

// Fills `trace` from trace.x_in; x_out [R, width].
void forward_layer(const Pass& pass, int layer, const LayerTrace& trace, tensor::View x_out);

// dx [R, width], the gradient of x_out, becomes scratch; dx_in [T, width] gets that of x_in and may be dx itself when
// R = T (data null: not wanted). Gradients of the layer's A and B are added up. trace.gate and trace.up are
// overwritten.
void backward_layer(const Pass& pass, int layer, const LayerTrace& trace, tensor::View dx, tensor::View dx_in);

}  // namespace hone::model
