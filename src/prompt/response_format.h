// A json task's schema in the form in which chat/completions endpoints take it: "response_format".
#pragma once

#include <string>

#include "base/json.h"

namespace hone::prompt {

// {"type": "json_schema", "json_schema": {name, schema, strict}}. `name` is brought to letters, digits, _ and -, 64 at
// most. Strict asks a server to hold the answer to the schema, and only where the schema keeps within fits_strict():
// others are refused there. Without it a schema is a strong hint. `schema` is JSON text of a schema that compiles.
Json response_format(const std::string& name, const std::string& schema);

// OpenAI's limits for strict schemas: the root is an object; every object lists all its properties as required and
// takes no others; of the keywords only type, enum, const, anyOf, $ref, $defs, properties, items, pattern, those
// formats, ranges, multiples and lengths of arrays it names; 10 levels, 5,000 properties, 1,000 enumerated values and
// 120,000 characters of names and values. Source: "Structured model outputs", supported schemas.
bool fits_strict(const Json& schema);

}  // namespace hone::prompt
