// hone diagnose: what went wrong in a training run.
#include "diagnose/diagnose.h"

#include "cli/command.h"
#include "cli/findings.h"

namespace hone::cli {
namespace {

struct Options {
  std::string run;
  std::string task = ".";
  bool json = false;
};

int run(const Options& options) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  const track::Store store = track::Store::open(task.folder / ".hone" / "store.db");
  std::string id = options.run;
  if (id.empty()) {
    for (const auto& record : store.runs()) {
      if (record.kind == "train") id = record.id;
    }
    if (id.empty()) fail(ErrorCode::bad_input, "no training run yet; `hone train {}` makes one", options.task);
  }
  const auto findings = diagnose::diagnose_run(store, task, id);
  options.json ? print_json(findings_json(findings)) : print_findings(findings);
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
