// What a tokenizer does to text before it cuts it: Unicode's composed form, and SentencePiece's marks for spaces.
#pragma once

#include <string>
#include <string_view>

#include "text/marked_text.h"

namespace hone::text {

// Where a SentencePiece-type tokenizer puts a space before text that follows the beginning or a special token.
enum class SpacePrefix : unsigned char {
  never,
  always,            // SentencePiece's add_dummy_prefix; tokenizer.json's Prepend
  missing,           // unless one stands there (Metaspace "always")
  missing_at_start,  // the same, at the beginning of the whole text only (Metaspace "first")
};

struct Normalizer {
  bool composes = false;  // Normalization Form C
  bool reads_marks =
      false;              // U+2581 is a space (tokenizer.json's Replace); one that stands in the text becomes one too
  bool prepends = false;  // a space before any text that is not empty

  bool changes_nothing() const { return !composes && !reads_marks && !prepends; }
  // `text` may hold any bytes; those that are no UTF-8 stay as they are. The result is `text` itself where nothing
  // changes, else a view of `buffer`.
  std::string_view apply(std::string_view text, std::string& buffer) const;
  // The same, byte for byte, with origins: what several bytes were composed into is the template's only if all of them
  // were.
  MarkedText apply(const MarkedText& text) const;
};

// `text` with every U+2581 replaced by a space.
std::string with_spaces_for_marks(std::string_view text);

}  // namespace hone::text
