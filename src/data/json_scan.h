// One pass over one JSON value: strict (RFC 8259), bounded in depth, numbers as they are written.
#pragma once

#include <string>
#include <string_view>

#include "data/raw_rows.h"

namespace hone::data {

class JsonScan {
 public:
  // `text` is UTF-8 and outlives this.
  explicit JsonScan(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // Each takes the value that begins here, white space before it included; false where there is none. Afterwards
  // duplicate() and is_too_deep() may say why.
  bool object(RawRow& row);
  bool value(RawValue& value);
  // Whether nothing but white space is left.
  bool is_at_end();

  // The key that stands twice in one object; empty where none does.
  const std::string& duplicate() const { return duplicate_; }
  bool is_too_deep() const { return is_too_deep_; }

 private:
  void skip_space();
  bool take(char c);
  bool take(std::string_view word);
  bool string(std::string& out);
  bool escape(std::string& out);
  bool four_hex_digits(unsigned& code);
  bool number(std::string_view& written);
  bool digits();
  bool compact(std::string& out);
  bool compact_string(std::string& out);
  bool compact_members(std::string& out);
  bool compact_items(std::string& out);
  bool are_unique(std::size_t first);

  const char* at_;
  const char* end_;
  int depth_ = 0;
  bool is_too_deep_ = false;
  std::string duplicate_;
  std::vector<std::string> keys_;  // of all objects that are open
};

}  // namespace hone::data
