// Whether an output satisfies a json task's schema, and if not, where and by which keyword.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "text/json_schema_matcher.h"

namespace hone::data {

// How a json task's answers may be spelled: on one line, keys in any order, which the examples set.
text::JsonSpelling answer_spelling();

struct Breach {
  std::string pointer;  // JSON pointer into the output; "" is the whole
  std::string keyword;  // without which the value there would pass; empty where none was found
  std::string place;    // of the keyword ("#/properties/age/maximum")
};

// Not for several threads at once.
class OutputSchema {
 public:
  // `schema` is JSON text. Errors as text::JsonSchema::compile().
  static Result<OutputSchema> compile(const std::string& schema);

  // Whether `output` is JSON of the schema, however it is spaced and its keys are ordered; 1.0 is a whole number.
  bool allows(const std::string& output);
  // Nothing where `output`, which is JSON, satisfies the schema. The keyword is found by leaving out one after the
  // other, the deepest first: where the schema has few, and for the first outputs that break it.
  std::optional<Breach> breach(const std::string& output);

 private:
  OutputSchema(std::string schema, const text::JsonSchema& compiled);
  void name_keyword(const Json& output, std::size_t read, Breach& breach) const;

  std::string schema_;
  std::unique_ptr<text::JsonMatcher> matcher_;
  std::size_t explained_ = 0;
};

}  // namespace hone::data
