// What a GGUF's `pre` and `model` names stand for, in the words of tokenizer.json, and back.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "text/tokenizer.h"

namespace hone::model {

struct TokenizerScheme {
  Json normalizer, pre_tokenizer, decoder;
};

// Refuses (unsupported) a `pre` whose regex is not known here.
Result<TokenizerScheme> scheme_of(const text::GgufVocabulary& vocabulary);

// llama.cpp's name for the cut that a tokenizer.json's "pre_tokenizer" and "normalizer" make before byte-level merges;
// refused (unsupported) where it has none.
Result<std::string> gguf_pre_of(const Json& pre_tokenizer, const Json& normalizer);

}  // namespace hone::model
