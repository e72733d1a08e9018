// Linear maps with a frozen weight and an optional low-rank update: y = x W^T + s (x A^T) B^T (Hu et al. 2021).
#pragma once

#include <cstdint>
#include <span>

#include "ops/matvec.h"
#include "tensor/exec.h"

namespace hone::ops {

// f32 values of a map that is kept otherwise, widened at once. The maps of small models fit; a head takes several.
inline constexpr std::int64_t most_tile_values = std::int64_t{1} << 22;

struct Lora {
  tensor::ConstView a;  // [rank, in]
  tensor::ConstView b;  // [out, rank]
  float scale = 1;      // s
};

struct LinearOut {
  tensor::View y;  // [rows, out]
  Into y_into = Into::set;
  tensor::View t;  // [rows, rank]: x A^T, for the backward pass; needed when there is a Lora
};

// All f32. x [rows, in]. `lora` null: y = x W^T.
void linear(tensor::Exec& exec, tensor::ConstView x, const Weight& weight, const Lora* lora, const LinearOut& out);

// One of several maps of the same x.
struct LinearJob {
  const Weight* weight = nullptr;
  const Lora* lora = nullptr;
  LinearOut out;
};

// linear() for each of `jobs`; in 8-bit steps x is rounded once for all of them.
void linear_group(tensor::Exec& exec, tensor::ConstView x, std::span<const LinearJob> jobs);

struct LinearGradient {
  tensor::ConstView dy;  // [rows, out]
  tensor::ConstView x;   // [rows, in], read when there is a Lora
  tensor::ConstView t;   // [rows, rank], as linear() left it
  tensor::View dx;       // [rows, in]; data null: not wanted
  Into dx_into = Into::set;
  tensor::View da;  // [rank, in], added to
  tensor::View db;  // [out, rank], added to
};

// Makes what linear_backward() reads for dx besides the weight itself, where it reads anything, and keeps it in the
// weight; else its first call does.
void prepare_input_gradient(tensor::Exec& exec, const Weight& weight);

// dx (+)= dy W + s (dy B) A;  da += s (dy B)^T x;  db += s dy^T t.  W gets no gradient.
void linear_backward(tensor::Exec& exec, const Weight& weight, const Lora* lora, const LinearGradient& gradient);

}  // namespace hone::ops
