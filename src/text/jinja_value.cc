#include "text/jinja_value.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hone::text::jinja {
namespace {

// Deeper values could exhaust the stack when they are compared, written or destroyed.
constexpr int deepest = 600;
// A list that holds one list twice, which holds another twice, ... would take forever to write.
constexpr std::size_t heaviest = std::size_t{1} << 24;

int checked_depth(int inside) {
  if (inside >= deepest) fail(ErrorCode::bad_input, "lists are nested deeper than {} levels", deepest);
  return inside + 1;
}

std::size_t checked_weight(std::size_t inside) {
  if (inside >= heaviest) fail(ErrorCode::bad_input, "a list holds more than {} values", heaviest);
  return inside + 1;
}

double as_double(const Value& value) {
  if (const auto* flag = value.get<bool>()) return *flag ? 1 : 0;
  if (const auto* whole = value.get<std::int64_t>()) return static_cast<double>(*whole);
  return *value.get<double>();
}

bool both_whole(const Value& a, const Value& b) { return !a.is<double>() && !b.is<double>(); }

std::int64_t as_whole(const Value& value) {
  if (const auto* flag = value.get<bool>()) return *flag ? 1 : 0;
  return *value.get<std::int64_t>();
}

bool equal_mappings(const Mapping& a, const Mapping& b) {
  return a.items.size() == b.items.size() && std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
           const Value* other = find(b, item.first);
           return other != nullptr && equal(item.second, *other);
         });
}

}  // namespace

Value Value::sequence(std::vector<Value> items, SequenceKind kind) {
  int inside = 0;
  std::size_t weight = 0;
  for (const Value& item : items) {
    inside = std::max(inside, item.depth());
    weight += item.weight();
  }
  auto made = std::make_shared<Sequence>();
  made->kind = kind;
  made->items = std::move(items);
  made->depth = checked_depth(inside);
  made->weight = checked_weight(weight);
  return Value(Storage(std::shared_ptr<const Sequence>(std::move(made))));
}

Value Value::mapping(std::vector<std::pair<Value, Value>> items) {
  int inside = 0;
  std::size_t weight = 0;
  for (const auto& [key, item] : items) {
    if (key.text() == nullptr && !key.is_number() && !key.is<None>()) {
      fail(ErrorCode::unsupported, "{} as a mapping's key is not supported", describe(key));
    }
    inside = std::max(inside, item.depth());
    weight += key.weight() + item.weight();
  }
  auto made = std::make_shared<Mapping>();
  made->items = std::move(items);
  made->depth = checked_depth(inside);
  made->weight = checked_weight(weight);
  return Value(Storage(std::shared_ptr<const Mapping>(std::move(made))));
}

Value Value::from_json(const Json& json, Origin origin) {
  if (json.is_boolean()) return Value(Storage(json.get<bool>()));
  if (json.is_number_float() || (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX)) {
    return Value(Storage(json.get<double>()));
  }
  if (json.is_number()) return Value(Storage(json.get<std::int64_t>()));
  if (json.is_string()) return Value(MarkedText(json.get_ref<const std::string&>(), origin));
  if (json.is_array()) {
    std::vector<Value> items;
    for (const Json& item : json) items.push_back(from_json(item, origin));
    return sequence(std::move(items));
  }
  if (json.is_object()) {
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [key, item] : json.items()) {
      items.emplace_back(Value(MarkedText(key, origin)), from_json(item, origin));
    }
    return mapping(std::move(items));
  }
  return Value(Storage(None{}));
}

const MarkedText* Value::text() const {
  const auto* text = get<Text>();
  return text == nullptr ? nullptr : text->get();
}

const Sequence* Value::sequence() const {
  const auto* held = get<std::shared_ptr<const Sequence>>();
  return held == nullptr ? nullptr : held->get();
}

const Mapping* Value::mapping() const {
  const auto* held = get<std::shared_ptr<const Mapping>>();
  return held == nullptr ? nullptr : held->get();
}

std::string_view Value::bytes() const {
  return text() == nullptr ? std::string_view() : std::string_view(text()->text());
}

int Value::depth() const {
  if (sequence() != nullptr) return sequence()->depth;
  if (mapping() != nullptr) return mapping()->depth;
  if (const auto* loop = get<std::shared_ptr<const Loop>>()) return (*loop)->items->depth + 1;
  if (const auto* callable = get<Callable>(); callable != nullptr && callable->object) {
    return callable->object->depth() + 1;
  }
  return 0;
}

std::size_t Value::weight() const {
  if (text() != nullptr) return 1 + text()->size() / 64;
  if (sequence() != nullptr) return sequence()->weight;
  if (mapping() != nullptr) return mapping()->weight;
  return 1;
}

bool truth(const Value& value) {
  if (value.is_undefined() || value.is<None>()) return false;
  if (value.is_number()) return as_double(value) != 0;
  if (value.text() != nullptr) return value.text()->size() > 0;
  if (value.sequence() != nullptr) return !value.sequence()->items.empty();
  if (value.mapping() != nullptr) return !value.mapping()->items.empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return both_whole(a, b) ? as_whole(a) == as_whole(b) : as_double(a) == as_double(b);
  }
  if (a.storage().index() != b.storage().index()) return false;
  if (a.text() != nullptr) return a.bytes() == b.bytes();
  if (a.sequence() != nullptr) {
    return a.sequence()->kind == b.sequence()->kind &&
           std::equal(a.sequence()->items.begin(), a.sequence()->items.end(), b.sequence()->items.begin(),
                      b.sequence()->items.end(), equal);
  }
  if (a.mapping() != nullptr) return equal_mappings(*a.mapping(), *b.mapping());
  if (const auto* space = a.get<Namespace*>()) return *space == *b.get<Namespace*>();
  return a.is_undefined() || a.is<None>();
}

bool less(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return both_whole(a, b) ? as_whole(a) < as_whole(b) : as_double(a) < as_double(b);
  }
  if (a.text() != nullptr && b.text() != nullptr) return a.bytes() < b.bytes();
  if (a.sequence() != nullptr && b.sequence() != nullptr && a.sequence()->kind == b.sequence()->kind) {
    const auto& left = a.sequence()->items;
    const auto& right = b.sequence()->items;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!equal(left[i], right[i])) return less(left[i], right[i]);
    }
    return left.size() < right.size();
  }
  fail(ErrorCode::bad_input, "{} and {} cannot be ordered", describe(a), describe(b));
}

const Value* find(const Mapping& mapping, const Value& key) {
  const auto found = std::find_if(mapping.items.begin(), mapping.items.end(),
                                  [&](const auto& item) { return equal(item.first, key); });
  return found == mapping.items.end() ? nullptr : &found->second;
}

const Value* find(const Mapping& mapping, std::string_view key) {
  const auto found = std::find_if(mapping.items.begin(), mapping.items.end(), [&](const auto& item) {
    return item.first.text() != nullptr && item.first.bytes() == key;
  });
  return found == mapping.items.end() ? nullptr : &found->second;
}

std::string describe(const Value& value) {
  if (const auto* undefined = value.get<Undefined>()) {
    return undefined->name.empty() ? "an undefined value" : "the undefined '" + undefined->name + "'";
  }
  if (value.is<None>()) return "none";
  if (value.is<bool>()) return "a boolean";
  if (value.is<std::int64_t>()) return "a whole number";
  if (value.is<double>()) return "a number";
  if (value.text() != nullptr) return "a string";
  if (value.sequence() != nullptr) return value.sequence()->kind == SequenceKind::list ? "a list" : "a tuple";
  if (value.mapping() != nullptr) return "a mapping";
  if (value.is<Namespace*>()) return "a namespace";
  if (value.is<std::shared_ptr<const Loop>>()) return "the loop";
  return "the function '" + value.get<Callable>()->name + "'";
}

}  // namespace hone::text::jinja
