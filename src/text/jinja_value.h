// Values inside a chat template: Python's, as far as templates use them. Text keeps its origins. Values are immutable
// but for namespaces, so templates cannot build cycles.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "text/marked_text.h"

namespace hone::text::jinja {

struct Statement;  // jinja_tree.h
class Value;

struct Undefined {
  std::string name;  // what was looked for, for messages
};
struct None {};

using Text = std::shared_ptr<const MarkedText>;

enum class SequenceKind : unsigned char { list, tuple };
struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  int depth = 1;           // containers nested inside, this one included
  std::size_t weight = 1;  // see Value::weight
};

struct Mapping {
  std::vector<std::pair<Value, Value>> items;  // in insertion order; keys are texts, numbers or none
  int depth = 1;
  std::size_t weight = 1;
};

// Lives in the renderer's arena as long as the rendering; the only value that changes.
struct Namespace {
  std::vector<std::pair<std::string, Value>> items;
};

struct Loop {
  std::shared_ptr<const Sequence> items;
  std::size_t index = 0;
};

// A macro, a global function, or a method bound to its object.
struct Callable {
  enum class Kind : unsigned char { macro, global, method };
  Kind kind = Kind::global;
  std::string name;
  const Statement* macro = nullptr;
  std::shared_ptr<const Value> object;
};

class Value {
 public:
  using Storage = std::variant<Undefined, None, bool, std::int64_t, double, Text, std::shared_ptr<const Sequence>,
                               std::shared_ptr<const Mapping>, Namespace*, std::shared_ptr<const Loop>, Callable>;

  Value() = default;
  Value(Storage storage) : storage_(std::move(storage)) {}  // NOLINT(google-explicit-constructor)
  explicit Value(MarkedText text) : storage_(std::make_shared<const MarkedText>(std::move(text))) {}
  // Text written by the template.
  static Value literal(std::string_view text) { return Value(MarkedText(text, Origin::from_template)); }
  // Throws Failure where depth or weight exceeds its limit.
  static Value sequence(std::vector<Value> items, SequenceKind kind = SequenceKind::list);
  static Value mapping(std::vector<std::pair<Value, Value>> items);
  // `json` with every string of `origin`.
  static Value from_json(const Json& json, Origin origin);

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(storage_);
  }
  template <class T>
  const T* get() const {
    return std::get_if<T>(&storage_);
  }
  bool is_undefined() const { return is<Undefined>(); }
  bool is_number() const { return is<bool>() || is<std::int64_t>() || is<double>(); }
  // Null where the value is of another type.
  const MarkedText* text() const;
  const Sequence* sequence() const;
  const Mapping* mapping() const;
  // The bytes of a text; empty for other types.
  std::string_view bytes() const;
  const Storage& storage() const { return storage_; }
  int depth() const;
  // Cost of going through the value: values inside, each counted as often as it is reached, and 64 bytes of text as
  // one.
  std::size_t weight() const;

 private:
  Storage storage_;
};

// Python's bool(value).
bool truth(const Value& value);
// Python's ==.
bool equal(const Value& a, const Value& b);
// Python's < for numbers, texts and sequences of them; throws Failure for other types.
bool less(const Value& a, const Value& b);
// The value of `key`, or nullptr.
const Value* find(const Mapping& mapping, const Value& key);
const Value* find(const Mapping& mapping, std::string_view key);
// Python's str(value): text itself keeps its origins, and so do texts inside a container. "" for undefined.
MarkedText to_text(const Value& value);
// As json.dumps(value, ensure_ascii=..., indent=..., sort_keys=...) writes it; texts keep their origins.
struct JsonStyle {
  int indent = -1;  // spaces a level; -1: one line
  bool sort_keys = false;
  bool ensure_ascii = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
MarkedText to_json_text(const Value& value, const JsonStyle& style);
// What the value is, in words a template's author knows: "a string", "undefined ('x')".
std::string describe(const Value& value);
// Python's repr of a float.
std::string float_text(double number);

}  // namespace hone::text::jinja
