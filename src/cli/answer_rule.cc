#include "cli/answer_rule.h"

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "base/terminal.h"
#include "generate/constraint_automaton.h"
#include "generate/constraint_json.h"
#include "generate/constraint_sequence.h"
#include "text/regex.h"

namespace hone::cli {
namespace {

constexpr std::size_t most_ready = 64;  // rules kept

int kinds_in(const AnswerRule& rule) {
  return (rule.schema ? 1 : 0) + (rule.regex ? 1 : 0) + (rule.labels.empty() ? 0 : 1);
}

std::vector<std::string> labels_in(const AnswerRule& rule) {
  text::AnswerSpec answer;
  answer.labels = rule.labels;
  answer.abstain = rule.abstain;
  return text::labels_of(answer);
}

// Why the parts of a rule don't go together.
Result<void> check_parts(const AnswerRule& rule) {
  if (kinds_in(rule) > 1) return bad_input("an answer has one form: give a schema, a regex or labels, not several");
  if (rule.abstain && rule.labels.empty()) return bad_input("abstain goes with labels");
  if (rule.rationale != 0 && kinds_in(rule) == 0) {
    return bad_input("a rationale comes before an answer that has a form: give a schema, a regex or labels as well");
  }
  std::vector<std::string> labels = labels_in(rule);
  std::sort(labels.begin(), labels.end());
  const auto twice = std::adjacent_find(labels.begin(), labels.end());
  if (twice != labels.end()) return bad_input("the label \"{}\" is given twice", printable(*twice));
  for (const std::string& label : labels) {
    if (label.empty()) return bad_input("a label is empty");
    if (!is_utf8(label)) return bad_input("a label is not UTF-8");
  }
  return {};
}

Result<text::Automaton> automaton_of(const AnswerRule& rule) {
  if (rule.regex) return text::compile_whole_regex(*rule.regex);
  try {
    return text::literal_texts(labels_in(rule));
  } catch (const Failure& failure) {
    return tl::unexpected(Error{failure.code(), fmt::format("the set of labels {}", failure.what())});
  }
}

// What makes two rules the same.
std::string key_of(const AnswerRule& rule) {
  Json key = {rule.schema.value_or(""), rule.regex.value_or(""), rule.labels, rule.abstain, rule.rationale};
  return key.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> read_labels(const Json& value, AnswerRule& rule, std::string_view where) {
  const bool are_texts = value.is_array() && !value.empty() &&
                         std::all_of(value.begin(), value.end(), [](const Json& label) { return label.is_string(); });
  if (!are_texts) return bad_input("{}: \"labels\" is expected to be a list of texts, as in [\"yes\", \"no\"]", where);
  rule.labels = value.get<std::vector<std::string>>();
  return {};
}

Result<void> read_field(const std::string& name, const Json& value, AnswerRule& rule, std::string_view where) {
  if (name == "labels") return read_labels(value, rule, where);
  if (name == "schema") {
    if (!value.is_object() && !value.is_boolean()) return bad_input("{}: \"schema\" is not a JSON Schema", where);
    rule.schema = value.dump();
  } else if (name == "regex") {
    if (!value.is_string()) return bad_input("{}: \"regex\" is expected to be a text", where);
    rule.regex = value.get<std::string>();
  } else if (name == "abstain") {
    if (!value.is_boolean()) return bad_input("{}: \"abstain\" is expected to be true or false", where);
    rule.abstain = value.get<bool>();
  } else {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 1'000'000) {
      return bad_input("{}: \"rationale\" is expected to be a number of tokens, 0 or more", where);
    }
    rule.rationale = value.get<int>();
  }
  return {};
}

}  // namespace

void add_rule_options(CLI::App& command, RuleOptions& options) {
  command.add_option("--regex", options.regex, "Regular expression that whole answers match");
  command.add_option("--labels", options.labels, "Labels of which answers are one, as in yes,no,maybe")
      ->delimiter(',')
      ->take_all();
  command.add_flag("--abstain", options.abstain, "With --labels: \"abstain\" may be answered as well");
  command
      .add_option("--rationale", options.rationale,
                  "With --schema, --regex or --labels: up to so many tokens of reasoning, a line \"Answer:\", then "
                  "the answer")
      ->check(CLI::PositiveNumber);
}

AnswerRule rule_in(const RuleOptions& options, const SchemaOptions& schema) {
  AnswerRule rule{{}, options.regex, options.labels, options.abstain, options.rationale};
  if (!schema.file.empty()) rule.schema = value_or_throw(read_file(schema.file));
  if (const Result<void> parts = check_parts(rule); !parts) fail(ErrorCode::usage, "{}", parts.error().message);
  return rule;
}

Result<std::optional<AnswerRule>> rule_of_row(const Json& row, const AnswerRule& all, std::string_view where) {
  AnswerRule rule;
  bool says_what = false, says_how = false;
  for (const char* name : {"schema", "regex", "labels", "abstain", "rationale"}) {
    const auto found = row.find(name);
    if (found == row.end() || found->is_null()) continue;
    const Result<void> read = read_field(name, *found, rule, where);
    if (!read) return tl::unexpected(read.error());
    (name == std::string_view("abstain") || name == std::string_view("rationale") ? says_how : says_what) = true;
  }
  if (!says_what && !says_how) return std::optional<AnswerRule>();
  if (!says_what) {
    rule.schema = all.schema;
    rule.regex = all.regex;
    rule.labels = all.labels;
  }
  if (!row.contains("rationale")) rule.rationale = all.rationale;
  if (!row.contains("abstain")) rule.abstain = all.abstain && !rule.labels.empty();
  if (const Result<void> parts = check_parts(rule); !parts) return bad_input("{}: {}", where, parts.error().message);
  return std::optional(std::move(rule));
}

bool is_free(const AnswerRule& rule) { return kinds_in(rule) == 0; }
bool is_scored(const AnswerRule& rule) { return !rule.labels.empty() && rule.rationale == 0; }

void apply_rule(const AnswerRule& rule, text::AnswerSpec& spec) {
  if (is_scored(rule)) {
    spec.labels = rule.labels;
    spec.abstain = rule.abstain;
  } else if (rule.rationale > 0) {
    // At most a token for each byte of the marker.
    spec.max_tokens += rule.rationale + static_cast<int>(generate::answer_marker.size());
  }
}

struct ReadyRules::Ready {
  std::optional<text::JsonSchema> schema;
  text::Automaton automaton;
  generate::MakeConstraint make;  // once a vocabulary was known
};

Result<std::shared_ptr<ReadyRules::Ready>> ReadyRules::ready(const AnswerRule& rule) {
  const std::string key = key_of(rule);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  auto made = std::make_shared<Ready>();
  if (rule.schema) {
    Result<text::JsonSchema> schema = text::JsonSchema::compile(*rule.schema);
    if (!schema) return tl::unexpected(schema.error());
    warn_of_ignored(*schema);
    made->schema = std::move(*schema);
  } else {
    Result<text::Automaton> automaton = automaton_of(rule);
    if (!automaton) return tl::unexpected(automaton.error());
    if ((*automaton)->is_empty()) return bad_input("no text matches \"{}\"", printable(rule.regex.value_or("")));
    made->automaton = std::move(*automaton);
  }
  if (known_.size() >= most_ready) known_.clear();
  return known_.emplace(key, std::move(made)).first->second;
}

Result<void> ReadyRules::check(const AnswerRule& rule) {
  if (is_free(rule) || is_scored(rule)) return {};
  const auto made = ready(rule);
  if (!made) return tl::unexpected(made.error());
  return {};
}

Result<generate::MakeConstraint> ReadyRules::constraint(const AnswerRule& rule,
                                                        const generate::ConstraintVocabulary& vocabulary) {
  if (is_free(rule) || is_scored(rule)) return generate::MakeConstraint();
  const auto made = ready(rule);
  if (!made) return tl::unexpected(made.error());
  generate::MakeConstraint& make = (*made)->make;
  if (make) return make;
  if ((*made)->schema) {
    make = generate::JsonConstraint::maker(vocabulary, *(*made)->schema, spelling_);
  } else {
    Result<generate::MakeConstraint> held = rule.regex
                                                ? generate::AutomatonConstraint::maker(vocabulary, (*made)->automaton)
                                                : generate::AutomatonConstraint::of_texts(vocabulary, labels_in(rule));
    if (!held) return held;
    make = std::move(*held);
  }
  if (rule.rationale > 0) make = generate::SequenceConstraint::maker(vocabulary, rule.rationale, std::move(make));
  return make;
}

std::optional<text::JsonMatcher> ReadyRules::matcher(const AnswerRule& rule) {
  if (!rule.schema) return std::nullopt;
  const auto made = ready(rule);
  if (!made) return std::nullopt;
  return std::optional<text::JsonMatcher>(std::in_place, *(*made)->schema, spelling_);
}

}  // namespace hone::cli
