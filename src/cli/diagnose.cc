// hone diagnose: what went wrong in a training run.
#include "diagnose/diagnose.h"

#include "base/shell.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/records.h"

namespace hone::cli {
namespace {

struct Options {
  std::string run;
  std::string task = ".";
  bool json = false;
};

int run(const Options& options) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  const track::Store store = open_records(task);
  std::string id = options.run.empty() ? std::string() : store.get(options.run).id;
  if (id.empty()) {
    for (const auto& record : store.runs()) {
      if (record.kind == "train") id = record.id;
    }
    if (id.empty()) {
      fail(ErrorCode::bad_input, "no training run yet; `hone train {}` makes one", shell_word(options.task));
    }
  }
  const auto findings = diagnose::diagnose_run(store, task, id);
  if (options.json) {
    print_json(findings_json(findings));
    return 0;
  }
  print_findings(findings, fmt::format("nothing found in run {}", id));
  return 0;
}

}  // namespace

void add_diagnose(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "diagnose", "What went wrong in a run, and what to change", options->json);
  command->add_option("run", options->run, "Run id (default: the newest training run)");
  command->add_option("--task", options->task, "Task folder (default: here)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
