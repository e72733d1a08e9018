// hone constrain: would answers under a JSON Schema let these texts through, and what does it cost?
#include "cli/constrain.h"

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "base/files.h"
#include "base/terminal.h"
#include "cli/input.h"
#include "eval/bootstrap.h"
#include "generate/constraint_json.h"
#include "solve/model_reference.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  SchemaOptions schema;
  std::string file;
  std::string task = ".";
  bool times = false;
  bool json = false;
};

struct Instance {
  std::string text;
  bool accepted = false;
  std::size_t read = 0;  // bytes that were let through
};

// Goes through the text's tokens as decoding would, timing each mask.
Instance try_instance(const std::string& text, const text::Tokenizer& tokenizer, generate::JsonConstraint& constraint,
                      std::vector<double>& microseconds) {
  Instance instance{text, false, 0};
  const auto allowed = [&] {
    const Stopwatch watch;
    const auto mask = constraint.allowed();
    microseconds.push_back(watch.seconds() * 1e6);
    return mask;
  };
  std::string_view left = text;
  for (const text::TokenId token : tokenizer.encode_behind(text, text::Behind::text)) {
    const std::string_view bytes = tokenizer.token_bytes(token);
    // Tokenizers that rewrite text, or lack a byte, spell another text.
    if (!left.starts_with(bytes)) return instance;
    if (generate::allows(allowed(), token)) {
      constraint.take(token);
    } else if (!constraint.take_otherwise_spelled(token)) {
      return instance;
    }
    left.remove_prefix(bytes.size());
    instance.read += bytes.size();
  }
  allowed();
  instance.accepted = left.empty() && constraint.may_end();
  return instance;
}

struct Outcome {
  Result<void> compiled;
  std::vector<std::string> ignored;
  std::vector<Instance> instances;
  double compile_ms = 0;
  std::vector<double> microseconds;  // of each mask
};

Json json_of(Outcome& outcome, const Options& options) {
  Json instances = Json::array();
  for (const Instance& instance : outcome.instances) {
    Json one = {{"accepted", instance.accepted}};
    if (!instance.accepted) one["stopped_at"] = instance.read;
    instances.push_back(std::move(one));
  }
  const std::vector<double> in_order = outcome.microseconds;
  std::sort(outcome.microseconds.begin(), outcome.microseconds.end());
  const auto& all = outcome.microseconds;
  const double sum = std::accumulate(all.begin(), all.end(), 0.0);
  Json document = {{"compiled", outcome.compiled.has_value()},
                   {"error", outcome.compiled ? Json(nullptr) : Json(outcome.compiled.error().message)},
                   {"ignored", outcome.ignored},
                   {"instances", instances},
                   {"compile_ms", outcome.compile_ms}};
  document["mask_us"] = nullptr;
  if (!all.empty()) {
    document["mask_us"] = {{"mean", sum / static_cast<double>(all.size())},
                           {"p50", eval::quantile(all, 0.5)},
                           {"p99", eval::quantile(all, 0.99)}};
  }
  if (!all.empty() && options.times) document["mask_us"]["times"] = in_order;
  return document;
}

void print(const Outcome& outcome) {
  for (std::size_t i = 0; i < outcome.instances.size(); ++i) {
    const Instance& instance = outcome.instances[i];
    if (instance.accepted) {
      print_line(fmt::format("{:>6}  accepted", i + 1));
      continue;
    }
    const std::string rest = instance.text.substr(instance.read, 40);
    print_line(fmt::format("{:>6}  refused at byte {}: {}", i + 1, instance.read,
                           rest.empty() ? "it ends too early" : printable(rest)));
  }
}

int run(const Options& options) {
  tensor::Exec exec(1);
  const auto reference = solve::resolve_model(options.model, options.task);
  const auto opened = solve::open_language_model(exec, reference, model::Parts::tokenizer_only);
  const text::Tokenizer& tokenizer = opened.base.tokenizer;
  const generate::ConstraintVocabulary vocabulary(tokenizer);
  Outcome outcome;
  const Stopwatch watch;
  const Result<text::JsonSchema> schema = schema_in(options.schema);
  outcome.compile_ms = watch.seconds() * 1000;
  if (!schema) outcome.compiled = tl::unexpected(schema.error());
  if (schema) {
    outcome.ignored = schema->ignored();
    const generate::JsonConstraint start(vocabulary, *schema, spelling_in(options.schema));
    if (!options.file.empty()) {
      for_each_line(options.file, [&](std::size_t, const std::string& line) {
        if (is_blank(line)) return;
        generate::JsonConstraint constraint = start;
        outcome.instances.push_back(try_instance(line, tokenizer, constraint, outcome.microseconds));
      });
    }
  }
  if (options.json) print_json(json_of(outcome, options));
  if (!schema) {
    if (!options.json) fail(schema.error().code, "{}", schema.error().message);
    return exit_code(schema.error().code);
  }
  if (!options.json) {
    warn_of_ignored(*schema);
    print(outcome);
    print_line(fmt::format("compiled in {:.1f} ms", outcome.compile_ms));
  }
  return 0;
}

}  // namespace

CLI::Option* add_schema_options(CLI::App& command, SchemaOptions& options, const std::string& keys) {
  options.keys = keys;
  command.add_option("--keys", options.keys, "Order of keys: as the schema lists them, or any (default: " + keys + ")")
      ->check(CLI::IsMember({"schema", "any"}));
  command
      .add_option("--space", options.space, "Blanks in JSON: none, perhaps one behind , and :, or any (default: one)")
      ->check(CLI::IsMember({"none", "one", "any"}));
  return command.add_option("--schema", options.file, "JSON Schema file that answers must satisfy");
}

Result<text::JsonSchema> schema_in(const SchemaOptions& options) {
  return text::JsonSchema::compile(value_or_throw(read_file(options.file)));
}

text::JsonSpelling spelling_in(const SchemaOptions& options) {
  using Spelling = text::JsonSpelling;
  Spelling spelling;
  spelling.keys = options.keys == "any" ? Spelling::Keys::any : Spelling::Keys::schema;
  spelling.space = options.space == "none"  ? Spelling::Space::none
                   : options.space == "any" ? Spelling::Space::any
                                            : Spelling::Space::one;
  return spelling;
}

void warn_of_ignored(const text::JsonSchema& schema) {
  if (schema.ignored().empty()) return;
  warn(fmt::format("{} unknown keywords of the schema ask nothing of answers, the first at {}", schema.ignored().size(),
                   printable(schema.ignored().front())));
}

void add_constrain(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "constrain", "Would answers under a JSON Schema let these texts through?", options->json);
  command->add_option("model", options->model, std::string(model_help))->required();
  add_schema_options(*command, options->schema, "any")->required();
  command->add_option("--file", options->file, "A JSON text a line (- for standard input); without, only compiles");
  command->add_flag("--times", options->times, "With --json: the time of every mask as well");
  command->add_option("--task", options->task, "Task folder where a run is recorded (default: here)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
