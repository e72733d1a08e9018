#include "model/config.h"

#include <array>
#include <cmath>
#include <utility>

namespace hone::model {
namespace {

constexpr std::array<Family, 4> known_families = {{
    {"llama", "LlamaForCausalLM", "Llama 2 and 3, SmolLM2"},
    {"qwen2", "Qwen2ForCausalLM", "Qwen2 and 2.5"},
    {"qwen3", "Qwen3ForCausalLM", "Qwen3"},
    {"gemma3", "Gemma3ForCausalLM", "Gemma 3, text"},
}};

bool positive(float value) { return value > 0 && std::isfinite(value); }

Result<void> check_sizes(const Config& config) {
  const std::pair<const char*, int> sizes[] = {
      {"layers", config.layers},         {"width", config.width},       {"hidden", config.hidden},
      {"heads", config.heads},           {"kv_heads", config.kv_heads}, {"head_width", config.head_width},
      {"vocabulary", config.vocabulary}, {"context", config.context},
  };
  for (const auto& [name, size] : sizes) {
    if (size < 1 || size > (1 << 24)) return bad_input("model config: {} is {}, expected 1 to 2^24", name, size);
  }
  if (config.layers > 4096 || config.heads > 4096 || config.head_width > 4096) {
    return bad_input("model config: {} layers, {} heads, head width {}: expected at most 4096 each", config.layers,
                     config.heads, config.head_width);
  }
  if (config.heads % config.kv_heads != 0) {
    return bad_input("model config: {} heads are not a multiple of {} kv heads", config.heads, config.kv_heads);
  }
  if (config.head_width % 2 != 0) return bad_input("model config: head width {} is odd", config.head_width);
  return {};
}

Result<void> check_scaling(const Config& config) {
  const RopeScaling& scaling = config.rope_scaling;
  if (!positive(scaling.factor)) {
    return bad_input("model config: RoPE scaling factor is {}, expected a positive number", scaling.factor);
  }
  if (scaling.kind == RopeScaling::Kind::llama3 &&
      (!positive(scaling.low_frequency) || !positive(scaling.high_frequency) ||
       scaling.low_frequency >= scaling.high_frequency || scaling.original_context < 1)) {
    return bad_input(
        "model config: RoPE scaling has low_freq_factor {}, high_freq_factor {} and original_max_position_embeddings "
        "{}; expected positive numbers, the first below the second",
        scaling.low_frequency, scaling.high_frequency, scaling.original_context);
  }
  if (scaling.kind != RopeScaling::Kind::divisors) return {};
  if (scaling.divisors.size() != static_cast<std::size_t>(config.head_width / 2)) {
    return bad_input("model config: {} RoPE divisors, expected {} (half the head width)", scaling.divisors.size(),
                     config.head_width / 2);
  }
  for (const float divisor : scaling.divisors) {
    if (!positive(divisor)) return bad_input("model config: a RoPE divisor is {}, expected positive numbers", divisor);
  }
  return {};
}

Result<void> check_sliding(const Config& config) {
  if (config.sliding.empty()) return {};
  if (config.sliding.size() != static_cast<std::size_t>(config.layers)) {
    return bad_input("model config: {} layer types for {} layers", config.sliding.size(), config.layers);
  }
  for (int layer = 0; layer < config.layers; ++layer) {
    if (config.slides(layer) && config.window < 1) {
      return bad_input("model config: layer {} slides, but the sliding window is {}; expected 1 or more", layer,
                       config.window);
    }
  }
  return {};
}

// `frequency` of a pair, by Llama 3.1's rule.
float llama3_frequency(const RopeScaling& scaling, float frequency) {
  constexpr double turn = 2 * 3.14159265358979323846;
  const auto original = static_cast<float>(scaling.original_context);
  const float wavelength = static_cast<float>(turn) / frequency;
  if (wavelength > original / scaling.low_frequency) return frequency / scaling.factor;
  if (wavelength < original / scaling.high_frequency) return frequency;
  const float smooth =
      (original / wavelength - scaling.low_frequency) / (scaling.high_frequency - scaling.low_frequency);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

std::span<const Family> families() { return known_families; }

const Family* find_family(std::string_view name) {
  for (const Family& family : known_families) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

std::string supported_families() {
  std::string all;
  for (const Family& family : known_families) {
    all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", family.name, family.members);
  }
  return all;
}

Config family_config(const Family& family) {
  Config config;
  config.architecture = family.name;
  config.attention_bias = config.architecture == "qwen2";
  config.head_norm = config.architecture == "qwen3" || config.architecture == "gemma3";
  if (config.architecture == "gemma3") {
    config.sandwich_norm = true;
    config.gate = Gate::gelu_tanh;
    config.sliding_rope_base = 10000;
    config.rope_base = 1000000;
  }
  return config;
}

Result<void> check(const Config& config) {
  if (find_family(config.architecture) == nullptr) {
    return make_error(ErrorCode::unsupported, "model architecture {}: Hone runs {}", config.architecture,
                      supported_families());
  }
  if (Result<void> fine = check_sizes(config); !fine) return fine;
  if (!positive(config.rope_base) || !(config.sliding_rope_base >= 0) || !std::isfinite(config.sliding_rope_base)) {
    return bad_input("model config: RoPE base is {}, in sliding layers {}; expected positive numbers", config.rope_base,
                     config.sliding_rope_base);
  }
  if (!(config.norm_epsilon >= 0) || !std::isfinite(config.norm_epsilon)) {
    return bad_input("model config: norm epsilon is {}, expected 0 or more", config.norm_epsilon);
  }
  if (!(config.query_scalar >= 0) || !std::isfinite(config.query_scalar) || !positive(config.embedding_scale)) {
    return bad_input("model config: query_pre_attn_scalar is {}, the embedding's scale {}; expected positive numbers",
                     config.query_scalar, config.embedding_scale);
  }
  if (Result<void> fine = check_scaling(config); !fine) return fine;
  return check_sliding(config);
}

std::vector<float> rope_frequencies(const Config& config, int layer) {
  const bool local = config.slides(layer) && config.sliding_rope_base > 0;
  const float base = local ? config.sliding_rope_base : config.rope_base;
  const RopeScaling plain;
  const RopeScaling& scaling = local ? plain : config.rope_scaling;
  std::vector<float> frequencies(static_cast<std::size_t>(config.head_width / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(config.head_width);
    const float frequency = 1.0F / std::pow(base, exponent);
    switch (scaling.kind) {
      case RopeScaling::Kind::none:
        frequencies[i] = frequency;
        break;
      case RopeScaling::Kind::linear:
        frequencies[i] = frequency / scaling.factor;
        break;
      case RopeScaling::Kind::llama3:
        frequencies[i] = llama3_frequency(scaling, frequency);
        break;
      case RopeScaling::Kind::divisors:
        frequencies[i] = frequency / scaling.divisors[i];
        break;
    }
  }
  return frequencies;
}

}  // namespace hone::model
