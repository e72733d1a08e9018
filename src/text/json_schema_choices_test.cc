#include "text/json_schema_choices.h"

#include <gtest/gtest.h>

namespace hone::text {
namespace {

std::string shown(const std::string& schema, const std::string& text, std::size_t most = 8) {
  JsonMatcher matcher(value_or_throw(JsonSchema::compile(schema)), {});
  std::string all;
  for (const JsonChoice& choice : json_choices(matcher, text, most)) {
    all += choice.pointer + "@" + std::to_string(choice.begin) + ":";
    for (std::size_t i = 0; i < choice.few.values.size(); ++i) all += " " + choice.few.values[i] + choice.few.behind[i];
    all += ";";
  }
  return all;
}

TEST(JsonChoices, FindsMembersWithFewValues) {
  const std::string mixed = R"({"properties": {"a": {"enum": ["x", 1, null, 2.50]}, "b": {"type": "string"}}})";
  EXPECT_EQ(shown(mixed, R"({"a": 1,"b":"y"})"), "/a@6: null,} 1,} 2.5,} \"x\",};");
  // What may follow depends on the value: after "no" the object must close.
  const std::string either =
      R"({"oneOf": [{"properties": {"k": {"const": "no"}}, "required": ["k"], "maxProperties": 1},
                    {"properties": {"k": {"const": "yes"}, "n": {"type": "boolean"}}, "required": ["k", "n"]}]})";
  EXPECT_EQ(shown(either, R"({"k":"yes","n":true})"), "/k@5: \"no\"} \"yes\",;/n@15: true,} false,};");
  EXPECT_EQ(shown(either, R"({"k":"no"})"), "/k@5: \"no\"} \"yes\",;");
}

TEST(JsonChoices, NamesMembersByPointer) {
  const std::string nested = R"({"type": "array", "items": {"properties": {"a/\"~": {"type": "boolean"}}}})";
  EXPECT_EQ(shown(nested, R"([{"a/\"~":true},{},{"a/\"~":false,"z":[{}]}])"),
            "/0/a~1\"~0@10: true,} false,};/2/a~1\"~0@28: true,} false,};");
}

TEST(JsonChoices, LeavesOutWhatHasManyValuesOrIsNested) {
  const std::string ranges = R"({"properties": {"few": {"type": "integer", "minimum": -1, "maximum": 1},
    "many": {"type": "integer", "minimum": 0, "maximum": 9}, "broken": {"type": "number", "minimum": 0, "maximum": 1},
    "list": {"enum": [[1], [2]]}, "short": {"enum": ["a", "bb", "ccc"], "maxLength": 2}}})";
  EXPECT_EQ(shown(ranges, R"({"few":0,"many":1,"broken":0.5,"list":[1],"short":"a"})"),
            "/few@7: 0,} 1,} -1,};/short@50: \"a\",} \"bb\",};");
  EXPECT_EQ(shown(ranges, R"({"many":1})", 10), "/many@8: 0,} 1,} 2,} 3,} 4,} 5,} 6,} 7,} 8,} 9,};");
}

}  // namespace
}  // namespace hone::text
