#include "text/json_schema.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/json.h"
#include "text/json_schema_matcher.h"

namespace hone::text {
namespace {

constexpr JsonSpelling any_order = {JsonSpelling::Keys::any, JsonSpelling::Space::none};

JsonSchema compiled(const std::string& schema) { return value_or_throw(JsonSchema::compile(schema)); }

bool accepts(const std::string& schema, const std::string& text, JsonSpelling spelling = any_order) {
  JsonMatcher matcher(compiled(schema), spelling);
  JsonMatcher::State state = matcher.start();
  for (const char c : text) state = matcher.step(state, static_cast<unsigned char>(c));
  return matcher.accepts(state);
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct Case {
  std::string schema;
  std::vector<std::string> good, bad;
};

void check(const std::vector<Case>& cases) {
  for (const Case& it : cases) {
    for (const std::string& text : it.good) EXPECT_TRUE(accepts(it.schema, text)) << it.schema << " refuses " << text;
    for (const std::string& text : it.bad) EXPECT_FALSE(accepts(it.schema, text)) << it.schema << " takes " << text;
  }
}

TEST(JsonSchema, Numbers) {
  check({
      {R"({"type": "integer"})", {"0", "-1", "120"}, {"01", "1.5", "1.0", "1e3", "", "-", "\"1\""}},
      {R"({"type": "number"})", {"0", "-0.5", "1e-07", "1E+20"}, {".5", "1.", "+1", "1e", "00"}},
      {R"({"type": "integer", "minimum": -12, "maximum": 105})", {"-12", "0", "99", "105"}, {"-13", "106", "1000"}},
      {R"({"minimum": 0.25, "exclusiveMaximum": 3})", {"0.25", "2.999", "1", "0.3"}, {"0.2", "3", "3.0", "-1"}},
      {R"({"type": "integer", "multipleOf": 7})", {"0", "-14", "700"}, {"1", "15"}},
      {R"({"type": "number", "multipleOf": 0.01})", {"0.07", "5", "12.50"}, {"0.001", "1.005"}},
      {R"({"type": "number", "not": {"type": "integer"}})", {"1.5", "-0.25"}, {"1", "2.0", "\"a\""}},
      {R"({"type": "integer", "maximum": 18446744073709551615})", {"18446744073709551615"}, {"18446744073709551616"}},
      // Whole numbers are compared with a double's exact value, as Python does.
      {R"({"const": 1e23})", {"99999999999999991611392"}, {"100000000000000000000000"}},
      {R"({"minimum": 9007199254740993})", {"9007199254740993", "9007199254740994"}, {"9007199254740993.0", "5.5"}},
      {R"({"exclusiveMaximum": 1e20, "minimum": 0})", {"99999999999999999999", "0.5"}, {"100000000000000000000"}},
      {R"({"exclusiveMinimum": true, "minimum": 1, "$schema": "http://json-schema.org/draft-04/schema#"})",
       {"2"},
       {"1"}},
  });
}

TEST(JsonSchema, Strings) {
  check({
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {R"("ab")", R"("\u00e9\n\ud83d\ude00")"},
       {R"("a")", R"("abcd")"}},
      {R"({"pattern": "^a+b$", "maxLength": 3})", {R"("ab")", R"("aab")", "1"}, {R"("aaab")", R"("b")"}},
      {R"({"enum": ["a\"b", "\u00e9", 3, null, [1, {"a": 2}]]})",
       {R"("a\"b")", R"("\u00e9")", "\"\xC3\xA9\"", "3", "null", R"([1,{"a":2}])"},
       {R"("a")", "4", "[1]", R"([1,{"a":3}])"}},
      {R"({"format": "date"})",
       {R"("2024-02-29")", R"("1999-12-31")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("0000-01-01")", R"("2024-4-1")"}},
      {R"({"format": "ipv4"})", {R"("127.0.0.1")"}, {R"("256.0.0.1")", R"("01.0.0.1")"}},
      {R"({"format": "ipv6"})",
       {R"("::1")", R"("1:2:3:4:5:6:7:8")", R"("::ffff:1.2.3.4")"},
       {R"("1:2:3")", R"(":::1")"}},
      {R"({"format": "uri"})", {R"("https://a.org/b?c=d#e")", R"("urn:isbn:1")"}, {R"("no uri")", R"("/path")"}},
      {R"({"format": "of-our-own"})", {R"("anything")"}, {}},
      {R"({"format": "hostname"})",
       {R"("a-b.org")", "\"" + repeated("abcdefghi.", 25) + "abc\""},
       {R"("-a.org")", "\"" + repeated("abcdefghi.", 25) + "abcd\""}},
  });
  EXPECT_TRUE(accepts("{}", R"("\"\\\u0000\u001f\u007f\u00e9\n")"));
  EXPECT_FALSE(accepts("{}", R"("\u0061")"));
  EXPECT_FALSE(accepts("{}", R"("\/")"));
  // No half of a surrogate pair, no control characters, no bytes that aren't UTF-8.
  for (const char* text : {R"("\ud83d")", R"("\ude00")", "\"\n\"", "\"\xC3\"", "\"\xFF\""}) {
    EXPECT_FALSE(accepts("{}", text)) << text;
  }
}

TEST(JsonSchema, Arrays) {
  check({
      {R"({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2})",
       {"[null]", "[null,null]"},
       {"[]", "[null,null,null]", "[1]"}},
      {R"({"prefixItems": [{"const": 1}], "items": false})", {"[]", "[1]", "2"}, {"[2]", "[1,1]"}},
      {R"({"items": [{"const": 1}], "additionalItems": {"type": "string"}})", {"[1,\"a\"]"}, {"[1,2]"}},
      {R"({"type": "array", "contains": {"const": 1}, "maxContains": 2})",
       {"[1]", "[0,1,1]"},
       {"[]", "[2]", "[1,1,1]"}},
      {R"({"type": "array", "not": {"items": {"type": "string"}}})", {"[1]", "[\"a\",2]"}, {"[]", "[\"a\"]"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"properties": {"a": {"type": "integer"}}, "required": ["b"], "additionalProperties": {"type": "string"}})",
       {R"({"b":"x"})", R"({"a":1,"b":""})", R"({"b":"","c":"d","a":2})"},
       {R"({"a":1})", R"({"b":1})", R"({"b":"","a":"x"})", R"({"b":"","b":""})"}},
      {R"({"type": "object", "patternProperties": {"^n": {"type": "number"}, "x$": {"minimum": 3}}, "additionalProperties": false})",
       {R"({"nx":4})", R"({"n":1,"ax":5})"},
       {R"({"nx":2})", R"({"b":1})"}},
      {R"({"type": "object", "propertyNames": {"maxLength": 2}, "maxProperties": 2})",
       {"{}", R"({"a":1,"bb":2})"},
       {R"({"abc":1})", R"({"a":1,"b":2,"c":3})"}},
      {R"({"type": "object", "dependentRequired": {"a": ["b"]}})", {R"({"b":1})", R"({"b":1,"a":2})"}, {R"({"a":1})"}},
      {R"({"if": {"properties": {"k": {"const": 1}}, "required": ["k"]}, "then": {"required": ["x"]}, "else": {"required": ["y"]}})",
       {R"({"k":1,"x":0})", R"({"y":0})", R"({"k":2,"y":0})", "3"},
       {R"({"k":1})", R"({"x":0})"}},
  });
}

TEST(JsonSchema, Combinations) {
  check({
      {R"({"oneOf": [{"type": "number"}, {"type": "integer"}]})", {"1.5"}, {"1", "\"a\""}},
      {R"({"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"})",
       {R"({"a":1})", R"({"b":1})"},
       {"{}", R"({"a":1,"b":1})"}},
      {R"({"anyOf": [{"type": "string"}, {"minimum": 5}], "allOf": [{"maximum": 7}]})",
       {"\"a\"", "6", "null"},
       {"4", "8"}},
      {R"({"not": {"enum": ["a", 1]}})", {"\"b\"", "2", "\"aa\""}, {"\"a\"", "1"}},
      {R"({"$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "l": {"$ref": "#/$defs/tree"}}, "required": ["v"], "additionalProperties": false}}, "$ref": "#/$defs/tree"})",
       {R"({"v":1})", R"({"v":1,"l":{"v":2,"l":{"v":3}}})"},
       {"{}", R"({"v":1,"l":{}})"}},
  });
}

TEST(JsonSchema, KeysAndSpaces) {
  const std::string schema = R"({"properties": {"b": {}, "a": {}}, "required": ["a"]})";
  constexpr JsonSpelling ordered = {JsonSpelling::Keys::schema, JsonSpelling::Space::one};
  EXPECT_TRUE(accepts(schema, R"({"b": 1, "a": 2,"c":3})", ordered));
  EXPECT_FALSE(accepts(schema, R"({"a":2,"b":1})", ordered));
  EXPECT_FALSE(accepts(schema, R"({"c":3,"a":2})", ordered));
  EXPECT_FALSE(accepts(schema, R"({"b":  1})", ordered));
  constexpr JsonSpelling free = {JsonSpelling::Keys::any, JsonSpelling::Space::any};
  EXPECT_TRUE(accepts(schema, "{\n  \"a\" : [ 1 ,\t2 ]\n}", free));
}

// Compiling and closing take no more than about a second, however large the schema that compiles.
TEST(JsonSchema, LargeSchemasStayQuick) {
  std::string properties, required, values;
  for (int i = 0; i < 1000; ++i) {
    properties += fmt::format(R"({}"property_{}": {{"type": "string", "minLength": {}}})", i > 0 ? "," : "", i, i % 7);
    required += fmt::format(R"({}"property_{}")", i > 0 ? "," : "", i);
  }
  for (int i = 0; i < 20000; ++i) values += fmt::format(R"({}"value {}")", i > 0 ? "," : "", i * 7919 % 100003);
  for (const std::string& schema : {
           fmt::format(R"({{"type": "object", "properties": {{{}}}, "required": [{}]}})", properties, required),
           fmt::format(R"({{"enum": [{}]}})", values),
           std::string(R"({"type": "array", "items": {"type": "integer"}, "minItems": 20000})"),
           std::string(R"({"pattern": "^[ab]{9000}$", "type": "string"})"),
           fmt::format(R"({{"enum": ["{}x", "{}y"]}})", std::string(20000, 'a'), std::string(20000, 'a')),
       }) {
    const auto begin = std::chrono::steady_clock::now();
    JsonMatcher matcher(compiled(schema), any_order);
    const std::string closing = matcher.closing(matcher.start());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_TRUE(accepts(schema, closing));
    EXPECT_LT(seconds.count(), 10) << schema.substr(0, 60);  // quadratic ways take minutes
  }
}

// What can't be enforced is an error that names keyword and place, within about a second.
TEST(JsonSchema, FailsClosed) {
  const auto many = [](const char* property) {
    std::string all;
    for (int i = 1; i <= 300; ++i) all += (i > 1 ? "," : "") + fmt::format(fmt::runtime(property), i);
    return "{\"properties\": {" + all + "}}";
  };
  std::string crossed = R"({"allOf": [)";  // each doubles the alternatives
  for (int i = 0; i < 40; ++i) {
    crossed +=
        fmt::format(R"({}{{"anyOf": [{{"required": ["a{}"]}}, {{"required": ["b{}"]}}]}})", i > 0 ? "," : "", i, i);
  }
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"properties": {"a": {"uniqueItems": true}}})", "uniqueItems at #/properties/a"},
      {R"({"unevaluatedProperties": false})", "unevaluatedProperties at #"},
      {R"({"properties": {"a": {"minlength": 3}}})", "unknown keyword \"minlength\" at #/properties/a: minLength"},
      {R"({"properties": {"a": {"minValue": 3}}})", "unknown keyword \"minValue\" at #/properties/a"},
      {R"({"type": "string", "nullable": true})", "nullable at # can't be enforced"},
      {R"({"maximum": 18446744073709551616})", "the whole number 18446744073709551616"},
      {R"({"maximum": 1e400})", "not valid JSON"},
      {R"({"pattern": "^(a|aa)*(b|bb)*[ab]{300}c$", "allOf": [{"pattern": "(a|b)*a(a|b){14}"}]})",
       "write a simpler one"},
      {R"({"pattern": "((a{1,200}){1,200}){1,200}"})", "write a simpler one"},
      {crossed + "]}", "combines"},
      {many("\"p{0}\": {{\"type\": \"string\", \"pattern\": \"^(a|b)*a(a|b){{11}}x{{{0}}}$\"}}"), "too large together"},
      {many("\"p{0}\": {{\"type\": \"string\", \"pattern\": \"^.{{0,90{0}}}$\", \"minLength\": 900}}"),
       "lower minLength"},
      {R"({"allOf": [{"type": "string"}, {"type": "integer"}]})", "no value satisfies"},
      {R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})",
       "needs itself without end"},
      {R"({"$ref": "other.json#/a"})", "$ref at # points outside the schema"},
      {R"({"$ref": "#/$defs/a"})", "$ref at # points to"},
      {R"({"$ref": "#"})", "needs itself without end"},
      {R"({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]}}, "$ref": "#/$defs/a"})",
       "needs itself without end"},
      {R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "no value satisfies"},
      {R"({"type": "string", "minLength": 3, "maxLength": 2})", "no value satisfies"},
      {R"({"type": "string", "pattern": "^(ab)+$", "minLength": 3, "maxLength": 3})", "no value satisfies"},
      {R"({"enum": [1, 2], "minimum": 3})", "no value satisfies"},
      {R"({"type": "object", "required": ["a", "b"], "maxProperties": 1})", "no value satisfies"},
      {R"({"type": "text"})", "type at # is \"text\""},
      {R"({"pattern": "(a)\\1"})", "pattern at #"},
      {R"({"a": 1, "a": 2})", "gives the key \"a\" twice"},
      {R"({"format": "iri"})", "format at #"},
      {"[1]", "expected an object, true or false"},
      {"{", "not valid JSON"},
      {"{\"description\": \"" + std::string(10'000'000, 'x') + "\"}", "at most 2000000 are read"},
      {std::string(3000, '[') + std::string(3000, ']'), "nested deeper"},
  };
  for (const auto& [schema, said] : cases) {
    const auto begin = std::chrono::steady_clock::now();
    const auto result = JsonSchema::compile(schema);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(seconds.count(), 10) << schema.substr(0, 100);  // exponential ways take hours
    ASSERT_FALSE(result) << schema.substr(0, 100);
    EXPECT_NE(result.error().message.find(said), std::string::npos) << result.error().message;
  }
}

TEST(JsonSchema, NotesThatTheStandardDoesNotKnowAreSaidToBe) {
  const JsonSchema schema = compiled(R"({"type": "string", "x-order": 3, "properties": {"a": {"_format": "w"}}})");
  EXPECT_EQ(schema.ignored(), (std::vector<std::string>{"#/x-order", "#/properties/a/_format"}));
}

// From every state on the way, and from every state a byte off it, the closing completes a text that is accepted.
TEST(JsonSchema, EveryStateCanBeCompleted) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"properties": {"name": {"minLength": 3, "pattern": "^[A-Z]"}, "n": {"multipleOf": 17, "minimum": 100}, "when": {"format": "date"}}, "required": ["name", "n"], "additionalProperties": {"type": "boolean"}})",
       R"({"name": "Ana \u00e9\ud83d\ude00", "n": 119, "when": "2024-02-29", "extra": true})"},
      {R"({"type": "array", "contains": {"const": "x"}, "minContains": 2, "items": {"type": ["string", "array"], "maxLength": 4}, "minItems": 3})",
       R"(["a","x",["b"],"x"])"},
      {R"({"anyOf": [{"properties": {"k": {"const": "one"}, "v": {"type": "integer"}}, "required": ["k", "v"]}, {"properties": {"k": {"const": "two"}, "w": {"enum": ["p", "q"]}}, "required": ["k", "w"]}], "additionalProperties": true})",
       R"({"k":"two","w":"q"})"},
      {R"({"type": "object", "patternProperties": {"^a(b|c)+$": {"type": "null"}}, "additionalProperties": false, "minProperties": 1})",
       R"({"abcb":null})"},
  };
  for (const auto& [schema, text] : cases) {
    for (const JsonSpelling::Keys keys : {JsonSpelling::Keys::schema, JsonSpelling::Keys::any}) {
      JsonMatcher matcher(compiled(schema), {keys, JsonSpelling::Space::one});
      JsonMatcher::State state = matcher.start();
      for (const char c : text + " ") {
        for (int byte = 0; byte < 256; ++byte) {
          JsonMatcher::State end = matcher.step(state, static_cast<unsigned char>(byte));
          if (end == JsonMatcher::dead) continue;
          const std::string closing = matcher.closing(end);
          for (const char more : closing) end = matcher.step(end, static_cast<unsigned char>(more));
          EXPECT_TRUE(matcher.accepts(end)) << schema << " from " << text << " by " << byte << ": " << closing;
        }
        const JsonMatcher::State next = matcher.step(state, static_cast<unsigned char>(c));
        if (next == JsonMatcher::dead) break;
        state = next;
      }
      EXPECT_TRUE(matcher.accepts(state)) << text;
    }
  }
}

// No property is offered that would leave required ones, or the least or most count, out of reach.
TEST(JsonSchema, OffersNoDeadEnds) {
  JsonMatcher matcher(
      compiled(R"({"properties": {"a": {}, "b": false, "c": {}}, "required": ["c"], "maxProperties": 1})"), any_order);
  JsonMatcher::State state = matcher.start();
  for (const char c : std::string("{\"")) state = matcher.step(state, static_cast<unsigned char>(c));
  EXPECT_EQ(matcher.step(state, 'a'), JsonMatcher::dead);
  EXPECT_EQ(matcher.step(state, 'b'), JsonMatcher::dead);
  EXPECT_NE(matcher.step(state, 'c'), JsonMatcher::dead);
}

}  // namespace
}  // namespace hone::text
