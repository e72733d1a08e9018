// What template expressions can call: filters, tests and methods, and the look-ups they share with the renderer. All
// throw Failure on what Jinja would refuse; the renderer adds the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace hone::text::jinja {

// What one rendering may use, so that a hostile template ends in an error.
class Budget {
 public:
  // `outside_bytes`: size of the conversation; the bounds grow with it.
  explicit Budget(std::size_t outside_bytes);
  void step(std::size_t count = 1);
  // Text made on the way.
  void made(std::size_t bytes);
  // Values put into a new list, and texts of their own in one.
  void values(std::size_t count);
  void texts(std::size_t count);
  // Looking for `needle` bytes in `hay` bytes, at worst comparing them at each place.
  void search(std::size_t hay, std::size_t needle);
  // Going through `count` names or keys to find one.
  void look_up(std::size_t count) { step(count / 16); }
  // Finding the places of the characters of a text of `bytes`.
  void index(std::size_t bytes) { made(bytes * sizeof(std::size_t)); }
  std::size_t most_output() const { return most_output_; }

 private:
  std::size_t steps_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_steps_;
  std::size_t most_bytes_;
  std::size_t most_output_;
};

// The arguments of one call, by position or name. `owner` is named in messages: "filter 'trim'".
struct Arguments {
  std::string owner;
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keywords;

  const Value* find(std::size_t position, std::string_view name) const;
  const Value& need(std::size_t position, std::string_view name) const;
  // Nothing where not given or none; throws on another type.
  std::optional<std::int64_t> whole(std::size_t position, std::string_view name) const;
  std::optional<std::string_view> bytes(std::size_t position, std::string_view name) const;
  bool flag(std::size_t position, std::string_view name) const;
  // Throws where more were given, or named ones that are not in `names`.
  void allow(std::initializer_list<std::string_view> names) const;
};

// to_text(value), refused before it would exceed the budget.
MarkedText text_within(Budget& budget, const Value& value);
// What comparing values with `value` costs at worst.
std::size_t comparison_cost(const Value& value);
std::size_t comparison_cost(const Value& a, const Value& b);

// The keys or names that an attribute or item of `value` is looked for among.
std::size_t keys_in(const Value& value);

// value.name, Undefined where there is none; throws on an undefined value.
Value attribute_of(const Value& value, std::string_view name);
// value[key], Undefined where there is none.
Value item_of(const Value& value, const Value& key);
// What `for` goes through: items, keys, or characters.
std::vector<Value> items_of(const Value& value, Budget& budget);
bool contains(const Value& container, const Value& item, Budget& budget);
std::size_t length_of(const Value& value);

// replace() and joining of str(item)s, refused where the result would exceed the budget.
struct Replacement {
  const MarkedText& fresh;
  std::int64_t most = -1;
};
MarkedText replace_within(Budget& budget, const MarkedText& text, std::string_view old, const Replacement& replacement);
MarkedText join_within(Budget& budget, const std::vector<Value>& items, const MarkedText& separator);

Value apply_filter(std::string_view name, const Value& input, const Arguments& arguments, Budget& budget);
bool apply_test(std::string_view name, const Value& value, const Arguments& arguments, Budget& budget);
bool has_method(const Value& object, std::string_view name);
Value call_method(const Value& object, std::string_view name, const Arguments& arguments, Budget& budget);

}  // namespace hone::text::jinja
