// `|` filters, as jinja2.filters defines them; tojson as transformers does.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "text/jinja_functions.h"
#include "text/jinja_text.h"
#include "text/jinja_tree.h"

namespace hone::text::jinja {
namespace {

using Filter = Value (*)(const Value& input, const Arguments& arguments, Budget& budget);

constexpr std::int64_t widest_indent = 64;

Value whole(std::int64_t number) { return Value(Value::Storage(number)); }

Value trim(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"chars"});
  const auto characters = arguments.bytes(0, "chars");
  const MarkedText text = text_within(budget, input);
  budget.search(text.size(), characters ? characters->size() : 0);
  return Value(strip(text, Ends::both, characters));
}

Value to_json(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = arguments.flag(0, "ensure_ascii");
  style.sort_keys = arguments.flag(3, "sort_keys");
  if (const auto indent = arguments.whole(1, "indent")) {
    if (*indent > widest_indent)
      fail(ErrorCode::unsupported, "tojson: an indent above {} is not supported", widest_indent);
    style.indent = static_cast<int>(std::max<std::int64_t>(0, *indent));
    style.item_separator = ",";
  }
  const Value* separators = arguments.find(2, "separators");
  if (separators != nullptr && !separators->is<None>()) {
    const Sequence* pair = separators->sequence();
    if (pair == nullptr || pair->items.size() != 2 || pair->items[0].text() == nullptr ||
        pair->items[1].text() == nullptr) {
      fail(ErrorCode::bad_input, "tojson: separators must be two strings");
    }
    style.item_separator = pair->items[0].bytes();
    style.key_separator = pair->items[1].bytes();
  }
  // At worst each value stands in a line of its own, as deep as any.
  const auto deepest = static_cast<std::size_t>(input.depth()) * static_cast<std::size_t>(std::max(0, style.indent));
  budget.made(input.weight() * (64 + deepest));
  return Value(to_json_text(input, style));
}

Value length(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  return whole(static_cast<std::int64_t>(length_of(input)));
}

template <Case to>
Value change_case(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  return Value(with_case(text_within(budget, input), to));
}

// Jinja's own title: words begin after white space, '-' and opening brackets.
Value title(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  const MarkedText text = text_within(budget, input);
  budget.index(text.size());
  const std::vector<std::size_t> starts = character_starts(text.text());
  MarkedText out;
  bool word_begins = true;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    const MarkedText one = text.slice(starts[i], starts[i + 1]);
    out.append(with_case(one, word_begins ? Case::upper : Case::lower));
    word_begins = std::string_view("-({[<").find(one.text()) != std::string_view::npos ||
                  strip(one, Ends::both, std::nullopt).size() == 0;
  }
  return Value(std::move(out));
}

// The item's attribute by a path such as "function.name" or "0"; the item itself where there is no path.
Value by_path(const Value& item, const Value* path, Budget& budget) {
  if (path == nullptr || path->is<None>()) return item;
  budget.look_up(keys_in(item));
  if (path->text() == nullptr) return item_of(item, *path);
  Value found = item;
  for (const MarkedText& part : split(*path->text(), {".", -1, Ends::left})) {
    std::int64_t index = 0;
    const std::string& name = part.text();
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool is_index = !name.empty() && parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
    budget.look_up(keys_in(found));
    found = item_of(found, is_index ? whole(index) : Value(part));
  }
  return found;
}

Value join(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"d", "attribute"});
  std::vector<Value> items = items_of(input, budget);
  for (Value& item : items) item = by_path(item, arguments.find(1, "attribute"), budget);
  const Value* separator = arguments.find(0, "d");
  return Value(join_within(budget, items, separator == nullptr ? MarkedText() : text_within(budget, *separator)));
}

Value otherwise(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"default_value", "boolean"});
  if (!input.is_undefined() && (!arguments.flag(1, "boolean") || truth(input))) return input;
  const Value* value = arguments.find(0, "default_value");
  return value == nullptr ? Value::literal("") : *value;
}

Value replace_filter(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"old", "new", "count"});
  const MarkedText old = text_within(budget, arguments.need(0, "old"));
  const MarkedText fresh = text_within(budget, arguments.need(1, "new"));
  return Value(replace_within(budget, text_within(budget, input), old.text(),
                              {fresh, arguments.whole(2, "count").value_or(-1)}));
}

enum class End : unsigned char { first, last };

template <End end>
Value at_end(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({});
  const auto of = [](const std::vector<Value>& items) {
    if (items.empty()) return Value(Value::Storage(Undefined{end == End::first ? "first" : "last"}));
    return end == End::first ? items.front() : items.back();
  };
  return input.sequence() != nullptr ? of(input.sequence()->items) : of(items_of(input, budget));
}

Value list(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({});
  return Value::sequence(items_of(input, budget));
}

Value pairs(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  if (input.is_undefined()) return Value::sequence({});
  if (input.mapping() == nullptr)
    fail(ErrorCode::bad_input, "the filter 'items' needs a mapping, not {}", describe(input));
  budget.texts(keys_in(input));
  std::vector<Value> items;
  for (const auto& [key, item] : input.mapping()->items) {
    items.push_back(Value::sequence({key, item}, SequenceKind::tuple));
  }
  return Value::sequence(std::move(items));
}

// Whether the test named by argument `at` (truth where there is none) holds for `value`; further arguments are its own.
bool passes(const Value& value, const Arguments& arguments, std::size_t at, Budget& budget) {
  if (arguments.positional.size() <= at) return truth(value);
  const std::string name(arguments.positional[at].bytes());
  if (!is_test(name)) fail(ErrorCode::unsupported, "{}: the test '{}' is not supported", arguments.owner, name);
  Arguments inner{"test '" + name + "'", {}, {}};
  inner.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          arguments.positional.end());
  return apply_test(name, value, inner, budget);
}

enum class Keep : unsigned char { passing, failing };
enum class By : unsigned char { itself, attribute };

template <Keep keep, By by>
Value filtered(const Value& input, const Arguments& arguments, Budget& budget) {
  if (!arguments.keywords.empty()) arguments.allow({});
  if (by == By::attribute) arguments.need(0, "attribute");
  std::vector<Value> kept;
  for (Value& item : items_of(input, budget)) {
    budget.step(item.weight());
    const bool held = by == By::attribute
                          ? passes(by_path(item, &arguments.positional[0], budget), arguments, 1, budget)
                          : passes(item, arguments, 0, budget);
    if (held == (keep == Keep::passing)) kept.push_back(std::move(item));
  }
  return Value::sequence(std::move(kept));
}

Value map(const Value& input, const Arguments& arguments, Budget& budget) {
  std::vector<Value> items = items_of(input, budget);
  if (arguments.positional.empty()) {
    arguments.allow({"attribute", "default"});
    const Value* fallback = arguments.find(1, "default");
    for (Value& item : items) {
      item = by_path(item, &arguments.need(0, "attribute"), budget);
      if (item.is_undefined() && fallback != nullptr) item = *fallback;
    }
    return Value::sequence(std::move(items));
  }
  const std::string name(arguments.positional[0].bytes());
  if (!is_filter(name)) fail(ErrorCode::unsupported, "map: the filter '{}' is not supported", name);
  if (name == "map") fail(ErrorCode::unsupported, "map: 'map' inside itself is not supported");
  Arguments inner{"filter '" + name + "'", {}, arguments.keywords};
  inner.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
  for (Value& item : items) item = apply_filter(name, item, inner, budget);
  return Value::sequence(std::move(items));
}

Value as_string(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  return Value(text_within(budget, input));
}

std::optional<double> parsed_number(const MarkedText& input) {
  const std::string text = strip(input, Ends::both, std::nullopt).text();
  double number = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto parsed = std::from_chars(begin, text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

Value as_integer(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"default"});
  const Value* fallback = arguments.find(0, "default");
  const Value missing = fallback == nullptr ? whole(0) : *fallback;
  if (input.is<std::int64_t>()) return input;
  if (const auto* flag = input.get<bool>()) return whole(*flag ? 1 : 0);
  std::optional<double> number;
  if (const auto* real = input.get<double>()) {
    number = *real;
  } else if (input.text() != nullptr) {
    const std::string text = strip(*input.text(), Ends::both, std::nullopt).text();
    std::int64_t exact = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (!text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return whole(exact);
    number = parsed_number(*input.text());
  }
  if (!number || !(std::fabs(*number) < 9e18)) return missing;
  return whole(static_cast<std::int64_t>(*number));
}

Value as_float(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"default"});
  if (input.is<double>()) return input;
  if (const auto* flag = input.get<bool>()) return Value(Value::Storage(*flag ? 1.0 : 0.0));
  if (const auto* number = input.get<std::int64_t>()) return Value(Value::Storage(static_cast<double>(*number)));
  const auto number = input.text() == nullptr ? std::nullopt : parsed_number(*input.text());
  if (number) return Value(Value::Storage(*number));
  const Value* fallback = arguments.find(0, "default");
  return fallback == nullptr ? Value(Value::Storage(0.0)) : *fallback;
}

Value magnitude(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  if (const auto* number = input.get<double>()) return Value(Value::Storage(std::fabs(*number)));
  const auto* number = input.get<std::int64_t>();
  if (number == nullptr || *number == INT64_MIN)
    fail(ErrorCode::bad_input, "abs needs a number, not {}", describe(input));
  return whole(std::abs(*number));
}

Value unchanged(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({});
  return input;
}

Value indent(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"width", "first", "blank"});
  const Value* width = arguments.find(0, "width");
  MarkedText blanks(std::string(4, ' '), Origin::from_template);
  if (width != nullptr && width->text() != nullptr) {
    blanks = *width->text();
  } else if (const auto count = arguments.whole(0, "width")) {
    if (*count > widest_indent)
      fail(ErrorCode::unsupported, "indent: a width above {} is not supported", widest_indent);
    blanks = MarkedText(std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, *count)), ' '),
                        Origin::from_template);
  }
  MarkedText text = text_within(budget, input);
  text.append("\n", Origin::from_template);
  budget.texts(white_space_count(text.text()));
  const std::vector<MarkedText> lines = split_lines(text);
  budget.made(text.size() + lines.size() * (blanks.size() + 1));
  MarkedText out;
  if (arguments.flag(1, "first")) out.append(blanks);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n", Origin::from_template);
    if (i > 0 && (arguments.flag(2, "blank") || lines[i].size() > 0)) out.append(blanks);
    out.append(lines[i]);
  }
  return Value(std::move(out));
}

// What values are ordered and compared by: text without its case, unless case_sensitive.
Value sort_key(const Value& value, const Value* case_sensitive, Budget& budget) {
  if (value.text() == nullptr || (case_sensitive != nullptr && truth(*case_sensitive))) return value;
  budget.made(value.text()->size());
  return Value(with_case(*value.text(), Case::lower));
}

Value unique(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"case_sensitive", "attribute"});
  std::vector<Value> kept;
  std::vector<Value> keys;
  for (const Value& item : items_of(input, budget)) {
    const Value key =
        sort_key(by_path(item, arguments.find(1, "attribute"), budget), arguments.find(0, "case_sensitive"), budget);
    budget.step((1 + keys.size() / 16) * comparison_cost(key));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& known) { return equal(known, key); })) continue;
    keys.push_back(key);
    kept.push_back(item);
  }
  return Value::sequence(std::move(kept));
}

// Of comparing a key with as many others as sorting does.
std::size_t order_cost(const Value& key) { return 32 * comparison_cost(key); }

// Items with their keys, stably sorted.
std::vector<Value> sorted(std::vector<std::pair<Value, Value>> keyed, const Value* reverse) {
  const bool downwards = reverse != nullptr && truth(*reverse);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return downwards ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> items;
  items.reserve(keyed.size());
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return items;
}

Value sort(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"reverse", "case_sensitive", "attribute"});
  std::vector<std::pair<Value, Value>> keyed;
  budget.values(2 * length_of(input));
  for (const Value& item : items_of(input, budget)) {
    keyed.emplace_back(
        sort_key(by_path(item, arguments.find(2, "attribute"), budget), arguments.find(1, "case_sensitive"), budget),
        item);
    budget.step(order_cost(keyed.back().first));
  }
  return Value::sequence(sorted(std::move(keyed), arguments.find(0, "reverse")));
}

Value sort_mapping(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"case_sensitive", "by", "reverse"});
  if (input.mapping() == nullptr) fail(ErrorCode::bad_input, "dictsort needs a mapping, not {}", describe(input));
  const std::string_view by = arguments.bytes(1, "by").value_or("key");
  if (by != "key" && by != "value") fail(ErrorCode::bad_input, "dictsort sorts by 'key' or 'value'");
  std::vector<std::pair<Value, Value>> keyed;
  budget.texts(2 * keys_in(input));
  for (const auto& [key, item] : input.mapping()->items) {
    keyed.emplace_back(sort_key(by == "key" ? key : item, arguments.find(0, "case_sensitive"), budget),
                       Value::sequence({key, item}, SequenceKind::tuple));
    budget.step(order_cost(keyed.back().first));
  }
  return Value::sequence(sorted(std::move(keyed), arguments.find(2, "reverse")));
}

Value reversed(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({});
  if (input.text() != nullptr) {
    budget.index(2 * input.text()->size());
    budget.step(input.text()->size());
    return Value(slice(*input.text(), {std::nullopt, std::nullopt, -1}));
  }
  std::vector<Value> items = items_of(input, budget);
  std::reverse(items.begin(), items.end());
  return Value::sequence(std::move(items));
}

template <Keep which>
Value extreme(const Value& input, const Arguments& arguments, Budget& budget) {
  arguments.allow({"case_sensitive", "attribute"});
  Value best(Value::Storage(Undefined{"item"}));
  Value best_key;
  for (const Value& item : items_of(input, budget)) {
    Value key =
        sort_key(by_path(item, arguments.find(1, "attribute"), budget), arguments.find(0, "case_sensitive"), budget);
    budget.step(comparison_cost(key));
    if (best.is_undefined() || (which == Keep::passing ? less(best_key, key) : less(key, best_key))) {
      best = item;
      best_key = std::move(key);
    }
  }
  return best;
}

Value attribute(const Value& input, const Arguments& arguments, [[maybe_unused]] Budget& budget) {
  arguments.allow({"name"});
  budget.look_up(keys_in(input));
  return attribute_of(input, arguments.bytes(0, "name").value_or(""));
}

enum class Reads : unsigned char { all, little };  // of what is inside the input

struct NamedFilter {
  std::string_view name;
  Filter filter;
  Reads reads = Reads::all;
};
constexpr NamedFilter filters[] = {
    {"trim", trim},
    {"tojson", to_json},
    {"length", length, Reads::little},
    {"count", length, Reads::little},
    {"upper", change_case<Case::upper>},
    {"lower", change_case<Case::lower>},
    {"capitalize", change_case<Case::capitalized>},
    {"title", title},
    {"join", join},
    {"default", otherwise, Reads::little},
    {"d", otherwise, Reads::little},
    {"replace", replace_filter},
    {"first", at_end<End::first>, Reads::little},
    {"last", at_end<End::last>, Reads::little},
    {"list", list},
    {"items", pairs},
    {"select", filtered<Keep::passing, By::itself>},
    {"reject", filtered<Keep::failing, By::itself>},
    {"selectattr", filtered<Keep::passing, By::attribute>},
    {"rejectattr", filtered<Keep::failing, By::attribute>},
    {"map", map},
    {"string", as_string},
    {"int", as_integer},
    {"float", as_float},
    {"abs", magnitude},
    {"safe", unchanged, Reads::little},
    {"indent", indent},
    {"unique", unique},
    {"sort", sort},
    {"dictsort", sort_mapping},
    {"reverse", reversed},
    {"max", extreme<Keep::passing>},
    {"min", extreme<Keep::failing>},
    {"attr", attribute, Reads::little},
};

const NamedFilter* filter_named(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(filters), std::end(filters), [&](const NamedFilter& one) { return one.name == name; });
  return found == std::end(filters) ? nullptr : found;
}

}  // namespace

bool is_filter(std::string_view name) { return filter_named(name) != nullptr; }

Value apply_filter(std::string_view name, const Value& input, const Arguments& arguments, Budget& budget) {
  const NamedFilter* filter = filter_named(name);
  if (filter == nullptr) fail(ErrorCode::unsupported, "the filter '{}' is not supported", name);
  budget.step(filter->reads == Reads::all || input.text() != nullptr ? 1 + input.weight() : 1);
  if (input.text() != nullptr) budget.made(input.text()->size());
  return filter->filter(input, arguments, budget);
}

}  // namespace hone::text::jinja
