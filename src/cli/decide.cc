// hone decide: the conclusion from what is recorded, without running anything.
#include "decide/decide.h"

#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "solve/conclude.h"
#include "solve/recorded.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string prices;
  bool json = false;
};

solve::Conclusion conclusion_of(const solve::Workspace& workspace, const decide::PriceList& prices) {
  solve::ConcludeInput input;
  input.contenders = solve::recorded_contenders(workspace);
  input.prices = prices;
  if (input.contenders.empty()) {
    const std::string folder = workspace.task.folder.string();
    fail(ErrorCode::bad_input,
         "no finished contender of these rows is recorded in {}; `hone solve {}` makes and scores them",
         (workspace.folder / "store.db").string(), shell_word(folder.empty() ? "." : folder));
  }
  return solve::conclude(workspace, std::move(input));
}

void print_conclusion(const solve::Conclusion& conclusion) {
  const auto& report = conclusion.report;
  print_line(report::terminal_table(report));
  print_line(report::terminal_recommendation(report));
}

int run(const Options& options) {
  const decide::PriceList prices =
      options.prices.empty() ? decide::built_in_prices() : value_or_throw(decide::load_prices(options.prices));
  const data::Task task = value_or_throw(data::load_task(options.task));
  if (!std::filesystem::exists(task.folder / ".hone" / "store.db")) {
    fail(ErrorCode::bad_input, "{} holds no runs yet; `hone solve {}` makes some", printable(task.folder.string()),
         shell_word(options.task));
  }
  value_or_throw(decide::check_compare_price(task, prices));
  const solve::Workspace workspace = solve::open_workspace(options.task);
  const solve::Conclusion conclusion = conclusion_of(workspace, prices);
  if (options.json) {
    Json document = solve::to_json(conclusion);
    document["prices"] = {{"file", options.prices}, {"checked", prices.checked}};
    print_json(document);
  } else {
    print_conclusion(conclusion);
  }
  return solve::misses_target(conclusion) ? exit_code(ErrorCode::target_missed) : 0;
}

}  // namespace

void add_decide(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "decide", "Table, recommendation and break-even from the recorded contenders; runs nothing",
                  options->json);
  command->add_option("task", options->task, "Folder with hone.toml (default: here)");
  command->add_option("--prices", options->prices, "A price list of your own (JSON, as src/decide/prices.json)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
