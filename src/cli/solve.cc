// hone solve: the whole loop on a task folder.
#include "solve/solve.h"

#include "base/files.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "eval/compare.h"
#include "report/width.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string budget;
  std::string require_verdict;
  bool json = false;
};

void print_opening(const solve::Workspace& workspace) {
  const auto& split = workspace.split;
  print_line(fmt::format("{}: {} rows to learn from, {} to choose by, {} to judge by{}", printable(workspace.task.name),
                         split.train.size(), split.validation.size(), split.test.size(),
                         split.set_aside.empty() ? "" : fmt::format(", {} set aside", split.set_aside.size())));
  print_line(
      fmt::format("With {} test rows the smallest difference that shows is about {:.1f}, {:.1f} or {:.1f}\npoints, "
                  "when two contenders disagree on 5, 10 or 20 of 100 rows.",
                  split.test.size(), 100 * eval::smallest_detectable(.05, split.test.size()),
                  100 * eval::smallest_detectable(.10, split.test.size()),
                  100 * eval::smallest_detectable(.20, split.test.size())));
}

void print_plan(const solve::Plan& plan, const solve::Rates& rates, const Path& folder) {
  print_line(
      fmt::format("\nPlan (this machine reads {:.0f} and trains {:.0f} tokens a second)", rates.prefill, rates.train));
  for (const auto& stage : plan.stages) {
    const std::string time = stage.skipped ? "skipped" : duration_text(stage.seconds);
    print_line(fmt::format("  {:<52} {:>9}{}", stage.name, time,
                           stage.why.empty() ? "" : fmt::format("\n    ({})", stage.why)));
  }
  print_line(fmt::format("  {:<52} {:>9}", "in all, about", duration_text(plan.total_seconds())));
  print_line(fmt::format("  disk: about 60 MB beside the task ({} free). Money: none. Leaves this machine:\n  nothing.",
                         bytes_text(free_disk_bytes(folder))));
}

Json solve_document(const solve::SolveOutcome& outcome) {
  Json contenders = Json::array();
  for (const auto& contender : outcome.conclusion.report.contenders) {
    contenders.push_back(
        {{"name", contender.name},
         {"kind", eval::name_of(contender.kind)},
         {"run", contender.run},
         {"metrics", eval::to_json(contender.test_metrics)},
         {"latency_ms",
          {{"p50", contender.latency.p50_ms}, {"p95", contender.latency.p95_ms}, {"n", contender.latency.n}}},
         {"usd_per_million", contender.usd_per_million}});
  }
  Json primary = nullptr;
  if (outcome.conclusion.primary) {
    primary = eval::to_json(*outcome.conclusion.primary);
    primary["a_name"] = outcome.conclusion.best_tuned;
    primary["b_name"] = outcome.conclusion.best_untuned;
  }
  return {{"contenders", contenders},
          {"primary", primary},
          {"recommendation", decide::to_json(outcome.conclusion.report.recommendation)},
          {"bundle", outcome.bundle.string()},
          {"report", outcome.report.string()},
          {"interrupted", outcome.interrupted}};
}

void print_outcome(const solve::SolveOutcome& outcome) {
  const auto& report = outcome.conclusion.report;
  print_line("");
  print_line(report::terminal_table(report));
  for (const auto& contender : report.contenders) {
    const std::string line = fmt::format("{}: {}", contender.name, report::plain_line(contender, *report.task));
    for (const std::string& part : report::wrapped(line, 80)) print_line(part);
  }
  print_line("");
  print_line(report::terminal_recommendation(report));
  if (outcome.interrupted) print_line("\nStopped before the end: this is the conclusion so far.");
  print_line(fmt::format("\nReport: {}", outcome.report.string()));
}

int run(const Options& options, std::stop_token stop) {
  solve::SolveSpec spec{.task = options.task, .budget_seconds = 0, .quiet = {}};
  if (!options.budget.empty()) spec.budget_seconds = value_or_throw(solve::parse_duration(options.budget));
  solve::Workspace workspace = solve::open_workspace(spec.task);
  solve::SolveHooks hooks;
  hooks.stop = std::move(stop);
  hooks.on_notice = [](const std::string& notice) { warn(printable(notice)); };
  if (!options.json) {
    hooks.on_open = print_opening;
    hooks.on_plan = [&](const solve::Plan& plan, const solve::Rates& rates) {
      print_plan(plan, rates, workspace.task.folder);
    };
    hooks.on_table = [](const solve::Conclusion& conclusion, const std::string& stage) {
      print_line(fmt::format("\nSo far ({}):\n{}", stage, report::terminal_table(conclusion.report)));
    };
  }
  const solve::SolveOutcome outcome = solve::solve(workspace, spec, hooks);
  options.json ? print_json(solve_document(outcome)) : print_outcome(outcome);
  if (outcome.interrupted) return exit_code(ErrorCode::interrupted);
  const bool other_verdict =
      !options.require_verdict.empty() &&
      options.require_verdict != decide::name_of(outcome.conclusion.report.recommendation.verdict);
  return outcome.target_missed || other_verdict ? exit_code(ErrorCode::target_missed) : 0;
}

}  // namespace

void add_solve(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(
      cli.app, "solve", "Run the whole loop on a task folder: table, recommendation, report, bundle", options->json);
  command->add_option("task", options->task, "Folder with hone.toml (default: here)");
  command->add_option("--budget", options->budget, "Time to spend: 90s, 13m, 2h");
  command->add_option("--require", options->require_verdict,
                      "Exit with 1 unless the verdict is this one (\"fine-tune\", ...)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
