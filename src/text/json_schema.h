// JSON Schema (drafts 4 to 2020-12) as an automaton over the bytes of JSON text: which bytes may come next so that the
// text can still become a value the schema allows. What can't be enforced is an error, never passed over.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace hone::text {

struct JsonGrammar;

class JsonSchema {
 public:
  // `schema` is its JSON text. Errors name the keyword and its place: bad_input where the schema is wrong (no value
  // satisfies it, it needs itself without end, a $ref points nowhere, an unknown keyword), unsupported where something
  // in it can't be enforced. Notes are passed over: the standard's annotations, names that begin with _ or x-, and some
  // that other vocabularies are known to add. Formats that JSON Schema defines are asserted.
  static Result<JsonSchema> compile(std::string_view schema);

  const std::shared_ptr<const JsonGrammar>& grammar() const { return grammar_; }
  // Places of notes that the standard doesn't know ("#/properties/a/x-order").
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  std::shared_ptr<const JsonGrammar> grammar_;
  std::vector<std::string> ignored_;
};

// How JSON is written. Strings escape what json.dumps escapes, with or without ensure_ascii, and nothing else: no \/
// and no number for printable ASCII. Whole numbers of `integer` have no point and no exponent.
struct JsonSpelling {
  // schema: properties in the order in which the schema lists them, others behind; any: as they come. A listed
  // property comes once either way.
  enum class Keys { schema, any };
  // none: as json.dumps with separators (",", ":"); one: perhaps one space behind , and :; any: runs of up to 24 blanks
  // and line feeds wherever JSON allows them inside the value.
  enum class Space { none, one, any };
  Keys keys = Keys::schema;
  Space space = Space::one;
};

}  // namespace hone::text
