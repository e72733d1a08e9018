// What answers of a bare model must be: of a JSON Schema, a match of a regular expression, one of a few labels; after a
// rationale or not.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/constrain.h"
#include "generate/constraint.h"
#include "generate/constraint_vocabulary.h"
#include "text/json_schema_matcher.h"
#include "text/message.h"

namespace hone::cli {

// At most one of schema, regex and labels is given; none: free text.
struct AnswerRule {
  std::optional<std::string> schema;  // its text
  std::optional<std::string> regex;
  std::vector<std::string> labels;
  bool abstain = false;
  int rationale = 0;  // most tokens of free text before the answer; 0: none
};

// --regex, --labels, --abstain and --rationale.
struct RuleOptions {
  std::optional<std::string> regex;
  std::vector<std::string> labels;
  bool abstain = false;
  int rationale = 0;
};
void add_rule_options(CLI::App& command, RuleOptions& options);

// Out of a command's options; Failure (usage) where they don't go together.
AnswerRule rule_in(const RuleOptions& options, const SchemaOptions& schema);

// That of a row with "schema", "regex", "labels", "abstain" or "rationale"; nothing where it has none of them. A row
// that only says how (abstain, rationale) or only what takes the rest from `all`. Errors name `where`.
Result<std::optional<AnswerRule>> rule_of_row(const Json& row, const AnswerRule& all, std::string_view where);

bool is_free(const AnswerRule& rule);
// Labels that no rationale precedes are scored, each with its probability; all else is held to a constraint.
bool is_scored(const AnswerRule& rule);
// Room for the rationale is added to that of the answer.
void apply_rule(const AnswerRule& rule, text::AnswerSpec& spec);

// Rules made ready, those met last kept. Not for several threads at once.
class ReadyRules {
 public:
  explicit ReadyRules(text::JsonSpelling spelling) : spelling_(spelling) {}
  // Whether answers can be held to it at all; asks for no vocabulary.
  Result<void> check(const AnswerRule& rule);
  // Null: free text. `vocabulary` outlives the answers, and is the same at every call.
  Result<generate::MakeConstraint> constraint(const AnswerRule& rule, const generate::ConstraintVocabulary& vocabulary);
  // Reads the JSON of answers from its beginning; nothing where the rule has no schema.
  std::optional<text::JsonMatcher> matcher(const AnswerRule& rule);

 private:
  struct Ready;
  Result<std::shared_ptr<Ready>> ready(const AnswerRule& rule);

  text::JsonSpelling spelling_;
  std::map<std::string, std::shared_ptr<Ready>> known_;
};

}  // namespace hone::cli
