// A decoder's description in the words of the two kinds of model files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "formats/gguf.h"
#include "model/config.h"
#include "text/tokenizer.h"

namespace hone::model {

// Ids that config.json and generation_config.json repeat.
struct TokenIds {
  std::optional<text::TokenId> bos{}, padding{};
  std::vector<text::TokenId> ends{};  // generation stops at each; the first is what ends an answer
};

// config.json, with fields as transformers had them before version 5 (later versions, vLLM and others read both).
// `dtype` is transformers' name of the weights' type ("float32"). RoPE divisors that no published scaling makes are
// refused (unsupported).
Result<Json> hugging_face_config(const Config& config, const TokenIds& ids, const std::string& dtype);

// generation_config.json: greedy, stopping at ids.ends.
Json generation_config(const TokenIds& ids);

// general.architecture and the family's keys. What GGUF has no key for (a pattern of sliding layers of one's own, a
// scale of the scores that differs from the family's) is refused (unsupported) by name.
Result<formats::GgufMetadata> gguf_config_keys(const Config& config);

// Values of the tensor rope_freqs.weight [head_width / 2], by which llama.cpp divides the frequencies; empty: none.
std::vector<float> gguf_rope_divisors(const Config& config);

}  // namespace hone::model
