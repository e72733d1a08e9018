// Keywords that combine schemas about the same value, and which keywords are known at all.
#include <algorithm>
#include <array>

#include "base/terminal.h"
#include "text/json_schema_reader.h"

namespace hone::text {

namespace {

constexpr std::array enforced = {"$ref",
                                 "type",
                                 "enum",
                                 "const",
                                 "minimum",
                                 "maximum",
                                 "exclusiveMinimum",
                                 "exclusiveMaximum",
                                 "multipleOf",
                                 "minLength",
                                 "maxLength",
                                 "pattern",
                                 "format",
                                 "items",
                                 "additionalItems",
                                 "prefixItems",
                                 "minItems",
                                 "maxItems",
                                 "contains",
                                 "minContains",
                                 "maxContains",
                                 "uniqueItems",
                                 "properties",
                                 "patternProperties",
                                 "additionalProperties",
                                 "required",
                                 "minProperties",
                                 "maxProperties",
                                 "propertyNames",
                                 "allOf",
                                 "anyOf",
                                 "oneOf",
                                 "not",
                                 "if",
                                 "then",
                                 "else",
                                 "dependencies",
                                 "dependentRequired",
                                 "dependentSchemas",
                                 "unevaluatedProperties",
                                 "unevaluatedItems"};

constexpr std::array annotations = {"$schema",
                                    "$id",
                                    "id",
                                    "$anchor",
                                    "$comment",
                                    "$defs",
                                    "definitions",
                                    "$vocabulary",
                                    "title",
                                    "description",
                                    "default",
                                    "examples",
                                    "example",
                                    "deprecated",
                                    "readOnly",
                                    "writeOnly",
                                    "contentEncoding",
                                    "contentMediaType",
                                    "contentSchema",
                                    "$recursiveAnchor",
                                    "$dynamicAnchor"};

// Notes that other vocabularies add and that ask nothing of values: JSON Hyper-Schema, OpenAPI, Iglu, Visual Studio
// Code, JSON Editor, jsonschema2pojo.
constexpr std::array foreign = {"links",
                                "base",
                                "media",
                                "readonly",
                                "discriminator",
                                "xml",
                                "externalDocs",
                                "self",
                                "markdownDescription",
                                "enumDescriptions",
                                "markdownEnumDescriptions",
                                "enumNames",
                                "errorMessage",
                                "patternErrorMessage",
                                "deprecationMessage",
                                "defaultSnippets",
                                "doNotSuggest",
                                "suggestSortText",
                                "allowComments",
                                "allowTrailingCommas",
                                "headerTemplate",
                                "propertyOrder",
                                "defaultProperties",
                                "enumSource",
                                "watch",
                                "javaType",
                                "javaName",
                                "javaInterfaces",
                                "javaEnumNames",
                                "extendsJavaClass",
                                "existingJavaType"};

constexpr std::array not_enforced = {"$dynamicRef", "$recursiveRef", "extends", "disallow",
                                     "divisibleBy", "nullable",      "$data"};

template <class List>
bool is_in(const List& list, const std::string& key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

// At most one letter is changed, missing or too many.
bool nearly(const std::string& a, const std::string& b) {
  if (a.size() > b.size()) return nearly(b, a);
  if (b.size() - a.size() > 1) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  return a.substr(a.size() == b.size() ? std::min(i + 1, a.size()) : i) == b.substr(std::min(i + 1, b.size()));
}

// Names such as "_format" and "x-order" are set apart on purpose.
bool is_note(const std::string& key) { return key.starts_with('_') || key.starts_with("x-") || is_in(foreign, key); }

// The keyword that `key` misspells.
const char* meant_by(const std::string& key) {
  for (const char* known : enforced) {
    const std::string name = known;
    if (name.size() >= 6 && nearly(lower(key), lower(name))) return known;
  }
  return nullptr;
}

bool has(const SchemaPlace& place, const char* key) { return place.schema->contains(key); }

const Json& list_at(const SchemaPlace& place, const char* key) {
  const Json& list = place.schema->at(key);
  if (!list.is_array() || list.empty()) {
    fail(ErrorCode::bad_input, "{} at {} is no array of schemas", key, place.pointer);
  }
  return list;
}

}  // namespace

void SchemaReader::check_keywords(const SchemaPlace& place) {
  for (const auto& [key, value] : place.schema->items()) {
    if (is_in(enforced, key) || is_in(annotations, key)) continue;
    if (is_in(not_enforced, key)) {
      fail(ErrorCode::unsupported, "{} at {} can't be enforced; write the schema without it", key, place.pointer);
    }
    if (!is_note(key)) {
      const char* const meant = meant_by(key);
      fail(ErrorCode::bad_input, "unknown keyword \"{}\" at {}: {}; if it is only a note, begin its name with x-",
           printable(key), place.pointer,
           meant != nullptr ? fmt::format("{} is what JSON Schema has", meant) : "nothing could hold answers to it");
    }
    ignored_.push_back(place.pointer + "/" + key);
  }
}

Goal SchemaReader::goal_at(const SchemaPlace& place) {
  if (place.schema->is_boolean()) return place.schema->get<bool>() ? Goals::anything : Goals::nothing;
  if (!place.schema->is_object()) {
    fail(ErrorCode::bad_input, "the schema at {} is {}, expected an object, true or false", place.pointer,
         printable(to_text(*place.schema).substr(0, 60)));
  }
  const bool asserts =
      std::any_of(enforced.begin(), enforced.end(), [&](const char* key) { return has(place, key); }) ||
      std::any_of(not_enforced.begin(), not_enforced.end(), [&](const char* key) { return has(place, key); });
  if (!asserts && literals_.contains(std::pair(place.schema, 0))) return Goals::anything;
  Source source;
  source.place = place;
  const int id = literal_for(place.schema, source);
  if (asserts) return goals_.of(2 * id);
  check_keywords(place);
  return Goals::anything;
}

// The shape of a schema about the same value.
Shape SchemaReader::in_place(const SchemaPlace& place) {
  const Goal goal = goal_at(place);
  if (goal == Goals::anything) return algebra_.everything();
  if (goal == Goals::nothing) return {};
  return shape_of_literal(goals_.literals(goal).front() / 2);
}

Shape SchemaReader::read_schema(const SchemaPlace& place) {
  const bool refers = has(place, "$ref");
  if (refers && !place.schema->at("$ref").is_string())
    fail(ErrorCode::bad_input, "$ref at {} is no string", place.pointer);
  if (refers && document_.draft() <= 7) {
    // Up to draft 7 nothing beside $ref counts.
    return in_place(document_.resolve(place.schema->at("$ref").get<std::string>(), place));
  }
  check_keywords(place);
  try {
    Shape shape = types(place);
    if (has(place, "enum")) shape = algebra_.intersect(shape, constants(place, "enum"));
    if (has(place, "const")) shape = algebra_.intersect(shape, constant(place.schema->at("const")));
    numbers(place, shape);
    strings(place, shape);
    arrays(place, shape);
    objects(place, shape);
    if (refers) {
      const std::string ref = place.schema->at("$ref").get<std::string>();
      shape = algebra_.intersect(shape, in_place(document_.resolve(ref, place)));
    }
    return combine(place, std::move(shape));
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    if (what.find('#') != std::string::npos) throw;
    fail(failure.code(), "the schema at {}: {}", place.pointer, what);
  }
}

Shape SchemaReader::combine(const SchemaPlace& place, Shape shape) {
  for (const char* key : {"unevaluatedProperties", "unevaluatedItems"}) {
    if (has(place, key) && place.schema->at(key) != Json(true)) {
      fail(ErrorCode::unsupported, "{} at {} can't be enforced; use additionalProperties or items", key, place.pointer);
    }
  }
  if (has(place, "allOf")) {
    for (std::size_t i = 0; i < list_at(place, "allOf").size(); ++i) {
      shape = algebra_.intersect(shape, in_place(place.below("allOf", i)));
    }
  }
  if (has(place, "anyOf")) {
    Shape any;
    for (std::size_t i = 0; i < list_at(place, "anyOf").size(); ++i) {
      any = algebra_.unite(std::move(any), algebra_.intersect(shape, in_place(place.below("anyOf", i))));
    }
    shape = std::move(any);
  }
  if (has(place, "oneOf")) shape = one_of(place, shape);
  if (has(place, "if")) shape = condition(place, shape);
  shape = dependencies(place, std::move(shape));
  if (has(place, "not")) {
    try {
      shape = algebra_.subtract(shape, in_place(place.below("not")));
    } catch (const Failure& failure) {
      const std::string what = failure.what();
      if (what.find('#') != std::string::npos) throw;
      fail(failure.code(), "not at {} {}", place.pointer, what);
    }
  }
  return shape;
}

// Exactly one: each without all others that overlap it.
Shape SchemaReader::one_of(const SchemaPlace& place, const Shape& shape) {
  std::vector<Shape> branches;
  for (std::size_t i = 0; i < list_at(place, "oneOf").size(); ++i) {
    branches.push_back(algebra_.intersect(shape, in_place(place.below("oneOf", i))));
  }
  Shape one;
  try {
    for (std::size_t i = 0; i < branches.size(); ++i) {
      Shape alone = branches[i];
      for (std::size_t j = 0; j < branches.size() && !algebra_.is_empty(alone); ++j) {
        if (i != j) alone = algebra_.subtract(alone, branches[j]);
      }
      one = algebra_.unite(std::move(one), alone);
    }
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    if (what.find('#') != std::string::npos) throw;
    fail(failure.code(), "oneOf at {}: its branches overlap, and one of them {}; make them disjoint or use anyOf",
         place.pointer, what);
  }
  return one;
}

Shape SchemaReader::condition(const SchemaPlace& place, const Shape& shape) {
  const Shape asked = in_place(place.below("if"));
  Shape met = has(place, "then") || has(place, "else") ? algebra_.intersect(shape, asked) : shape;
  if (!has(place, "then") && !has(place, "else")) return met;
  if (has(place, "then")) met = algebra_.intersect(met, in_place(place.below("then")));
  Shape unmet;
  try {
    unmet = algebra_.subtract(shape, asked);
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    if (what.find('#') != std::string::npos) throw;
    fail(failure.code(), "if at {} {}", place.pointer, what);
  }
  if (has(place, "else")) unmet = algebra_.intersect(unmet, in_place(place.below("else")));
  return algebra_.unite(std::move(met), unmet);
}

Shape SchemaReader::depends(const Shape& shape, const std::string& name, const Shape& then) const {
  Shape without = algebra_.everything();
  without.objects.front().properties.push_back({name, Goals::nothing, false});
  Shape with;
  with.objects = algebra_.everything().objects;
  with.objects.front().properties.push_back({name, Goals::anything, true});
  return algebra_.unite(algebra_.intersect(shape, without), algebra_.intersect(algebra_.intersect(shape, with), then));
}

Shape SchemaReader::dependencies(const SchemaPlace& place, Shape shape) {
  for (const char* key : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    if (!has(place, key)) continue;
    if (!place.schema->at(key).is_object()) fail(ErrorCode::bad_input, "{} at {} is no object", key, place.pointer);
    for (const auto& [name, wanted] : place.schema->at(key).items()) {
      Shape then = algebra_.everything();
      if (wanted.is_array()) {
        for (const Json& other : wanted) {
          if (!other.is_string()) fail(ErrorCode::bad_input, "{} at {} names no string", key, place.pointer);
          then.objects.front().properties.push_back({other.get<std::string>(), Goals::anything, true});
        }
      } else {
        then = in_place(place.member(key, name));
      }
      shape = depends(shape, name, then);
    }
  }
  return shape;
}

}  // namespace hone::text
