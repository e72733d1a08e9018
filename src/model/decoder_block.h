// What the attention and the feed-forward block of a layer share. Seen by the files of the decoder only.
#pragma once

#include "model/decoder_layer.h"
#include "ops/linear.h"

namespace hone::model {

// A layer in a pass.
struct Block {
  const Pass& pass;
  int layer;
  const LayerTrace& trace;

  const Config& config() const { return pass.weights.config; }
  const LayerWeights& weights() const { return pass.weights.layers[static_cast<std::size_t>(layer)]; }
  bool last() const { return pass.is_last(layer); }
  const tensor::View& t(Site site) const { return trace.t[static_cast<std::size_t>(site)]; }
  bool drops() const { return pass.noise != nullptr && pass.noise->how.dropout > 0; }
};

// y (+)= the site's map of x, with its bias where it has one (into = set only).
void map(const Block& block, Site site, tensor::ConstView x, tensor::View y, ops::Into into = ops::Into::set);

// Maps of the same x.
struct MapTo {
  Site site;
  tensor::View y;
};
void map_group(const Block& block, tensor::ConstView x, std::initializer_list<MapTo> maps);

struct MapGradient {
  tensor::ConstView dy;
  tensor::ConstView x;
  tensor::View dx;  // data null: not wanted
  ops::Into into = ops::Into::set;
};

// Gradients of the site's A and B are added up; its bias, frozen, gets none.
void map_backward(const Block& block, Site site, const MapGradient& gradient);

// The same with dropout before A: y (+)= W x + s B A (m x), m from drop_mask(); the trace's t becomes A (m x).
struct DroppedMap {
  tensor::ConstView x;
  tensor::View y;
  ops::Into into = ops::Into::set;
};
void map_dropped(const Block& block, Site site, const ops::Lora& lora, const DroppedMap& map);
void map_dropped_backward(const Block& block, Site site, const ops::Lora& lora, const MapGradient& gradient);

void copy(const Pass& pass, tensor::ConstView from, tensor::View to);
void clear(tensor::View values);

// x_mid = x_in (the wanted rows of it in the last layer) + attention. Keys and values go to the cache, if there is one.
void forward_attention(const Block& block);
// dx: of x_mid; dx_in as in backward_layer().
void backward_attention(const Block& block, tensor::View dx, tensor::View dx_in);

// x_out = x_mid + feed-forward.
void forward_feed(const Block& block, tensor::View x_out);
// dx, of x_out, becomes that of x_mid.
void backward_feed(const Block& block, tensor::View dx);

}  // namespace hone::model
