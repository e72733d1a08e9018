// hone solve: the whole loop on a task folder.
#include "solve/solve.h"

#include "base/files.h"
#include "base/progress.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/precision.h"
#include "data/check.h"
#include "decide/wording.h"
#include "solve/plan_json.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::optional<std::string> budget;
  std::string require_verdict;
  std::string prices;
  std::optional<model::Precision> precision;
  bool json = false;
};

void print_opening(const solve::Workspace& workspace) {
  const auto& split = workspace.split;
  print_wrapped(fmt::format("{}: {} rows to learn from, {} to choose by, {} to judge by{}",
                            printable(workspace.task.name), split.train.size(), split.validation.size(),
                            split.test.size(),
                            split.set_aside.empty() ? "" : fmt::format(", {} set aside", split.set_aside.size())));
  if (const std::size_t unusable = workspace.rejected.size(); unusable > 0) {
    print_wrapped(fmt::format("{} of the files could not be used: `hone data check {}` says why.",
                              unusable == 1 ? "1 line" : fmt::format("{} lines", unusable),
                              shell_word(workspace.task.folder.string())));
  }
  print_wrapped(data::smallest_difference_text(split.test.size()));
}

void print_plan(const solve::Plan& plan, const Path& folder) {
  print_line(plan.rates.is_measured ? fmt::format("\nPlan (this machine reads about {} and trains {} tokens a second)",
                                                  decide::about(plan.rates.prefill), decide::about(plan.rates.train))
                                    : "\nPlan (times are guesses until the base model is here and measured)");
  for (const auto& stage : plan.stages) {
    const std::string time = stage.skipped ? "skipped" : duration_text(stage.seconds);
    print_line(fmt::format("  {:<52} {:>9}", stage.name, time));
    if (!stage.why.empty()) print_line(fmt::format("    ({})", stage.why));
  }
  print_line(fmt::format("  {:<52} {:>9}", "in all, about", duration_text(plan.total_seconds())));
  print_line(fmt::format("  disk: about {} while it works, {} in the end; {} are free", bytes_text(plan.disk_bytes),
                         bytes_text(plan.kept_bytes), bytes_text(free_disk_bytes(folder))));
  if (plan.download_bytes > 0) {
    print_line(fmt::format("  and {} for the model in {}", bytes_text(plan.download_bytes), cache_folder().string()));
  }
  print_line(plan.usd > 0 ? fmt::format("  money: about ${:.2f}", plan.usd) : "  money: none");
  std::string leaves;
  for (const auto& what : plan.leaves_machine) leaves += (leaves.empty() ? "" : ", ") + what;
  print_line(fmt::format("  leaves this machine: {}\n", leaves.empty() ? "nothing" : leaves));
}

Json plan_document(const solve::SolveOutcome& outcome) {
  if (!outcome.plan) return nullptr;
  Json plan = solve::to_json(*outcome.plan);
  for (auto& stage : plan.at("stages")) {
    Json took = nullptr;
    for (const auto& [kind, seconds] : outcome.took) {
      if (stage.at("stage") == solve::name_of(kind)) took = seconds;
    }
    stage["took"] = took;
  }
  return plan;
}

Json solve_document(const solve::SolveOutcome& outcome) {
  Json document = solve::to_json(outcome.conclusion);
  document["plan"] = plan_document(outcome);
  document["findings"] = Json::array();
  for (const auto& finding : outcome.conclusion.report.findings) {
    document["findings"].push_back(data::to_json(finding));
  }
  document["bundle"] = outcome.bundle.string();
  document["report"] = outcome.report.string();
  document["interrupted"] = outcome.interrupted;
  document["problem"] = nullptr;
  if (outcome.problem) {
    document["problem"] = {{"exit_code", exit_code(outcome.problem->code)}, {"message", outcome.problem->message}};
  }
  return document;
}

// Before bundle and report are written, so that it stands on the screen whatever becomes of them.
void print_conclusion(const solve::SolveOutcome& outcome) {
  const auto& report = outcome.conclusion.report;
  print_line("");
  print_line(report::terminal_table(report));
  for (const auto& contender : report.contenders) {
    print_wrapped(fmt::format("{}: {}", contender.name, report::plain_line(contender, *report.task)));
  }
  print_line("");
  print_line(report::terminal_recommendation(report));
  if (outcome.interrupted) print_line("Stopped before the end: this is the conclusion so far.");
  if (outcome.problem) {
    print_wrapped(fmt::format("Not all could be done, so this is the conclusion so far: {}",
                              printable(outcome.problem->message)));
  }
}

void print_results(const solve::SolveOutcome& outcome) {
  print_line("Next");
  for (const auto& [purpose, command] : outcome.conclusion.report.next_commands) {
    print_line(fmt::format("  {}:\n    {}", purpose, printable(command)));
  }
  if (!outcome.report.empty()) print_line(fmt::format("\nReport: {}", printable(outcome.report.string())));
}

void check_verdict(const std::string& name) {
  std::string known;
  for (int kind = 0; kind <= static_cast<int>(decide::VerdictKind::not_decidable); ++kind) {
    const std::string verdict = decide::name_of(static_cast<decide::VerdictKind>(kind));
    if (verdict == name) return;
    known += fmt::format("\n  {}", verdict);
  }
  fail(ErrorCode::usage, "--require \"{}\" is no verdict; the verdicts are:{}", printable(name), known);
}

solve::SolveHooks hooks_for(const Options& options, const solve::Workspace& workspace, std::stop_token stop) {
  solve::SolveHooks hooks;
  hooks.stop = std::move(stop);
  hooks.on_notice = [](const std::string& notice) { warn(printable(notice)); };
  if (options.json) return hooks;
  hooks.on_open = print_opening;
  hooks.on_plan = [&workspace](const solve::Plan& plan) { print_plan(plan, workspace.task.folder); };
  hooks.on_table = [](const solve::Conclusion& conclusion, const std::string& stage) {
    print_line(fmt::format("So far ({}):\n{}", stage, report::terminal_table(conclusion.report)));
  };
  hooks.on_conclusion = print_conclusion;
  return hooks;
}

int run(const Options& options, std::stop_token stop) {
  solve::SolveSpec spec;
  if (options.budget) spec.budget_seconds = value_or_throw(solve::parse_duration(*options.budget));
  spec.precision = options.precision;
  if (!options.require_verdict.empty()) check_verdict(options.require_verdict);
  if (!options.prices.empty()) spec.prices = value_or_throw(decide::load_prices(options.prices));
  const data::Task task = value_or_throw(data::load_task(options.task));
  value_or_throw(decide::check_compare_price(task, spec.prices ? *spec.prices : decide::built_in_prices()));
  solve::Workspace workspace = solve::open_workspace(task);
  const solve::SolveOutcome outcome = solve::solve(workspace, spec, hooks_for(options, workspace, std::move(stop)));
  options.json ? print_json(solve_document(outcome)) : print_results(outcome);
  if (outcome.problem) return exit_code(outcome.problem->code);
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
  command->add_option("--prices", options->prices, "Price list to use instead of the built-in one (JSON)");
  add_precision(*command, options->precision, "How the base's weights are kept, from this start on");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
