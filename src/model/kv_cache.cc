#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>

namespace hone::model {

using tensor::Tensor;

KvCache::KvCache(const Config& config, std::int64_t rows) : config_(config) { grow(std::max<std::int64_t>(rows, 1)); }

void KvCache::grow(std::int64_t rows) {
  const std::int64_t width = config_.key_width();
  const auto grown = [&](Tensor& old) {
    Tensor bigger = Tensor::empty({rows, width});
    if (used_ > 0) std::memcpy(bigger.f32(), old.f32(), static_cast<std::size_t>(used_ * width) * sizeof(float));
    old = std::move(bigger);
  };
  keys_.resize(static_cast<std::size_t>(config_.layers));
  values_.resize(keys_.size());
  for (Tensor& keys : keys_) grown(keys);
  for (Tensor& values : values_) grown(values);
  rows_ = rows;
}

int KvCache::add_node(int parent, int capacity) {
  HONE_CHECK(parent >= -1 && parent < count() && capacity >= 0);
  if (used_ + capacity > rows_) grow(std::max(used_ + capacity, rows_ + rows_ / 2));
  KvNode added;
  added.parent = parent;
  added.begin = static_cast<std::int32_t>(used_);
  added.capacity = capacity;
  added.position = parent < 0 ? 0 : node(parent).position + node(parent).length;
  nodes_.push_back(added);
  used_ += capacity;
  return count() - 1;
}

void KvCache::rewind(int count) {
  HONE_CHECK(count >= 0);
  if (count >= this->count()) return;
  used_ = node(count).begin;
  nodes_.resize(static_cast<std::size_t>(count));
  for (KvNode& node : nodes_) node.continued = false;
  for (const KvNode& node : nodes_) {
    if (node.parent >= 0 && node.length > 0) nodes_[static_cast<std::size_t>(node.parent)].continued = true;
  }
}

void KvCache::fill(int index, int added) {
  HONE_CHECK(index >= 0 && index < count() && added >= 0);
  KvNode& filled = nodes_[static_cast<std::size_t>(index)];
  HONE_CHECK(filled.length + added <= filled.capacity && (added == 0 || !filled.continued));
  if (filled.length == 0 && added > 0 && filled.parent >= 0) {
    KvNode& parent = nodes_[static_cast<std::size_t>(filled.parent)];
    parent.continued = true;
    filled.position = parent.position + parent.length;
  }
  filled.length += added;
}

tensor::View KvCache::keys(int layer) { return keys_.at(static_cast<std::size_t>(layer)).view(); }
tensor::View KvCache::values(int layer) { return values_.at(static_cast<std::size_t>(layer)).view(); }

}  // namespace hone::model
