#include "prompt/response_format.h"

#include <gtest/gtest.h>

namespace hone::prompt {
namespace {

const char* const strict_schema = R"({"type": "object", "properties": {
  "kind": {"enum": ["a", "b"]}, "count": {"type": "integer", "minimum": 0},
  "list": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/item"}}},
  "required": ["kind", "count", "list"], "additionalProperties": false,
  "$defs": {"item": {"type": "object", "properties": {"on": {"type": "string", "format": "date"}},
                     "required": ["on"], "additionalProperties": false}}})";

TEST(ResponseFormat, NamesTheSchemaAndKeepsItsOrder) {
  const Json format = response_format("SNIPS slots!", std::string(strict_schema));
  EXPECT_EQ(format["type"], "json_schema");
  EXPECT_EQ(format["json_schema"]["name"], "SNIPS_slots_");
  EXPECT_EQ(format["json_schema"]["strict"], true);
  EXPECT_EQ(format["json_schema"]["schema"], Json::parse(strict_schema));
  std::vector<std::string> names;
  for (const auto& [name, value] : format["json_schema"]["schema"]["properties"].items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"kind", "count", "list"}));
  EXPECT_EQ(response_format("", R"({"$schema": "x"})")["json_schema"]["name"], "answer");
  EXPECT_EQ(response_format("", R"({"$schema": "x"})")["json_schema"]["schema"], Json::object());
}

// What strict mode refuses is sent without it, never as it.
TEST(ResponseFormat, StrictOnlyWithinItsLimits) {
  const Json good = Json::parse(strict_schema);
  EXPECT_TRUE(fits_strict(good));
  const auto without = [&](const auto& change) {
    Json changed = good;
    change(changed);
    return fits_strict(changed);
  };
  EXPECT_FALSE(without([](Json& s) { s.erase("additionalProperties"); }));
  EXPECT_FALSE(without([](Json& s) { s["required"] = {"kind", "count"}; }));
  EXPECT_FALSE(without([](Json& s) { s["required"].push_back("more"); }));
  EXPECT_FALSE(without([](Json& s) { s["$defs"]["item"]["additionalProperties"] = true; }));
  EXPECT_FALSE(without([](Json& s) { s["properties"]["kind"]["maxLength"] = 3; }));
  EXPECT_FALSE(without([](Json& s) { s["properties"]["count"] = {{"not", {{"const", 1}}}}; }));
  EXPECT_FALSE(without([](Json& s) { s["properties"]["kind"]["format"] = "uri"; }));
  EXPECT_FALSE(without([](Json& s) { s["anyOf"] = Json::array({Json::object()}); }));
  EXPECT_FALSE(fits_strict(Json::parse(R"({"type": "array", "items": {"type": "string"}})")));
  Json deep = {{"type", "string"}};
  for (int level = 0; level < 9; ++level) {
    deep = {{"type", "object"},
            {"properties", {{"in", deep}}},
            {"required", Json::array({"in"})},
            {"additionalProperties", false}};
  }
  EXPECT_TRUE(fits_strict(deep));
  deep = {{"type", "object"},
          {"properties", {{"in", deep}}},
          {"required", Json::array({"in"})},
          {"additionalProperties", false}};
  EXPECT_FALSE(fits_strict(deep));
  Json many = good;
  for (int i = 0; i < 1001; ++i) many["properties"]["kind"]["enum"].push_back(i);
  EXPECT_FALSE(fits_strict(many));
}

}  // namespace
}  // namespace hone::prompt
