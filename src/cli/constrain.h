// hone constrain, and the options of commands that take a JSON Schema.
#pragma once

#include <string>

#include "cli/command.h"
#include "text/json_schema.h"

namespace hone::cli {

struct SchemaOptions {
  std::string file;
  std::string keys;
  std::string space = "one";
};

// --schema, --keys and --space; `keys` is the default order of keys.
CLI::Option* add_schema_options(CLI::App& command, SchemaOptions& options, const std::string& keys);

Result<text::JsonSchema> schema_in(const SchemaOptions& options);
text::JsonSpelling spelling_in(const SchemaOptions& options);
// Says which keywords were taken for annotations.
void warn_of_ignored(const text::JsonSchema& schema);

void add_constrain(Cli& cli);

}  // namespace hone::cli
