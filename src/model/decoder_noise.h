// The random numbers of a training pass: dropout before LoRA's A, and NEFTune's noise on embeddings.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/decoder.h"
#include "model/decoder_stream.h"

namespace hone::model {

// `how`, and what each row of a stream draws its numbers by.
struct PassNoise {
  Noise how;
  std::vector<std::uint64_t> rows;    // first counter of each row
  std::vector<std::uint64_t> wanted;  // of the wanted rows
  std::vector<float> reach;           // of the noise on each row's embedding
};
PassNoise pass_noise(const Noise& how, const TrainBatch& batch, const Stream& stream, int width);

// x [rows, width] += uniform noise of +-reach.
void disturb_embeddings(tensor::Exec& exec, const PassNoise& noise, tensor::View x);

// The dropout of one map's input: value i of row r is multiplied by 0 or by 1 / (1 - dropout).
class Dropout {
 public:
  // `counters`: PassNoise::rows or wanted.
  Dropout(const Noise& how, int layer, Site site, std::span<const std::uint64_t> counters);
  // mask [rows, in] = m.
  void draw(tensor::Exec& exec, tensor::View mask) const;
  // out [rows, in] = m x; may be x itself.
  void apply(tensor::Exec& exec, tensor::ConstView x, tensor::View out) const;

 private:
  template <class Use>
  void for_factors(tensor::Exec& exec, tensor::Shape shape, const Use& use) const;

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint32_t dropped_;  // of 65536
  std::span<const std::uint64_t> counters_;
};

}  // namespace hone::model
