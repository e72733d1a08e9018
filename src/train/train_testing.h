// A tiny decoder and rows for tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "model/weights.h"
#include "train/train.h"

namespace hone::train {

inline model::Config tiny_config() {
  model::Config config;
  config.layers = 2;
  config.width = 16;
  config.hidden = 24;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_width = 8;
  config.vocabulary = 40;
  config.context = 64;
  return config;
}

inline model::Decoder tiny_decoder() {
  return model::Decoder(std::make_shared<const model::Weights>(model::random_weights(tiny_config(), 5)));
}

// Rows that share a 5-token start, the same prompt now and then, and answers of 1 to 3 tokens fixed by the prompt.
inline std::vector<data::Example> tiny_examples(int count) {
  std::vector<data::Example> examples;
  Rng rng(11);
  for (int i = 0; i < count; ++i) {
    data::Example example;
    example.row_id = "row" + std::to_string(i);
    example.prompt = {1, 2, 3, 4, 5};
    const int kind = static_cast<int>(rng.below(3));
    const int length = 1 + static_cast<int>(rng.below(6));
    for (int t = 0; t < length; ++t) example.prompt.push_back(10 + static_cast<int>(rng.below(4)) + 5 * kind);
    for (int t = 0; t <= kind; ++t) example.answer.push_back(30 + kind + t);
    example.answer.push_back(39);
    examples.push_back(std::move(example));
  }
  return examples;
}

inline std::vector<const data::Example*> pointers(const std::vector<data::Example>& examples) {
  std::vector<const data::Example*> result;
  for (const data::Example& example : examples) result.push_back(&example);
  return result;
}

inline std::vector<float> values_of(model::Adapter& adapter) {
  std::vector<float> values;
  for (const auto& named : adapter.tensors()) {
    values.insert(values.end(), named.tensor->f32(), named.tensor->f32() + named.tensor->shape().count());
  }
  return values;
}

}  // namespace hone::train
