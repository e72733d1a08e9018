// What a decoder looks like: one description for every family Hone runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hone::model {

// What multiplies the up projection in the feed-forward block.
enum class Gate : std::uint8_t { silu, gelu_tanh };

// How the rotary frequencies f_i = base^(-2 i / head_width) of a model made for longer texts differ from that.
struct RopeScaling {
  enum class Kind : std::uint8_t {
    none,
    linear,   // f_i / factor
    llama3,   // long wavelengths divided by factor, short ones kept, between them a blend (Llama 3.1's)
    divisors  // f_i / divisors[i]: what a GGUF file keeps of llama3
  } kind = Kind::none;
  float factor = 1;
  float low_frequency = 1;      // llama3: wavelengths above original_context / low_frequency are long
  float high_frequency = 4;     // those below original_context / high_frequency short
  int original_context = 8192;  // what the model was made for at first
  std::vector<float> divisors;  // [head_width / 2]
  bool operator==(const RopeScaling&) const = default;
};

struct Config {
  std::string architecture = "llama";  // by GGUF's name: one of families()
  int layers = 0;
  int width = 0;   // d, the residual stream
  int hidden = 0;  // feed-forward width
  int heads = 0;
  int kv_heads = 0;
  int head_width = 0;
  int vocabulary = 0;
  int context = 0;  // longest sequence the model was made for
  float rope_base = 10000;
  RopeScaling rope_scaling;
  float norm_epsilon = 1e-5F;
  bool tied_head = true;  // LM head = token embedding

  // What a family adds to Llama.
  bool attention_bias = false;  // q, k and v have biases (frozen, as all of the base)
  bool head_norm = false;       // RMSNorm of each head's q and k before they are turned
  bool sandwich_norm = false;   // RMSNorm of what attention and feed-forward put out, before it is added
  Gate gate = Gate::silu;
  float embedding_scale = 1;    // multiplies the looked-up embeddings; the head uses them as they are
  float query_scalar = 0;       // scores are q k / sqrt(query_scalar); 0: head_width
  int window = 0;               // in sliding layers a query at q sees the keys k with q - k < window
  std::vector<bool> sliding;    // by layer; empty: none slides
  float sliding_rope_base = 0;  // of the layers that slide, unscaled; 0: they turn as the others do

  int query_width() const { return heads * head_width; }
  int key_width() const { return kv_heads * head_width; }
  bool slides(int layer) const { return !sliding.empty() && sliding[static_cast<std::size_t>(layer)]; }
  bool operator==(const Config&) const = default;
};

// A family of decoders and its names.
struct Family {
  const char* name;          // GGUF's general.architecture
  const char* hugging_face;  // config.json's architectures
  const char* members;       // for people
};
std::span<const Family> families();
// Null where Hone has no decoder for it.
const Family* find_family(std::string_view name);
// "llama (Llama 2 and 3, SmolLM2), ...": for messages.
std::string supported_families();
// What all models of a family have in common; sizes are left out.
Config family_config(const Family& family);

// Refuses (bad_input, by field) sizes that are absent or do not fit together, and (unsupported) families without a
// decoder.
Result<void> check(const Config& config);

// [head_width / 2] of one layer, scaled; rounded to f32 step by step as transformers does.
std::vector<float> rope_frequencies(const Config& config, int layer);

}  // namespace hone::model
