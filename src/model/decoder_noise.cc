#include "model/decoder_noise.h"

#include <cmath>

#include "base/rng.h"
#include "model/decoder_block.h"
#include "ops/gemm.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::View;

// A counter is example (28 bits), position (20 bits), column (16 bits); a stream is purpose, step, place.
constexpr int column_bits = 16;
constexpr int position_bits = 20;
constexpr std::uint64_t most_examples = 1ULL << 28;
constexpr std::int64_t values_a_draw = 4;  // of 16 bits each
constexpr std::uint64_t dropout_streams = 0x64ULL << 56;
constexpr std::uint64_t embedding_streams = 0x6eULL << 56;

std::uint64_t stream_of_step(std::uint64_t purpose, std::uint32_t step, std::uint64_t place) {
  HONE_CHECK(place < (1ULL << 20));
  return purpose | std::uint64_t{step} << 20 | place;
}

// out (+)= x * mask, value by value.
void multiply(tensor::Exec& exec, ConstView x, ConstView mask, View out, ops::Into into) {
  constexpr std::size_t grain = 1 << 14;
  exec.threads().for_slices(static_cast<std::size_t>(x.shape.count()), grain,
                            [&](std::size_t begin, std::size_t end, int) {
                              const float* from = x.f32();
                              const float* by = mask.f32();
                              float* to = out.f32();
                              for (std::size_t i = begin; i < end; ++i)
                                to[i] = (into == ops::Into::add ? to[i] : 0.0F) + from[i] * by[i];
                            });
}

// Of the rows that a map reads: all of them, or the wanted ones above the last attention.
Dropout dropout_of(const Block& block, Site site, std::int64_t rows) {
  const PassNoise& noise = *block.pass.noise;
  const bool is_all = rows == block.pass.stream.rows();
  return {noise.how, block.layer, site, is_all ? noise.rows : noise.wanted};
}

}  // namespace

PassNoise pass_noise(const Noise& how, const TrainBatch& batch, const Stream& stream, int width) {
  HONE_CHECK(how.dropout >= 0 && how.dropout < 1 && how.embedding >= 0);
  PassNoise noise;
  noise.how = how;
  for (const TrainBatch::Stretch& stretch : batch.stretches) {
    HONE_CHECK(stretch.parent < 0 && stretch.example < most_examples && stretch.length < (1 << position_bits));
    const double values = static_cast<double>(stretch.length) * width;
    for (std::int32_t i = 0; i < stretch.length; ++i) {
      const std::uint64_t row = std::uint64_t{stretch.example} << position_bits | static_cast<std::uint64_t>(i);
      noise.rows.push_back(row << column_bits);
      noise.reach.push_back(static_cast<float>(how.embedding / std::sqrt(values)));
    }
  }
  for (const std::int32_t row : stream.wanted) noise.wanted.push_back(noise.rows[static_cast<std::size_t>(row)]);
  return noise;
}

void disturb_embeddings(tensor::Exec& exec, const PassNoise& noise, View x) {
  if (noise.how.embedding == 0) return;
  const std::int64_t width = x.shape[1];
  HONE_CHECK(width < (1 << column_bits));
  const std::uint64_t stream = stream_of_step(embedding_streams, noise.how.step, 0);
  exec.threads().for_slices(noise.rows.size(), 8, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      Rng rng(noise.how.seed, stream);
      rng.seek(noise.rows[row]);
      float* values = x.f32() + static_cast<std::int64_t>(row) * width;
      for (std::int64_t i = 0; i < width; ++i)
        values[i] += noise.reach[row] * static_cast<float>(2 * rng.uniform() - 1);
    }
  });
}

Dropout::Dropout(const Noise& how, int layer, Site site, std::span<const std::uint64_t> counters)
    : seed_(how.seed),
      stream_(stream_of_step(dropout_streams, how.step,
                             static_cast<std::uint64_t>(layer) * all_sites.size() + static_cast<std::uint64_t>(site))),
      dropped_(static_cast<std::uint32_t>(std::min(65535.0, std::round(how.dropout * 65536)))),
      counters_(counters) {}

// use(i, factor) for each value of [rows, in], row-major.
template <class Use>
void Dropout::for_factors(tensor::Exec& exec, tensor::Shape shape, const Use& use) const {
  const std::int64_t in = shape[1];
  HONE_CHECK(shape[0] == static_cast<std::int64_t>(counters_.size()) && in / values_a_draw < (1 << column_bits));
  const float kept = 65536.0F / static_cast<float>(65536 - dropped_);
  exec.threads().for_slices(counters_.size(), 8, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      Rng rng(seed_, stream_);
      rng.seek(counters_[row]);
      const std::int64_t first = static_cast<std::int64_t>(row) * in;
      for (std::int64_t i = 0; i < in; i += values_a_draw) {
        std::uint64_t bits = rng.next();
        for (std::int64_t k = i; k < std::min(in, i + values_a_draw); ++k, bits >>= 16)
          use(first + k, (bits & 0xffff) < dropped_ ? 0.0F : kept);
      }
    }
  });
}

void Dropout::draw(tensor::Exec& exec, View mask) const {
  float* to = mask.f32();
  for_factors(exec, mask.shape, [=](std::int64_t i, float factor) { to[i] = factor; });
}

void Dropout::apply(tensor::Exec& exec, ConstView x, View out) const {
  const float* from = x.f32();
  float* to = out.f32();
  for_factors(exec, x.shape, [=](std::int64_t i, float factor) { to[i] = from[i] * factor; });
}

void map_dropped(const Block& block, Site site, const ops::Lora& lora, const DroppedMap& map) {
  tensor::Exec& exec = block.pass.exec;
  const std::int64_t rows = map.x.shape[0];
  ops::linear(exec, map.x, block.weights().at(site), nullptr, {map.y, map.into, {}});
  if (rows == 0) return;
  tensor::Arena::Scope scope(exec.arena());
  View dropped = take(exec, rows, map.x.shape[1]);
  dropout_of(block, site, rows).apply(exec, map.x, dropped);
  ops::gemm(exec, ops::times_transposed(dropped, lora.a, block.t(site)));
  ops::Gemm up = ops::times_transposed(block.t(site), lora.b, map.y);
  up.alpha = lora.scale;
  up.beta = 1;
  ops::gemm(exec, up);
}

void map_dropped_backward(const Block& block, Site site, const ops::Lora& lora, const MapGradient& g) {
  tensor::Exec& exec = block.pass.exec;
  const std::int64_t rows = g.dy.shape[0];
  ops::linear_backward(exec, block.weights().at(site), nullptr, {g.dy, g.x, {}, g.dx, g.into, {}, {}});
  if (rows == 0) return;
  tensor::Arena::Scope scope(exec.arena());
  const Dropout dropout = dropout_of(block, site, rows);
  LoraPair& gradients = block.pass.gradients->at(block.layer, site);
  View mask = take(exec, rows, g.x.shape[1]);
  View dropped = take(exec, rows, g.x.shape[1]);
  View dt = take(exec, rows, lora.a.shape[0]);
  dropout.draw(exec, mask);
  multiply(exec, g.x, mask, dropped, ops::Into::set);
  ops::gemm(exec, ops::times(g.dy, lora.b, dt));
  ops::gemm(exec, ops::add_outer(dt, dropped, gradients.a.view(), lora.scale));
  ops::gemm(exec, ops::add_outer(g.dy, block.t(site), gradients.b.view(), lora.scale));
  if (g.dx.data == nullptr) return;
  ops::Gemm back = ops::times(dt, lora.a, dropped);
  back.alpha = lora.scale;
  ops::gemm(exec, back);
  multiply(exec, dropped, mask, g.dx, ops::Into::add);
}

}  // namespace hone::model
