// hone data check: what is wrong with the rows, before an hour of training.
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "data/encode.h"
#include "model/catalogue.h"
#include "model/model.h"
#include "solve/workspace.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  bool json = false;
};

constexpr int max_row_tokens = 1024;

int run(const Options& options) {
  const solve::Workspace workspace = solve::open_workspace(options.task);
  std::optional<model::Model> opened;
  tensor::Exec exec(1);
  try {
    opened = model::open_model(exec, workspace.task.model, model::Parts::tokenizer_only);
  } catch (const Failure& failure) {
    warn(fmt::format("rows are not checked for length in tokens: {}", failure.what()));
  }
  std::function<int(const data::Row&)> tokens;
  if (opened) {
    tokens = [&](const data::Row& row) {
      const data::EncodeSpec spec{.max_tokens = 1 << 20, .today = workspace.today};
      const auto example = data::encode_row(row, workspace.task, opened->tokenizer, opened->chat_template, spec);
      return example ? static_cast<int>(example->prompt.size() + example->answer.size()) : 0;
    };
  }
  const auto findings = solve::check_workspace(workspace, tokens, max_row_tokens);
  print_findings(findings, options.json);
  if (!options.json) {
    for (const auto& notice : workspace.split.notices) print_line(fmt::format("note: {}", printable(notice)));
    print_line(fmt::format("{} train, {} validation, {} test, {} set aside, {} lines not usable",
                           workspace.split.train.size(), workspace.split.validation.size(), workspace.split.test.size(),
                           workspace.split.set_aside.size(), workspace.rejected.size()));
  }
  return 0;
}

}  // namespace

void add_data(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* data = cli.app.add_subcommand("data", "The rows: check");
  data->require_subcommand(1);
  auto* check =
      add_command(*data, "check", "Empty, duplicate, conflicting, leaking, truncated, unbalanced rows", options->json);
  check->add_option("task", options->task, "Task folder (default: here)");
  check->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
