// Token embeddings: rows of a weight.
#pragma once

#include <cstdint>
#include <span>

#include "ops/weight.h"
#include "tensor/exec.h"

namespace hone::ops {

// out [ids.size(), in] gets row ids[i] of `table` [vocabulary, in]. An id outside the table is a Failure (bad_input).
void embed(tensor::Exec& exec, const Weight& table, std::span<const std::int32_t> ids, tensor::View out);

// out[i] = x . table[ids[i]], x [in]: a few rows of a product.
void embed_dot(tensor::Exec& exec, const Weight& table, const float* x, std::span<const std::int32_t> ids,
               std::span<float> out);

}  // namespace hone::ops
