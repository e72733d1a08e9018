// How much memory passes of the decoder take, for a plan before they run.
#pragma once

#include <cstdint>

#include "model/adapter.h"
#include "model/config.h"
#include "model/decoder.h"

namespace hone::model {

// Rows of logits that are held at once.
inline constexpr std::int64_t head_rows = 128;

struct PassSize {
  std::int64_t rows = 0;    // of the packed stream
  std::int64_t wanted = 0;  // with a target
  Activations activations = Activations::kept;
};

// Bytes that loss_and_gradients() takes from the arena at most: traces of the layers from the lowest adapted one on,
// and beside them what the largest block or the head needs at once. `most_tile`: values of a matrix that are widened to
// f32 at once (0: all are f32).
std::uint64_t training_pass_bytes(const Config& config, const LoraSpec& lora, const PassSize& size,
                                  std::int64_t most_tile);

// Bytes, at most, of the copies that gradients of inputs make of maps in 8-bit steps (ops/int8_map.h): those of
// the layers from the lowest adapted one on.
std::uint64_t transposed_copy_bytes(const Config& config, const LoraSpec& lora);

// Bytes of the adapter, its gradients, its two moments and the best one so far: f32.
std::uint64_t adapter_state_bytes(const Config& config, const LoraSpec& lora);

}  // namespace hone::model
