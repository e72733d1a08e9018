// hone data curve: would more rows help?
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "data/task_rows.h"
#include "solve/learning_curve.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  double rows = 0;
  double target = -2;  // below what any metric can be: not given
  bool json = false;
};

void print_report(const solve::CurveReport& report) {
  print_line(fmt::format("{:>8}  {}", "rows", report.metric));
  for (const eval::CurvePoint& point : report.points) {
    const std::string spread = point.repetitions > 1 ? fmt::format(" +- {:.3f}", point.spread) : "";
    print_line(fmt::format("{:>8.0f}  {:.3f}{}", point.rows, point.score, spread));
  }
  print_line(fmt::format("{:>8.0f}  {:.3f} foretold, {:.3f} to {:.3f} in 9 of 10 cases", report.rows,
                         report.at_rows.value, report.at_rows.low, report.at_rows.high));
  print_wrapped(report.sentence);
  if (!report.weakest_label.empty() && report.verdict == solve::MoreRows::would_do) {
    print_wrapped(fmt::format("Rows of {} would do most: {:.0f} of 100 are right, from {} training rows.",
                              clipped(report.weakest_label, 40), 100 * report.weakest_recall, report.weakest_rows));
  }
}

int run(const Options& options, const std::stop_token& stop) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  data::TaskRows rows = value_or_throw(data::read_task_rows(task));
  const data::Split split =
      data::split_remembered(std::move(rows.sides), task, task.folder / ".hone" / "split.json").split;
  Progress progress({.label = "curve", .unit = "trainings"});
  solve::CurveSpec spec;
  if (options.rows > 0) spec.rows = options.rows;
  if (options.target > -2) spec.target = options.target;
  spec.on_training = [&](int done, int) { progress.update(static_cast<std::uint64_t>(done)); };
  const solve::CurveReport report = solve::learning_curve(task, split, spec, stop);
  if (options.json) {
    print_json(solve::to_json(report));
  } else {
    print_report(report);
  }
  return 0;
}

}  // namespace

void add_data_curve(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* curve =
      add_command(data, "curve", "Would more rows help? The plain classifier on parts of them", options->json);
  curve->add_option("task", options->task, "Task folder (default: here)");
  curve->add_option("--rows", options->rows, "Foretell the score with so many training rows (default: twice as many)")
      ->check(number_between(1, 1e9));
  curve->add_option("--target", options->target, "The score that is wanted (default: the task's target)")
      ->check(number_between(-1, 1));
  curve->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
