#include "text/json_schema.h"

#include "text/json_schema_builder.h"

namespace hone::text {

Result<JsonSchema> JsonSchema::compile(std::string_view schema) {
  try {
    const SchemaDocument document = SchemaDocument::parse(schema);
    SchemaReader reader(document);
    JsonSchema compiled;
    compiled.grammar_ = std::make_shared<const JsonGrammar>(GrammarBuilder(reader).run());
    compiled.ignored_ = reader.ignored();
    return compiled;
  } catch (const Failure& failure) {
    return tl::unexpected(Error{failure.code(), failure.what()});
  }
}

}  // namespace hone::text
