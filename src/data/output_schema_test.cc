#include "data/output_schema.h"

#include <gtest/gtest.h>

namespace hone::data {
namespace {

constexpr const char* person = R"({
  "type": "object",
  "properties": {
    "name": {"type": "string", "maxLength": 4},
    "age": {"type": "integer", "minimum": 18, "maximum": 120},
    "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    "a/b": {"type": "number", "minimum": 10}
  },
  "required": ["name", "age"],
  "additionalProperties": false
})";

struct Case {
  const char* output;
  const char* pointer;
  const char* keyword;
  const char* place;
};

TEST(OutputSchema, TheValueThatBreaksItAndTheKeywordAreNamed) {
  OutputSchema schema = *OutputSchema::compile(person);
  const Case cases[] = {
      {R"({"name":"Annabel","age":20})", "/name", "maxLength", "#/properties/name/maxLength"},
      {R"({"name":"Ann","age":121})", "/age", "maximum", "#/properties/age/maximum"},
      {R"({"name":"Ann","age":"x"})", "/age", "type", "#/properties/age/type"},
      {R"({"age":5,"name":"Ann"})", "/age", "minimum", "#/properties/age/minimum"},
      {R"({"name":"Ann"})", "", "required", "#/required"},
      {R"({"name":"Ann","age":20,"x":1})", "/x", "additionalProperties", "#/additionalProperties"},
      {R"({"name":"Ann","age":20,"tags":["a","c"]})", "/tags/1", "enum", "#/properties/tags/items/enum"},
      {R"({"name":"Ann","age":20,"tags":["a","b","a"]})", "/tags", "maxItems", "#/properties/tags/maxItems"},
      {R"({"name":"Ann","age":20,"a/b":3})", "/a~1b", "minimum", "#/properties/a~1b/minimum"},
      {"[]", "", "type", "#/type"},
  };
  for (const Case& each : cases) {
    const std::optional<Breach> breach = schema.breach(each.output);
    ASSERT_TRUE(breach) << each.output;
    EXPECT_EQ(breach->pointer, each.pointer) << each.output;
    EXPECT_EQ(breach->keyword, each.keyword) << each.output;
    EXPECT_EQ(breach->place, each.place) << each.output;
    EXPECT_FALSE(schema.allows(each.output));
  }
}

TEST(OutputSchema, SpacingOrderAndSpellingOfNumbersDoNotMatter) {
  OutputSchema schema = *OutputSchema::compile(person);
  for (const char* output : {R"({"name":"Ann","age":20})", R"({ "age" : 20.0 ,
      "name":"\u0041\/\u00e9" })",
                             R"({"tags":[],"name":"","age":18,"a/b":10.5})"}) {
    EXPECT_FALSE(schema.breach(output)) << output << " at " << schema.breach(output)->pointer;
    EXPECT_TRUE(schema.allows(output));
  }
  EXPECT_FALSE(schema.allows("nonsense"));
}

}  // namespace
}  // namespace hone::data
