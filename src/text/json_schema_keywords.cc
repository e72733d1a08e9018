// Keywords that speak of one type of value.
#include <algorithm>
#include <cmath>

#include "base/terminal.h"
#include "text/json_schema_reader.h"
#include "text/regex.h"

namespace hone::text {

namespace {

constexpr std::size_t most_patterns = 6;  // of one object: names may match any of them together
constexpr std::int64_t most_length = 1'000'000'000;

bool has(const SchemaPlace& place, const char* key) { return place.schema->contains(key); }

const Json& number_at(const SchemaPlace& place, const std::string& key) {
  const Json& value = place.schema->at(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    fail(ErrorCode::bad_input, "{} at {} is {}, expected a number", key, place.pointer, printable(to_text(value)));
  }
  return value;
}

}  // namespace

std::int64_t count_at(const SchemaPlace& place, const std::string& key) {
  const Json& value = number_at(place, key);
  const double count = value.get<double>();
  if (count < 0 || count != std::floor(count)) {
    fail(ErrorCode::bad_input, "{} at {} is {}, expected a whole number of 0 or more", key, place.pointer,
         to_text(value));
  }
  return static_cast<std::int64_t>(std::min(count, static_cast<double>(most_length)));
}

Shape SchemaReader::types(const SchemaPlace& place) const {
  if (!has(place, "type")) return algebra_.everything();
  const Json& type = place.schema->at("type");
  const std::vector<Json> names = type.is_array() ? type.get<std::vector<Json>>() : std::vector<Json>{type};
  const Shape all = algebra_.everything();
  Shape shape;
  for (const Json& name : names) {
    Shape one;
    if (name == "null")
      one.null = true;
    else if (name == "boolean")
      one.yes = one.no = true;
    else if (name == "string")
      one.strings = all.strings;
    else if (name == "array")
      one.arrays = all.arrays;
    else if (name == "object")
      one.objects = all.objects;
    else if (name == "number")
      one.numbers = all.numbers;
    else if (name == "integer")
      one.numbers.emplace_back().kind = NumberSet::Kind::whole;
    else
      fail(ErrorCode::bad_input, "type at {} is {}, expected null, boolean, integer, number, string, array or object",
           place.pointer, printable(to_text(name)));
    shape = algebra_.unite(std::move(shape), one);
  }
  return shape;
}

Shape SchemaReader::constant(const Json& value) {
  Shape shape;
  if (value.is_null()) shape.null = true;
  if (value.is_boolean()) (value.get<bool>() ? shape.yes : shape.no) = true;
  if (value.is_number()) shape.numbers.push_back(one_number(value));
  if (value.is_string()) {
    const std::vector<std::string> texts = {value.get<std::string>()};
    shape.strings.push_back({literal_texts(texts), 0, without_end});
  }
  if (value.is_array()) {
    ArraySet& set = shape.arrays.emplace_back();
    for (const Json& item : value) set.prefix.push_back(goal_of_constant(item));
    set.least = set.most = static_cast<std::int64_t>(value.size());
  }
  if (value.is_object()) {
    ObjectSet& set = shape.objects.emplace_back();
    for (const auto& [name, member] : value.items()) set.properties.push_back({name, goal_of_constant(member), true});
  }
  return shape;
}

Shape SchemaReader::constants(const SchemaPlace& place, const std::string& key) {
  const Json& values = place.schema->at(key);
  if (!values.is_array()) {
    fail(ErrorCode::bad_input, "{} at {} is {}, expected an array of values", key, place.pointer,
         printable(to_text(values)));
  }
  Shape shape;
  std::vector<std::string> texts;
  for (const Json& value : values) {
    if (value.is_string()) {
      texts.push_back(value.get<std::string>());
    } else {
      shape = algebra_.unite(std::move(shape), constant(value));
    }
  }
  if (!texts.empty()) shape.strings.push_back({literal_texts(texts), 0, without_end});
  return shape;
}

void SchemaReader::numbers(const SchemaPlace& place, Shape& shape) const {
  NumberSet set;
  const auto open = [&](const char* key) {  // draft 4: exclusiveMinimum says whether minimum is
    return has(place, key) && place.schema->at(key).is_boolean() && place.schema->at(key).get<bool>();
  };
  const auto raise = [&](const NumberSet& more) { set = text::intersect(set, more); };
  NumberSet bound;
  if (has(place, "minimum")) {
    bound.low = Bound{decimal_of(number_at(place, "minimum")), open("exclusiveMinimum")};
    raise(bound);
  }
  if (has(place, "exclusiveMinimum") && !place.schema->at("exclusiveMinimum").is_boolean()) {
    bound.low = Bound{decimal_of(number_at(place, "exclusiveMinimum")), true};
    raise(bound);
  }
  bound = {};
  if (has(place, "maximum")) {
    bound.high = Bound{decimal_of(number_at(place, "maximum")), open("exclusiveMaximum")};
    raise(bound);
  }
  if (has(place, "exclusiveMaximum") && !place.schema->at("exclusiveMaximum").is_boolean()) {
    bound.high = Bound{decimal_of(number_at(place, "exclusiveMaximum")), true};
    raise(bound);
  }
  if (has(place, "multipleOf")) {
    const Decimal multiple = decimal_of(number_at(place, "multipleOf"));
    if (multiple.negative || multiple.is_zero()) {
      fail(ErrorCode::bad_input, "multipleOf at {} is {}, expected more than 0", place.pointer, multiple.text());
    }
    set.multiples = {multiple};
  }
  if (set == NumberSet()) return;
  Shape only = algebra_.everything();
  only.numbers = {set};
  shape = algebra_.intersect(shape, only);
}

Automaton SchemaReader::pattern_at(const SchemaPlace& place, const std::string& pattern) {
  const auto known = patterns_.find(pattern);
  if (known != patterns_.end()) return known->second;
  const Result<Automaton> compiled = compile_regex(pattern);
  if (!compiled) fail(compiled.error().code, "pattern at {}: {}", place.pointer, compiled.error().message);
  return patterns_.emplace(pattern, algebra_.counted(*compiled)).first->second;
}

// Null where the format asserts nothing.
Automaton SchemaReader::format_at(const SchemaPlace& place, const std::string& name) {
  const auto known = formats_.find(name);
  if (known != formats_.end()) return known->second;
  try {
    Automaton texts = format_texts(name);
    if (texts) texts = algebra_.counted(std::move(texts));
    return formats_.emplace(name, std::move(texts)).first->second;
  } catch (const Failure& failure) {
    fail(failure.code(), "format at {}: {}", place.pointer, failure.what());
  }
}

void SchemaReader::strings(const SchemaPlace& place, Shape& shape) {
  StringSet set{algebra_.any(), 0, without_end};
  if (has(place, "minLength")) set.least = count_at(place, "minLength");
  if (has(place, "maxLength")) set.most = count_at(place, "maxLength");
  if (has(place, "pattern")) {
    const Json& pattern = place.schema->at("pattern");
    if (!pattern.is_string()) fail(ErrorCode::bad_input, "pattern at {} is no string", place.pointer);
    set.texts = algebra_.both_texts(set.texts, pattern_at(place, pattern.get<std::string>()));
  }
  if (has(place, "format") && place.schema->at("format").is_string()) {
    const auto name = place.schema->at("format").get<std::string>();
    if (const Automaton texts = format_at(place, name)) set.texts = algebra_.both_texts(set.texts, texts);
    const std::int64_t most = format_length(name);
    if (most != without_end) set.most = set.most == without_end ? most : std::min(set.most, most);
  }
  if (set == StringSet{algebra_.any(), 0, without_end}) return;
  Shape only = algebra_.everything();
  only.strings = {set};
  shape = algebra_.intersect(shape, only);
}

void SchemaReader::contains(const SchemaPlace& place, ArraySet& set) {
  if (!has(place, "contains")) return;
  ArraySet::Contains wanted{goal_at(place.below("contains")), 1, without_end};
  if (has(place, "minContains")) wanted.least = count_at(place, "minContains");
  if (has(place, "maxContains")) wanted.most = count_at(place, "maxContains");
  if (wanted.least > 0 || wanted.most != without_end) set.contains.push_back(wanted);
}

void SchemaReader::arrays(const SchemaPlace& place, Shape& shape) {
  if (has(place, "uniqueItems") && place.schema->at("uniqueItems") == Json(true) &&
      !(has(place, "maxItems") && count_at(place, "maxItems") <= 1)) {
    fail(ErrorCode::unsupported, "uniqueItems at {} can't be enforced; leave it out, or set maxItems to 1",
         place.pointer);
  }
  ArraySet set;
  const bool listed = has(place, "items") && place.schema->at("items").is_array();
  const char* const prefix = listed ? "items" : "prefixItems";
  const char* const rest = listed ? "additionalItems" : "items";
  if (has(place, prefix)) {
    if (!place.schema->at(prefix).is_array())
      fail(ErrorCode::bad_input, "prefixItems at {} is no array", place.pointer);
    for (std::size_t i = 0; i < place.schema->at(prefix).size(); ++i)
      set.prefix.push_back(goal_at(place.below(prefix, i)));
  }
  if (has(place, rest)) set.rest = goal_at(place.below(rest));
  if (has(place, "minItems")) set.least = count_at(place, "minItems");
  if (has(place, "maxItems")) set.most = count_at(place, "maxItems");
  contains(place, set);
  if (set == ArraySet()) return;
  Shape only = algebra_.everything();
  only.arrays = {set};
  shape = algebra_.intersect(shape, only);
}

void SchemaReader::patterns(const SchemaPlace& place, ObjectSet& set) {
  struct Group {
    Automaton names;
    Goal goal = Goals::anything;
    bool matched = false;
  };
  std::vector<Group> groups = {{algebra_.any(), Goals::anything, false}};
  if (has(place, "patternProperties")) {
    const Json& patterns = place.schema->at("patternProperties");
    if (!patterns.is_object()) fail(ErrorCode::bad_input, "patternProperties at {} is no object", place.pointer);
    if (patterns.size() > most_patterns) {
      fail(ErrorCode::unsupported, "patternProperties at {} has {} patterns, more than {}", place.pointer,
           patterns.size(), most_patterns);
    }
    for (const auto& [pattern, schema] : patterns.items()) {
      const Automaton names = pattern_at(place, pattern);
      const Goal goal = goal_at(place.member("patternProperties", pattern));
      for (ObjectSet::Property& property : set.properties) {
        if (names->accepts(property.name)) property.goal = goals_.both(property.goal, goal);
      }
      std::vector<Group> cut;
      for (const Group& group : groups) {
        cut.push_back({algebra_.both_texts(group.names, names), goals_.both(group.goal, goal), true});
        cut.push_back({algebra_.counted(text::subtract(group.names, names)), group.goal, group.matched});
      }
      std::erase_if(cut, [](const Group& group) { return group.names->is_empty(); });
      groups = std::move(cut);
    }
  }
  const Goal rest = has(place, "additionalProperties") ? goal_at(place.below("additionalProperties")) : Goals::anything;
  for (const Group& group : groups) {
    const Goal goal = group.matched ? group.goal : rest;
    if (goal != Goals::nothing) set.others.push_back({group.names, goal});
  }
}

void SchemaReader::objects(const SchemaPlace& place, Shape& shape) {
  ObjectSet set;
  if (has(place, "properties")) {
    const Json& properties = place.schema->at("properties");
    if (!properties.is_object()) fail(ErrorCode::bad_input, "properties at {} is no object", place.pointer);
    for (const auto& [name, schema] : properties.items()) {
      set.properties.push_back({name, goal_at(place.member("properties", name)), false});
    }
  }
  patterns(place, set);
  if (has(place, "minProperties")) set.least = count_at(place, "minProperties");
  if (has(place, "maxProperties")) set.most = count_at(place, "maxProperties");
  Shape only = algebra_.everything();
  if (!(only.objects.front() == set)) {
    only.objects = {std::move(set)};
    shape = algebra_.intersect(only, shape);  // this order keeps the properties in theirs
  }
  if (has(place, "required")) required(place, shape);
  if (has(place, "propertyNames")) property_names(place, shape);
}

void SchemaReader::required(const SchemaPlace& place, Shape& shape) const {
  const Json& names = place.schema->at("required");
  if (!names.is_array()) fail(ErrorCode::bad_input, "required at {} is no array of names", place.pointer);
  Shape only = algebra_.everything();
  for (const Json& name : names) {
    if (!name.is_string())
      fail(ErrorCode::bad_input, "required at {} names something that is no string", place.pointer);
    if (only.objects.front().find(name.get<std::string>()) == nullptr) {
      only.objects.front().properties.push_back({name.get<std::string>(), Goals::anything, true});
    }
  }
  shape = algebra_.intersect(shape, only);
}

void SchemaReader::property_names(const SchemaPlace& place, Shape& shape) {
  Shape only = algebra_.everything();
  Automaton names = algebra_.texts_of(in_place(place.below("propertyNames")).strings);
  only.objects.front().others.clear();
  if (!names->is_empty()) only.objects.front().others.push_back({std::move(names), Goals::anything});
  shape = algebra_.intersect(shape, only);
}

}  // namespace hone::text
