// Budget, arguments and look-ups; the filters, tests and methods themselves stand in files of their own.
#include "text/jinja_functions.h"

#include <algorithm>

#include "base/error.h"
#include "base/terminal.h"
#include "text/jinja_text.h"

namespace hone::text::jinja {
namespace {

Value whole(std::size_t number) { return Value(Value::Storage(static_cast<std::int64_t>(number))); }
Value flag(bool value) { return Value(Value::Storage(value)); }
Value undefined(std::string name) { return Value(Value::Storage(Undefined{std::move(name)})); }

Value loop_attribute(const Loop& loop, std::string_view name) {
  const std::vector<Value>& items = loop.items->items;
  if (name == "index") return whole(loop.index + 1);
  if (name == "index0") return whole(loop.index);
  if (name == "first") return flag(loop.index == 0);
  if (name == "last") return flag(loop.index + 1 == items.size());
  if (name == "length") return whole(items.size());
  if (name == "revindex") return whole(items.size() - loop.index);
  if (name == "revindex0") return whole(items.size() - loop.index - 1);
  if (name == "previtem") return loop.index == 0 ? undefined("loop.previtem") : items[loop.index - 1];
  if (name == "nextitem") return loop.index + 1 == items.size() ? undefined("loop.nextitem") : items[loop.index + 1];
  fail(ErrorCode::unsupported, "'loop.{}' is not supported", printable(name));
}

// Python's index: from the end where negative; nothing where outside.
std::optional<std::size_t> position(const Value& key, std::size_t size) {
  std::int64_t at = 0;
  if (const auto* index = key.get<std::int64_t>()) {
    at = *index;
  } else if (const auto* index_flag = key.get<bool>()) {
    at = *index_flag ? 1 : 0;
  } else {
    return std::nullopt;
  }
  if (at < 0) at += static_cast<std::int64_t>(size);
  if (at < 0 || at >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(at);
}

}  // namespace

Budget::Budget(std::size_t outside_bytes)
    : most_steps_(2'000'000 + outside_bytes),
      most_bytes_((std::size_t{32} << 20) + 64 * outside_bytes),
      most_output_((std::size_t{8} << 20) + 8 * outside_bytes) {}

void Budget::step(std::size_t count) {
  steps_ += count;
  if (steps_ > most_steps_) {
    fail(ErrorCode::bad_input, "the template takes more than {} steps; it may loop forever", most_steps_);
  }
}

void Budget::made(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > most_bytes_)
    fail(ErrorCode::bad_input, "the template makes more than {} bytes of text and lists; it may loop forever",
         most_bytes_);
}

void Budget::values(std::size_t count) {
  step(count);
  made(count * sizeof(Value));
}

void Budget::texts(std::size_t count) {
  constexpr std::size_t bytes_beside_text = 128;  // of its object, its origins and the heap's own
  values(count);
  made(count * bytes_beside_text);
}

void Budget::search(std::size_t hay, std::size_t needle) {
  constexpr std::size_t bytes_compared_in_a_step = 4096;
  step(1 + hay / 64 + hay * needle / bytes_compared_in_a_step);
}

MarkedText text_within(Budget& budget, const Value& value) {
  budget.step(value.weight());
  // A list may hold one long text many times.
  if (value.sequence() != nullptr || value.mapping() != nullptr) budget.made(64 * value.weight());
  return to_text(value);
}

std::size_t keys_in(const Value& value) {
  if (value.mapping() != nullptr) return value.mapping()->items.size();
  if (const auto* space = value.get<Namespace*>()) return (*space)->items.size();
  return 0;
}

std::size_t comparison_cost(const Value& value) {
  std::size_t cost = 1;
  if (value.text() != nullptr) return value.weight();
  if (value.sequence() != nullptr) {
    for (const Value& item : value.sequence()->items) cost += comparison_cost(item);
  } else if (value.mapping() != nullptr) {
    const auto& items = value.mapping()->items;
    // Each key is looked for among the other's.
    cost += items.size() * items.size() / 16;
    for (const auto& [key, item] : items) cost += comparison_cost(key) + comparison_cost(item);
  }
  return cost;
}

std::size_t comparison_cost(const Value& a, const Value& b) {
  return comparison_cost(a.weight() <= b.weight() ? a : b);
}

const Value* Arguments::find(std::size_t at, std::string_view name) const {
  if (at < positional.size()) return &positional[at];
  const auto named = std::find_if(keywords.begin(), keywords.end(), [&](const auto& one) { return one.first == name; });
  return named == keywords.end() ? nullptr : &named->second;
}

const Value& Arguments::need(std::size_t at, std::string_view name) const {
  const Value* value = find(at, name);
  if (value == nullptr) fail(ErrorCode::bad_input, "{} needs the argument '{}'", owner, name);
  return *value;
}

std::optional<std::int64_t> Arguments::whole(std::size_t at, std::string_view name) const {
  const Value* value = find(at, name);
  if (value == nullptr || value->is<None>()) return std::nullopt;
  if (const auto* number = value->get<std::int64_t>()) return *number;
  if (const auto* number = value->get<bool>()) return *number ? 1 : 0;
  fail(ErrorCode::bad_input, "{}: '{}' is {}; expected a whole number", owner, name, describe(*value));
}

std::optional<std::string_view> Arguments::bytes(std::size_t at, std::string_view name) const {
  const Value* value = find(at, name);
  if (value == nullptr || value->is<None>()) return std::nullopt;
  if (value->text() == nullptr) {
    fail(ErrorCode::bad_input, "{}: '{}' is {}; expected a string", owner, name, describe(*value));
  }
  return value->bytes();
}

bool Arguments::flag(std::size_t at, std::string_view name) const {
  const Value* value = find(at, name);
  return value != nullptr && truth(*value);
}

void Arguments::allow(std::initializer_list<std::string_view> names) const {
  if (positional.size() > names.size()) {
    fail(ErrorCode::bad_input, "{} takes {} arguments at most, not {}", owner, names.size(), positional.size());
  }
  for (const auto& keyword : keywords) {
    if (std::find(names.begin(), names.end(), keyword.first) == names.end()) {
      fail(ErrorCode::unsupported, "{}: the argument '{}' is not supported", owner, printable(keyword.first));
    }
  }
}

Value attribute_of(const Value& value, std::string_view name) {
  if (value.is_undefined()) {
    fail(ErrorCode::bad_input, "{} has no attribute '{}'", describe(value), printable(name));
  }
  if (has_method(value, name)) {
    return Value(Value::Storage(
        Callable{Callable::Kind::method, std::string(name), nullptr, std::make_shared<const Value>(value)}));
  }
  if (value.mapping() != nullptr) {
    const Value* found = find(*value.mapping(), name);
    if (found != nullptr) return *found;
  } else if (const auto* space = value.get<Namespace*>()) {
    const auto& items = (*space)->items;
    const auto found = std::find_if(items.begin(), items.end(), [&](const auto& one) { return one.first == name; });
    if (found != items.end()) return found->second;
  } else if (const auto* loop = value.get<std::shared_ptr<const Loop>>()) {
    return loop_attribute(**loop, name);
  }
  return undefined(std::string(name));
}

Value item_of(const Value& value, const Value& key) {
  if (value.is_undefined()) fail(ErrorCode::bad_input, "{} has no items", describe(value));
  if (value.mapping() != nullptr) {
    if (const Value* found = find(*value.mapping(), key)) return *found;
  } else if (value.sequence() != nullptr) {
    const auto& items = value.sequence()->items;
    if (const auto at = position(key, items.size())) return items[*at];
  } else if (value.text() != nullptr) {
    const std::vector<std::size_t> starts = character_starts(value.bytes());
    if (const auto at = position(key, starts.size() - 1))
      return Value(value.text()->slice(starts[*at], starts[*at + 1]));
  }
  if (key.text() != nullptr) return attribute_of(value, key.bytes());
  return undefined(key.is_number() ? to_text(key).text() : std::string());
}

std::vector<Value> items_of(const Value& value, Budget& budget) {
  std::vector<Value> items;
  if (value.is_undefined()) return items;
  if (value.sequence() != nullptr) {
    budget.values(value.sequence()->items.size());
    items = value.sequence()->items;
  } else if (value.mapping() != nullptr) {
    budget.values(value.mapping()->items.size());
    for (const auto& item : value.mapping()->items) items.push_back(item.first);
  } else if (value.text() != nullptr) {
    budget.index(value.bytes().size());
    const std::vector<std::size_t> starts = character_starts(value.bytes());
    budget.texts(starts.size());
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      items.emplace_back(value.text()->slice(starts[i], starts[i + 1]));
    }
  } else {
    fail(ErrorCode::bad_input, "{} cannot be gone through; expected a list, a mapping or a string", describe(value));
  }
  return items;
}

bool contains(const Value& container, const Value& item, Budget& budget) {
  if (container.is_undefined()) return false;
  if (container.text() != nullptr) {
    if (item.text() == nullptr) fail(ErrorCode::bad_input, "'in' looks for {} in a string", describe(item));
    budget.search(container.bytes().size(), item.bytes().size());
    return container.bytes().find(item.bytes()) != std::string_view::npos;
  }
  if (container.mapping() != nullptr) {
    budget.look_up(container.mapping()->items.size());
    return find(*container.mapping(), item) != nullptr;
  }
  if (container.sequence() == nullptr) fail(ErrorCode::bad_input, "'in' cannot look into {}", describe(container));
  budget.step(container.weight());
  budget.step(comparison_cost(container));
  const auto& items = container.sequence()->items;
  return std::any_of(items.begin(), items.end(), [&](const Value& one) { return equal(one, item); });
}

std::size_t length_of(const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.text() != nullptr) return character_count(value.bytes());
  if (value.sequence() != nullptr) return value.sequence()->items.size();
  if (value.mapping() != nullptr) return value.mapping()->items.size();
  fail(ErrorCode::bad_input, "{} has no length", describe(value));
}

MarkedText replace_within(Budget& budget, const MarkedText& text, std::string_view old,
                          const Replacement& replacement) {
  budget.search(text.size(), old.size());
  std::size_t matches = character_count(text.text()) + 1;
  if (!old.empty()) matches = count_of(text.text(), old);
  budget.step(matches);
  budget.made(text.size() + matches * replacement.fresh.size());
  return replace(text, old, replacement.fresh, replacement.most);
}

MarkedText join_within(Budget& budget, const std::vector<Value>& items, const MarkedText& separator) {
  budget.made(items.size() * separator.size());
  MarkedText out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(separator);
    const MarkedText text = text_within(budget, items[i]);
    budget.made(text.size());
    out.append(text);
  }
  return out;
}

}  // namespace hone::text::jinja
