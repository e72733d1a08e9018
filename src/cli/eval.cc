// hone eval: score a bundle, a run or a model on a file of rows.
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/precision.h"
#include "report/report.h"
#include "solve/evaluate.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string base;
  std::string data;
  std::string task;
  std::optional<model::Precision> precision;
  bool free = false;
  bool json = false;
};

Json document_of(const solve::EvalOutcome& outcome) {
  Json document = {{"run", outcome.run}, {"metrics", eval::named_json(outcome.metrics)}};
  document.update(eval::detail_json(outcome.metrics));
  Json rejected = Json::array();
  for (const auto& row : outcome.rejected) rejected.push_back({{"line", row.line}, {"why", row.why}});
  document["metric"] = outcome.task.metric;
  document["learned_rows"] = outcome.learned_rows;
  document["rejected"] = rejected;
  document["rows"] = outcome.rows_file.string();
  document["interrupted"] = outcome.interrupted;
  return document;
}

void print_outcome(const solve::EvalOutcome& outcome) {
  eval::ContenderResult scored;
  scored.name = "eval";
  scored.test = outcome.rows;
  scored.test_metrics = outcome.metrics;
  print_wrapped(fmt::format("{} rows: {}", outcome.rows.size(), report::plain_line(scored, outcome.task)));
  for (const auto& [name, interval] : outcome.metrics.named) {
    print_line(fmt::format("  {:<10} {:6.3f}  (95 %: {:.3f} to {:.3f}){}", name, interval.value, interval.low,
                           interval.high, name == outcome.task.metric ? "  the task's metric" : ""));
  }
  for (const auto& figures : outcome.metrics.classes) {
    print_line(fmt::format("  {} recall {:.3f}  precision {:.3f}  of {}", padded(figures.label, 30),
                           figures.recall.value, figures.precision.value, figures.support));
  }
  for (const auto& [source, recall] : outcome.metrics.recall_by_source) {
    print_line(fmt::format("  {} right on {:.3f}  (95 %: {:.3f} to {:.3f})", padded(source, 30), recall.value,
                           recall.low, recall.high));
  }
  if (outcome.interrupted) print_line("Stopped before the end: the figures are of the rows so far.");
  if (!outcome.run.empty()) print_line(fmt::format("run: {}", outcome.run));
  print_line(fmt::format("scored rows: {}", outcome.rows_file.string()));
}

int run(const Options& options, const std::stop_token& stop) {
  const solve::EvalOutcome outcome = solve::evaluate({.model = options.model,
                                                      .base = options.base,
                                                      .data = options.data,
                                                      .task = options.task,
                                                      .quiet = {},
                                                      .precision = options.precision,
                                                      .constrain = !options.free},
                                                     stop);
  for (const auto& notice : outcome.notices) warn(notice);
  for (const auto& rejected : outcome.rejected) {
    // What the JSON parser says names the line already.
    const std::string line = fmt::format("line {}: ", rejected.line);
    const std::string why = printable(rejected.why);
    warn(fmt::format("{}, {}", rejected.file, why.starts_with(line) ? why : line + why));
  }
  if (outcome.learned_rows > 0) {
    warn(
        fmt::format("{} of the {} rows are among those that {} learned from: the score on them says nothing about new "
                    "rows",
                    outcome.learned_rows, outcome.rows.size(), printable(options.model)));
  }
  options.json ? print_json(document_of(outcome)) : print_outcome(outcome);
  return outcome.interrupted ? exit_code(ErrorCode::interrupted) : 0;
}

}  // namespace

void add_eval(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "eval", "Score a bundle, a run or a model on a file of rows", options->json);
  command->add_option("model", options->model, std::string(model_help))->required();
  command->add_option("--data", options->data, "Rows: .jsonl or .csv")->required();
  command->add_option("--task", options->task, "Task folder (default: here; a bundle brings its own)");
  add_precision(*command, options->precision, "How a bare model's weights are kept");
  command->add_option("--base", options->base, base_help);
  command->add_flag("--no-constraint", options->free, "Do not hold answers to the task's schema");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
