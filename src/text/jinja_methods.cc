// Methods of strings, mappings and the loop.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/terminal.h"
#include "text/jinja_functions.h"
#include "text/jinja_text.h"
#include "text/utf8.h"

namespace hone::text::jinja {
namespace {

using TextMethod = Value (*)(const MarkedText& text, const Arguments& arguments);

Value from_texts(std::vector<MarkedText> texts) {
  std::vector<Value> values;
  values.reserve(texts.size());
  for (MarkedText& text : texts) values.emplace_back(std::move(text));
  return Value::sequence(std::move(values));
}

Value flag(bool value) { return Value(Value::Storage(value)); }

template <Ends ends>
Value strip_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"chars"});
  return Value(strip(text, ends, arguments.bytes(0, "chars")));
}

template <Ends from>
Value split_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"sep", "maxsplit"});
  SplitSpec spec{arguments.bytes(0, "sep"), arguments.whole(1, "maxsplit").value_or(-1), from};
  if (spec.separator && spec.separator->empty())
    fail(ErrorCode::bad_input, "split needs a separator that is not empty");
  return from_texts(split(text, spec));
}

// Line ends are white space too.
std::size_t parts_at_most(const MarkedText& text, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "sep");
  if (separator != nullptr && !separator->bytes().empty()) return 1 + count_of(text.text(), separator->bytes());
  return 1 + white_space_count(text.text());
}

Value split_lines_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({});
  return from_texts(split_lines(text));
}

template <Case to>
Value case_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({});
  return Value(with_case(text, to));
}

// Whether `test` holds for the argument, or for one of a tuple of them.
template <class Test>
Value any_of_argument(const Arguments& arguments, const Test& test) {
  arguments.allow({"prefix"});
  const Value& given = arguments.need(0, "prefix");
  if (given.sequence() == nullptr) return flag(test(*arguments.bytes(0, "prefix")));
  const auto& items = given.sequence()->items;
  return flag(std::any_of(items.begin(), items.end(), [&](const Value& one) {
    if (one.text() == nullptr) fail(ErrorCode::bad_input, "{} expects strings", arguments.owner);
    return test(one.bytes());
  }));
}

Value starts_with(const MarkedText& text, const Arguments& arguments) {
  return any_of_argument(arguments, [&](std::string_view prefix) { return text.text().starts_with(prefix); });
}
Value ends_with(const MarkedText& text, const Arguments& arguments) {
  return any_of_argument(arguments, [&](std::string_view suffix) { return text.text().ends_with(suffix); });
}

Value replace_method(const MarkedText& text, const Arguments& arguments, Budget& budget) {
  arguments.allow({"old", "new", "count"});
  const Value& fresh = arguments.need(1, "new");
  arguments.need(0, "old");
  if (!arguments.bytes(0, "old") || fresh.text() == nullptr) fail(ErrorCode::bad_input, "replace expects strings");
  return Value(replace_within(budget, text, *arguments.bytes(0, "old"),
                              {*fresh.text(), arguments.whole(2, "count").value_or(-1)}));
}

Value found_at(const MarkedText& text, std::size_t at) {
  if (at == std::string::npos) return Value(Value::Storage(std::int64_t{-1}));
  const auto characters = character_count(std::string_view(text.text()).substr(0, at));
  return Value(Value::Storage(static_cast<std::int64_t>(characters)));
}

Value find_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"sub"});
  arguments.need(0, "sub");
  return found_at(text, text.text().find(arguments.bytes(0, "sub").value_or("")));
}
Value find_last_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"sub"});
  arguments.need(0, "sub");
  return found_at(text, text.text().rfind(arguments.bytes(0, "sub").value_or("")));
}

Value count_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"sub"});
  const std::string_view sub = arguments.bytes(0, "sub").value_or("");
  if (sub.empty()) fail(ErrorCode::bad_input, "count needs a string that is not empty");
  return Value(Value::Storage(static_cast<std::int64_t>(count_of(text.text(), sub))));
}

Value remove_prefix(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"prefix"});
  const std::string_view prefix = arguments.bytes(0, "prefix").value_or("");
  return Value(text.slice(text.text().starts_with(prefix) ? prefix.size() : 0, text.size()));
}
Value remove_suffix(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({"suffix"});
  const std::string_view suffix = arguments.bytes(0, "suffix").value_or("");
  return Value(text.slice(0, text.size() - (text.text().ends_with(suffix) ? suffix.size() : 0)));
}

Value join_method(const MarkedText& text, const Arguments& arguments, Budget& budget) {
  arguments.allow({"items"});
  const std::vector<Value> items = items_of(arguments.need(0, "items"), budget);
  for (const Value& item : items) {
    if (item.text() == nullptr) fail(ErrorCode::bad_input, "join expects strings, not {}", describe(item));
  }
  return Value(join_within(budget, items, text));
}

// True where the text is not empty and all its characters are of the kind.
template <class Test>
Value all_characters(const MarkedText& text, const Test& test) {
  const std::string_view bytes = text.text();
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint at = code_point_at(bytes, i);
    if (!at.valid || !test(at.code)) return flag(false);
    i += at.length;
  }
  return flag(!bytes.empty());
}

Value is_space_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({});
  return all_characters(text, is_python_space);
}
Value is_digit_method(const MarkedText& text, const Arguments& arguments) {
  arguments.allow({});
  return all_characters(text, [](std::uint32_t code) { return code >= '0' && code <= '9'; });
}

struct NamedMethod {
  std::string_view name;
  TextMethod method;
};
// Those whose result may be longer than the text are called apart: they check the budget first.
constexpr NamedMethod text_methods[] = {
    {"strip", strip_method<Ends::both>},
    {"lstrip", strip_method<Ends::left>},
    {"rstrip", strip_method<Ends::right>},
    {"split", split_method<Ends::left>},
    {"rsplit", split_method<Ends::right>},
    {"splitlines", split_lines_method},
    {"startswith", starts_with},
    {"endswith", ends_with},
    {"upper", case_method<Case::upper>},
    {"lower", case_method<Case::lower>},
    {"capitalize", case_method<Case::capitalized>},
    {"title", case_method<Case::title>},
    {"find", find_method},
    {"rfind", find_last_method},
    {"count", count_method},
    {"removeprefix", remove_prefix},
    {"removesuffix", remove_suffix},
    {"isspace", is_space_method},
    {"isdigit", is_digit_method},
};

const NamedMethod* text_method(std::string_view name) {
  const auto* found = std::find_if(std::begin(text_methods), std::end(text_methods),
                                   [&](const NamedMethod& one) { return one.name == name; });
  return found == std::end(text_methods) ? nullptr : found;
}

// Python's other string and container methods: named, so that a template using one gets a clear refusal.
constexpr std::string_view refused_text_methods[] = {
    "format",  "format_map", "encode",  "index",    "rindex",   "partition",  "rpartition",   "zfill",
    "center",  "ljust",      "rjust",   "isalpha",  "isalnum",  "isdecimal",  "isnumeric",    "isupper",
    "islower", "istitle",    "isascii", "casefold", "swapcase", "expandtabs", "isidentifier", "translate"};
constexpr std::string_view mapping_methods[] = {"get",   "items",   "keys",       "values", "copy",    "pop",
                                                "clear", "popitem", "setdefault", "update", "fromkeys"};
constexpr std::string_view list_methods[] = {"append", "extend",  "insert", "pop",   "remove", "clear",
                                             "sort",   "reverse", "index",  "count", "copy"};

template <std::size_t size>
bool holds(const std::string_view (&names)[size], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Value mapping_method(const Value& object, std::string_view name, const Arguments& arguments) {
  const Mapping& mapping = *object.mapping();
  if (name == "get") {
    arguments.allow({"key", "default"});
    if (const Value* found = find(mapping, arguments.need(0, "key"))) return *found;
    const Value* otherwise = arguments.find(1, "default");
    return otherwise == nullptr ? Value(Value::Storage(None{})) : *otherwise;
  }
  if (name != "items" && name != "keys" && name != "values") {
    if (name == "copy") return object;
    fail(ErrorCode::unsupported, "the method '{}' of a mapping is not supported", name);
  }
  arguments.allow({});
  std::vector<Value> out;
  for (const auto& [key, item] : mapping.items) {
    if (name == "items") {
      out.push_back(Value::sequence({key, item}, SequenceKind::tuple));
    } else {
      out.push_back(name == "keys" ? key : item);
    }
  }
  return Value::sequence(std::move(out));
}

Value cycle(const Loop& loop, const Arguments& arguments) {
  if (arguments.positional.empty()) fail(ErrorCode::bad_input, "loop.cycle needs values");
  return arguments.positional[loop.index % arguments.positional.size()];
}

}  // namespace

bool has_method(const Value& object, std::string_view name) {
  if (object.text() != nullptr) {
    return text_method(name) != nullptr || name == "replace" || name == "join" || holds(refused_text_methods, name);
  }
  if (object.mapping() != nullptr) return holds(mapping_methods, name);
  if (object.sequence() != nullptr) return holds(list_methods, name);
  return object.is<std::shared_ptr<const Loop>>() && name == "cycle";
}

Value call_method(const Value& object, std::string_view name, const Arguments& arguments, Budget& budget) {
  if (object.text() != nullptr) {
    if (name == "replace") return replace_method(*object.text(), arguments, budget);
    if (name == "join") return join_method(*object.text(), arguments, budget);
    const NamedMethod* method = text_method(name);
    if (method == nullptr) fail(ErrorCode::unsupported, "the string method '{}' is not supported", name);
    for (const Value& argument : arguments.positional) budget.search(object.text()->size(), argument.bytes().size());
    for (const auto& [key, argument] : arguments.keywords)
      budget.search(object.text()->size(), argument.bytes().size());
    budget.made(object.text()->size());
    if (name.ends_with("split") || name == "splitlines") budget.texts(parts_at_most(*object.text(), arguments));
    Value made = method->method(*object.text(), arguments);
    budget.made(made.bytes().size());
    return made;
  }
  if (object.mapping() != nullptr) {
    name == "get" ? budget.look_up(keys_in(object)) : budget.texts(keys_in(object));
    return mapping_method(object, name, arguments);
  }
  if (const auto* loop = object.get<std::shared_ptr<const Loop>>()) return cycle(**loop, arguments);
  if (object.sequence() != nullptr && name == "copy") return object;
  fail(ErrorCode::unsupported, "the method '{}' of {} is not supported; templates cannot change lists", printable(name),
       describe(object));
}

}  // namespace hone::text::jinja
