// What a decoder looks like.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace hone::model {

struct Config {
  std::string architecture = "llama";
  int layers = 0;
  int width = 0;   // d, the residual stream
  int hidden = 0;  // feed-forward width
  int heads = 0;
  int kv_heads = 0;
  int head_width = 0;
  int vocabulary = 0;
  int context = 0;  // longest sequence the model was made for
  float rope_base = 10000;
  float norm_epsilon = 1e-5F;
  bool tied_head = true;  // LM head = token embedding

  int query_width() const { return heads * head_width; }
  int key_width() const { return kv_heads * head_width; }
};

// Refuses (bad_input, by field) sizes that are absent or do not fit together, and architectures the decoder cannot run.
Result<void> check(const Config& config);

}  // namespace hone::model
