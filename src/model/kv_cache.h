// Keys and values of a tree of token stretches ("nodes"): a node continues its parent, so that rows sharing a prompt
// prefix share its keys and values. Nodes are stacked: rewind() drops the newest ones.
#pragma once

#include <cstdint>
#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace hone::model {

struct KvNode {
  std::int32_t parent = -1;   // index of the node it continues, -1 for none
  std::int32_t begin = 0;     // first row in the cache
  std::int32_t length = 0;    // rows filled
  std::int32_t capacity = 0;  // rows reserved
  std::int32_t position = 0;  // position of its first token in its sequence
  bool continued = false;     // a child holds tokens: its length is final until that child is dropped
};

class KvCache {
 public:
  // Room for `rows` tokens over all nodes; grows by itself when more are reserved.
  KvCache(const Config& config, std::int64_t rows);
  // Reserves `capacity` rows continuing `parent` (-1: a new sequence); its tokens come by Decoder::forward. A parent
  // must have all its tokens before its child gets the first one.
  int add_node(int parent, int capacity);
  // Drops all nodes with index >= count and frees their rows.
  void rewind(int count);
  int count() const { return static_cast<int>(nodes_.size()); }
  const KvNode& node(int index) const { return nodes_[static_cast<std::size_t>(index)]; }
  // Marks `added` more rows of a node as filled (Decoder::forward does this). The first fill fixes the node's position.
  void fill(int index, int added);
  // [rows, kv_heads * head_width] of one layer.
  tensor::View keys(int layer);
  tensor::View values(int layer);

 private:
  void grow(std::int64_t rows);

  Config config_;
  std::int64_t rows_ = 0;
  std::int64_t used_ = 0;
  std::vector<KvNode> nodes_;
  std::vector<tensor::Tensor> keys_, values_;
};

}  // namespace hone::model
