// Cuts text into the pieces inside which byte-pair merges happen, as a GGUF's `pre` or a tokenizer.json says.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/split_pattern.h"

namespace hone::text {

class PreTokenizer {
 public:
  // By the name a GGUF gives it (tokenizer.ggml.pre); a name we don't know is refused, because the wrong cut would
  // change ids silently.
  static Result<PreTokenizer> from_gguf_name(std::string_view pre);
  // From a tokenizer.json's "pre_tokenizer": Split, Digits, ByteLevel or a Sequence of them.
  static Result<PreTokenizer> from_json(const Json& pre_tokenizer);

  // Appends the end of each piece of `text` (valid UTF-8); the pieces cover it.
  void split(std::string_view text, std::vector<std::size_t>& ends) const;

 private:
  static Result<PreTokenizer> from_patterns(std::vector<std::string> patterns);
  std::vector<SplitPattern> steps_;
};

}  // namespace hone::text
