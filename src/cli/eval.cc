// hone eval: score a bundle, a run or a model on a file of rows.
#include "base/terminal.h"
#include "cli/command.h"
#include "solve/evaluate.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string data;
  std::string task;
  bool json = false;
};

int run(const Options& options, std::stop_token stop) {
  std::string task = options.task;
  if (task.empty() && !generate::is_bundle(options.model)) task = ".";
  const solve::EvalOutcome outcome =
      solve::evaluate({.model = options.model, .data = options.data, .task = task, .quiet = {}}, stop);
  for (const auto& rejected : outcome.rejected)
    warn(fmt::format("line {}: {}", rejected.line, printable(rejected.why)));
  if (options.json) {
    print_json({{"run", outcome.run},
                {"n", outcome.rows.size()},
                {"metrics", eval::to_json(outcome.metrics)},
                {"rows", outcome.rows_file.string()}});
  } else {
    print_line(fmt::format("{} rows", outcome.rows.size()));
    for (const auto& [name, interval] : outcome.metrics.named) {
      print_line(
          fmt::format("  {:<10} {:.3f}  (95 %: {:.3f} to {:.3f})", name, interval.value, interval.low, interval.high));
    }
    for (const auto& figures : outcome.metrics.classes) {
      print_line(fmt::format("  {:<24} recall {:.3f}  precision {:.3f}  of {}", clipped(figures.label, 24),
                             figures.recall.value, figures.precision.value, figures.support));
    }
    for (const auto& [source, recall] : outcome.metrics.recall_by_source) {
      print_line(fmt::format("  source {:<24} right on {:.3f}  ({:.3f} to {:.3f})", clipped(source, 24), recall.value,
                             recall.low, recall.high));
    }
    print_line(fmt::format("scored rows: {}", outcome.rows_file.string()));
  }
  return stop.stop_requested() ? exit_code(ErrorCode::interrupted) : 0;
}

}  // namespace

void add_eval(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "eval", "Score a bundle, a run or a model on a file of rows", options->json);
  command->add_option("model", options->model, "Bundle folder, run id, catalogue name, .gguf file or model folder")
      ->required();
  command->add_option("--data", options->data, "Rows: .jsonl or .csv")->required();
  command->add_option("--task", options->task, "Task folder (default: here; a bundle brings its own)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
