// hone data check: what is wrong with the rows, before an hour of training.
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/copy_pairs.h"
#include "cli/findings.h"
#include "cli/label_scores.h"
#include "cli/redacted_rows.h"
#include "cli/shifts.h"
#include "data/check.h"
#include "data/encode.h"
#include "decide/decide.h"
#include "solve/model_reference.h"
#include "text/prompt_encoding.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string scores;
  std::string pairs;
  std::string redact;
  std::string traffic;
  bool json = false;
};

constexpr int max_row_tokens = 1024;

// Counts the tokens of rows; nothing, with a warning, where the base model is not at hand.
void count_tokens(const data::Task& task, data::CheckInput& input) {
  tensor::Exec exec(1);
  try {
    auto opened =
        std::make_shared<model::Model>(model::open_model(exec, solve::base_model(task), model::Parts::tokenizer_only));
    input.max_tokens = max_row_tokens;
    input.answer_tokens = [opened](const data::Row& row) -> std::optional<int> {
      const auto answer = text::encode_answer(row.output, opened->tokenizer, opened->chat_template);
      return answer ? std::optional(static_cast<int>(answer->size())) : std::nullopt;
    };
    input.tokens = [&task, opened](const data::Row& row) {
      const data::EncodeSpec spec{.max_tokens = 1 << 20, .today = utc_today()};
      const auto example = data::encode_row(row, task, opened->tokenizer, opened->chat_template, spec);
      return example ? static_cast<int>(example->prompt.size() + example->answer.size()) : 0;
    };
  } catch (const Failure& failure) {
    warn(fmt::format("rows are not checked for length in tokens: {}", failure.what()));
  }
}

Json document(const std::vector<data::Finding>& findings, const data::Split& split, std::size_t rejected) {
  Json json = findings_json(findings);
  json["notices"] = split.notices;
  json["rows"] = {{"train", split.train.size()},         {"validation", split.validation.size()},
                  {"test", split.test.size()},           {"unscored", split.unscored.size()},
                  {"set_aside", split.set_aside.size()}, {"rejected", rejected}};
  json["set_aside"] = Json::array();
  for (const data::SetAside& row : split.set_aside) {
    Json touches = Json::array();
    for (const auto& touched : row.touches) touches.push_back({{"side", touched.side}, {"group", touched.group}});
    json["set_aside"].push_back(
        {{"id", row.row.id}, {"file", row.file}, {"line", row.row.line}, {"repeats", std::move(touches)}});
  }
  return json;
}

int run(const Options& options) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  value_or_throw(decide::check_compare_price(task, decide::built_in_prices()));
  data::TaskRows rows = value_or_throw(data::read_task_rows(task));
  // As `solve` would make it now. Nothing is written: the split is fixed by the first command that works on it, and a
  // folder that may only be read can be checked.
  data::Split split = data::split_remembered(rows.sides, task, task.folder / ".hone" / "split.json").split;
  for (std::string& notice : data::patch_notices(rows.patch, split)) split.notices.push_back(std::move(notice));
  data::CheckInput input = data::check_input(task, std::move(rows));
  input.split = &split;
  count_tokens(task, input);
  const auto out_of_fold = label_answers(task, split);
  input.out_of_fold = out_of_fold ? &*out_of_fold : nullptr;
  input.shifts = shifts_of(input, options.traffic);
  const auto findings = data::check_data(input);
  if (!options.pairs.empty()) write_copy_pairs(options.pairs, input);
  if (!options.redact.empty()) write_redacted(options.redact, input);
  if (!options.scores.empty()) write_label_scores(options.scores, out_of_fold);
  if (options.json) {
    print_json(document(findings, split, input.rejected.size()));
    return 0;
  }
  print_findings(findings, "nothing found");
  for (const auto& notice : split.notices) print_wrapped(fmt::format("note: {}", printable(notice)), 2);
  print_wrapped(fmt::format("{} train, {} validation, {} test, {} set aside, {} lines not usable", split.train.size(),
                            split.validation.size(), split.test.size(), split.set_aside.size(), input.rejected.size()));
  return 0;
}

}  // namespace

void add_data(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* data = cli.app.add_subcommand("data", "The rows: check, curve, import, export");
  data->require_subcommand(1);
  auto* check = add_command(
      *data, "check", "Empty, duplicate, conflicting, leaking, truncated, unbalanced, doubtful rows", options->json);
  check->add_option("task", options->task, "Task folder (default: here)");
  check->add_option("--scores", options->scores,
                    "Write every row's label, the label a classifier gives it and how sure it is to this JSONL file");
  check->add_option("--pairs", options->pairs,
                    "Write every pair of rows that repeat each other, with their likeness, to this JSONL file");
  check->add_option("--redact", options->redact,
                    "Write the rows without secrets and personal data into this new folder");
  check->add_option("--traffic", options->traffic, "Inputs that really came, to compare the training rows with");
  check->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
  add_data_curve(cli, *data);
  add_data_task(cli, *data);
  add_data_review(cli, *data);
  add_data_label(cli, *data);
  add_data_synthesize(cli, *data);
  add_data_rationale(cli, *data);
  add_data_import(cli, *data);
  add_data_export(cli, *data);
}

}  // namespace hone::cli
