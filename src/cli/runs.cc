// hone runs list | show: what was tried, and with what result.
#include "base/terminal.h"
#include "cli/command.h"
#include "data/task.h"
#include "track/store.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string run;
  bool json = false;
};

track::Store open_store(const std::string& task) {
  const data::Task loaded = value_or_throw(data::load_task(task));
  const Path file = loaded.folder / ".hone" / "store.db";
  if (!std::filesystem::exists(file)) {
    fail(ErrorCode::bad_input, "{} holds no runs yet; `hone solve {}` makes some", loaded.folder.string(), task);
  }
  return track::Store::open(file);
}

std::string figure(const track::RunRecord& record, const std::string& side) {
  if (!record.summary.is_object() || !record.summary.contains(side)) return "";
  const Json& metrics = record.summary.at(side);
  for (const char* name : {"macro_f1", "chrf", "exact", "accuracy"}) {
    if (metrics.contains(name)) return fmt::format("{} {:.3f}", name, metrics.at(name).value("value", 0.0));
  }
  return "";
}

Json run_json(const track::RunRecord& record) {
  return {{"run", record.id},          {"kind", record.kind},
          {"name", record.name},       {"status", track::name_of(record.status)},
          {"started", record.started}, {"ended", record.ended},
          {"summary", record.summary}};
}

int list(const Options& options) {
  const track::Store store = open_store(options.task);
  if (options.json) {
    Json all = Json::array();
    for (const auto& record : store.runs()) all.push_back(run_json(record));
    print_json(all);
    return 0;
  }
  print_line(fmt::format("{:<34} {:<12} {:<17} {}", "run", "status", "validation", "test"));
  for (const auto& record : store.runs()) {
    print_line(fmt::format("{:<34} {:<12} {:<17} {}", clipped(record.id, 34), track::name_of(record.status),
                           figure(record, "validation"), figure(record, "test")));
  }
  return 0;
}

int show(const Options& options) {
  const track::Store store = open_store(options.task);
  const auto record = store.find(options.run);
  if (!record)
    fail(ErrorCode::usage, "there is no run \"{}\"; `hone runs list {}` names them", options.run, options.task);
  Json document = run_json(*record);
  document["manifest"] = record->manifest;
  document["steps"] = store.steps(record->id).size();
  if (options.json) {
    print_json(document);
  } else {
    print_line(to_pretty_text(document));
  }
  return 0;
}

}  // namespace

void add_runs(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* runs = cli.app.add_subcommand("runs", "Every recorded run: list, show");
  runs->require_subcommand(1);
  auto* list_command = add_command(*runs, "list", "All runs of a task, oldest first", options->json);
  list_command->add_option("task", options->task, "Task folder (default: here)");
  list_command->callback([&cli, options] { cli.action = [options] { return list(*options); }; });
  auto* show_command = add_command(*runs, "show", "One run with its manifest", options->json);
  show_command->add_option("run", options->run, "Run id, or the beginning of one")->required();
  show_command->add_option("--task", options->task, "Task folder (default: here)");
  show_command->callback([&cli, options] { cli.action = [options] { return show(*options); }; });
}

}  // namespace hone::cli
