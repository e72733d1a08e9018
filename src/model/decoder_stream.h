// The geometry of one pass: where each row of a packed stream sits in its sequence, and which keys it sees.
#pragma once

#include <cstdint>
#include <vector>

#include "model/decoder.h"
#include "ops/attention.h"

namespace hone::model {

// New rows of a cache node, to be copied behind what it holds.
struct CacheCopy {
  std::int32_t stream_row = 0;
  std::int32_t cache_row = 0;
  std::int32_t length = 0;
};

struct Stream {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;  // a row each
  std::vector<std::int32_t> wanted;     // rows whose final hidden state is wanted, ascending
  ops::AttentionPlan all;               // all rows as queries
  ops::AttentionPlan last;              // wanted rows as queries: the last layer
  std::vector<CacheCopy> copies;        // empty without a cache

  std::int64_t rows() const { return static_cast<std::int64_t>(ids.size()); }
  std::int64_t wanted_rows() const { return static_cast<std::int64_t>(wanted.size()); }
};

// Keys are the stream's own rows; wanted are the target rows. A sequence longer than the context is a Failure
// (bad_input).
Stream stream_of(const TrainBatch& batch, const Config& config);

// Keys are the cache's rows. Marks the new rows as filled.
Stream stream_of(const Step& step, const Config& config, KvCache& cache);

}  // namespace hone::model
