// The decoder: explicit forward and backward (no autograd tape) of a Llama-type transformer over packed token trees.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/adapter.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "tensor/exec.h"

namespace hone::model {

// New tokens of one cache node, a stretch of a packed stream.
struct Piece {
  std::int32_t node = 0;
  std::int32_t length = 0;
};

// Tokens to run against a cache: pieces in order, their ids concatenated.
struct Step {
  std::vector<std::int32_t> ids;
  std::vector<Piece> pieces;
  std::vector<std::int32_t> wanted;  // rows of the stream whose final hidden state is wanted, ascending
};

// One packed training batch: a forest of stretches; a stretch's parent lies before it. No padding; positions restart at
// each root, and a child continues its parent.
struct TrainBatch {
  struct Stretch {
    std::int32_t parent = -1;
    std::int32_t length = 0;
    // Names the example whose random numbers its rows draw; read only in a pass with noise, where nothing is shared.
    std::uint32_t example = 0;
  };
  std::vector<std::int32_t> ids;  // stretches concatenated
  std::vector<Stretch> stretches;
  struct Target {
    std::int32_t row = 0;  // stream row whose hidden state predicts
    std::int32_t id = 0;   // the token to predict
    float weight = 1;
  };
  std::vector<Target> targets;  // by ascending row; a row may have several
};

struct LossSum {
  double loss = 0;          // sum over targets of weight * -log p
  double weight = 0;        // sum of weights
  std::int64_t tokens = 0;  // rows computed
};

// What a training pass adds at random. Every number is a function of (seed, step, example, position, place), so it is
// the same however a step is cut into micro-batches and whenever it is run again.
struct Noise {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  // Share of a LoRA input's values that become 0 (in steps of 1/65536), the others divided by the share that stays: a
  // mask for each map, as PEFT's lora_dropout.
  double dropout = 0;
  // NEFTune (Jain et al. 2023): embeddings get uniform noise of +-embedding / sqrt(tokens of the row * width).
  double embedding = 0;

  bool is_off() const { return dropout == 0 && embedding == 0; }
};

// What the backward pass finds of each layer: all that the forward pass made, or its input only, from which the layer
// is run again (Chen et al. 2016): the same bits in less memory and more time.
enum class Activations : std::uint8_t { kept, recomputed };

struct TrainingPass {
  Noise noise;  // with any, the batch shares no prefixes
  Activations activations = Activations::kept;
};

struct Weights;  // see model/weights.h

class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const Weights> weights);
  const Config& config() const;

  // Runs `step`, appending keys and values to the nodes of `cache`. `hidden` [wanted.size(), width] gets the
  // final-normed hidden states. `adapter` null: the bare base.
  void forward(tensor::Exec& exec, const Step& step, const Adapter* adapter, KvCache& cache, tensor::View hidden) const;
  // logits [rows, vocabulary] = hidden [rows, width] times the head's transpose.
  void logits(tensor::Exec& exec, tensor::ConstView hidden, tensor::View logits) const;
  // logits of a few ids for one hidden state [width]: out[i] = hidden . head[ids[i]].
  void logits_at(tensor::Exec& exec, const float* hidden, std::span<const std::int32_t> ids,
                 std::span<float> out) const;

  // Sum of losses of `batch`, gradients of every A and B added into `gradients`. The head is computed at target rows
  // only, and nothing below the adapter's lowest layer gets a gradient.
  LossSum loss_and_gradients(tensor::Exec& exec, const TrainBatch& batch, const Adapter& adapter, Adapter& gradients,
                             const TrainingPass& pass = {}) const;
  // Makes what gradients of an adapter whose lowest layer this is will read besides the weights, where they read
  // anything (int8: maps the other way round); else the first pass makes it.
  void prepare_gradients(tensor::Exec& exec, int lowest_layer) const;
  // The loss alone.
  LossSum loss(tensor::Exec& exec, const TrainBatch& batch, const Adapter* adapter) const;

 private:
  std::shared_ptr<const Weights> weights_;
};

}  // namespace hone::model
