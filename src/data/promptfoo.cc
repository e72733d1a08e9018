// The tests of a promptfoo configuration: the variables of a test are columns, its first assert that says what the
// right answer is becomes the column "output". https://www.promptfoo.dev/docs/configuration/reference
#include "base/terminal.h"
#include "data/row_sink.h"
#include "data/yaml_document.h"

namespace hone::data {
namespace {

RawValue value_of(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_string()) return {ValueType::text, json.get<std::string>()};
  if (json.is_boolean()) return {ValueType::flag, to_text(json)};
  return {json.is_number() ? ValueType::number : ValueType::structure, to_text(json)};
}

class Tests {
 public:
  Tests(const YamlDocument& document, RowSink& sink) : document_(document), sink_(sink) {}

  void read(const Json& tests, const std::string& pointer) {
    for (std::size_t i = 0; i < tests.size(); ++i) {
      RawRow row;
      row.line = document_.line(fmt::format("{}/{}", pointer, i));
      read_test(tests[i], row);
      if (!sink_.take(std::move(row))) return;
    }
  }

 private:
  static void read_test(const Json& test, RawRow& row) {
    if (!test.is_object() || !test.contains("vars") || !test.at("vars").is_object()) {
      return row.reject("malformed", "expected a test with \"vars\", an object of texts");
    }
    for (const auto& [name, value] : test.at("vars").items()) {
      if (value.is_string() && value.get<std::string>().starts_with("file://")) {
        return row.reject("unsupported",
                          fmt::format("the variable \"{}\" is a file of its own, which is not read", printable(name)));
      }
      row.values.emplace_back(name, value_of(value));
    }
    read_answer(test.value("assert", Json::array()), row);
  }

  static void read_answer(const Json& asserts, RawRow& row) {
    std::string others;
    for (const Json& one : asserts) {
      const std::string type = one.is_object() && one.contains("type") && one.at("type").is_string()
                                   ? one.at("type").get<std::string>()
                                   : "one without a type";
      const bool is_answer = type == "equals" || type == "contains" || type == "icontains";
      if (is_answer && one.contains("value")) {
        const char* name = row.find("output") == nullptr ? "output" : "expected";
        row.values.emplace_back(name, value_of(one.at("value")));
        return;
      }
      others += (others.empty() ? "" : ", ") + type;
    }
    row.reject("no-answer", fmt::format("no assert says the right answer ({}); equals, contains and icontains are read",
                                        others.empty() ? "there is none" : clipped(others, 60)));
  }

  const YamlDocument& document_;
  RowSink& sink_;
};

}  // namespace

Result<void> read_promptfoo(const NamedBytes& file, RowSink& sink) {
  const Result<YamlDocument> document = read_yaml(file.bytes, file.name);
  if (!document) return tl::unexpected<Error>(document.error());
  const Json& root = document->json;
  const bool is_list = root.is_array();
  const Json tests = is_list ? root : root.is_object() ? root.value("tests", Json()) : Json();
  if (tests.is_string()) {
    return bad_input("{}:{}: its tests stand in another file, {}; import that one", file.name, document->line("/tests"),
                     clipped(tests.get<std::string>(), 60));
  }
  if (!tests.is_array()) {
    return bad_input("{}:1: expected promptfoo tests: a list of {{vars, assert}}, or a key \"tests\" with one",
                     file.name);
  }
  for (const char* key : {"scenarios", "defaultTest"}) {
    if (root.is_object() && root.contains(key)) sink.note(fmt::format("not read: {}", key));
  }
  Tests(*document, sink).read(tests, is_list ? "" : "/tests");
  return {};
}

}  // namespace hone::data
