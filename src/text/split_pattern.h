// The regex that cuts text into pieces before byte-pair merging, with Unicode classes as Hugging Face's tokenizers see
// them, whatever Unicode version the PCRE2 at hand knows.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hone::text {

class SplitPattern {
 public:
  // `pattern` as tokenizer.json writes it (Oniguruma's dialect). `\p{L}`, `\p{N}` and `\s` get the members that
  // tokenizers' Oniguruma (Unicode 16) gives them; `\p{Numeric}` is Rust's char::is_numeric (Unicode 17), which the
  // Digits pre-tokenizer uses. A construct in which the dialects differ is refused by name.
  static Result<SplitPattern> compile(std::string_view pattern);
  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;
  ~SplitPattern();

  // Appends the end of each piece of `text` (valid UTF-8), `offset` added: every match is a piece, and so is every gap
  // between matches. The pieces cover `text`. Safe to call from several threads at once.
  void split(std::string_view text, std::size_t offset, std::vector<std::size_t>& ends) const;

 private:
  struct State;
  explicit SplitPattern(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone::text
