#include "model/config.h"

#include <cmath>
#include <utility>

namespace hone::model {

Result<void> check(const Config& config) {
  if (config.architecture != "llama") {
    return make_error(ErrorCode::unsupported, "model architecture {}: Hone runs llama-type models only",
                      config.architecture);
  }
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
  if (!(config.rope_base > 0) || !std::isfinite(config.rope_base)) {
    return bad_input("model config: rope base is {}, expected a positive number", config.rope_base);
  }
  if (!(config.norm_epsilon >= 0) || !std::isfinite(config.norm_epsilon)) {
    return bad_input("model config: norm epsilon is {}, expected 0 or more", config.norm_epsilon);
  }
  return {};
}

}  // namespace hone::model
