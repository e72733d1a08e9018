// hone runs list | show: what was tried, and with what result.
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/records.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string run;
  bool json = false;
};

struct Opened {
  data::Task task;
  track::Store store;
};

Opened open_store(const std::string& folder) {
  data::Task task = value_or_throw(data::load_task(folder));
  track::Store store = open_records(task);
  return {std::move(task), std::move(store)};
}

// A metric of a side's scored rows, if the run has it.
const Json* figure_of(const track::RunRecord& record, const std::string& side, const std::string& metric) {
  if (!record.summary.is_object() || !record.summary.contains(side)) return nullptr;
  const Json& figures = record.summary.at(side);
  return figures.is_object() && figures.contains(metric) ? &figures.at(metric) : nullptr;
}

std::string figure_text(const Json* figure) {
  return figure == nullptr ? "-" : fmt::format("{:.3f}", figure->value("value", 0.0));
}

Json run_json(const track::RunRecord& record) {
  return {{"run", record.id},          {"kind", record.kind},
          {"name", record.name},       {"status", track::name_of(record.status)},
          {"started", record.started}, {"ended", record.ended},
          {"summary", record.summary}};
}

int list(const Options& options) {
  const Opened opened = open_store(options.task);
  if (options.json) {
    Json all = Json::array();
    for (const auto& record : opened.store.runs()) all.push_back(run_json(record));
    print_json(all);
    return 0;
  }
  const std::string& metric = opened.task.metric;
  print_line(fmt::format("{:<44} {:<12} {:>10} {:>8}", "run", "status", "validation", "test"));
  for (const auto& record : opened.store.runs()) {
    print_line(fmt::format("{} {:<12} {:>10} {:>8}", padded(record.id, 44), track::name_of(record.status),
                           figure_text(figure_of(record, "validation", metric)),
                           figure_text(figure_of(record, "test", metric))));
  }
  print_line(fmt::format("figures: {}, the task's metric", metric));
  return 0;
}

void print_fact(const std::string& name, const std::string& value) {
  constexpr std::size_t name_columns = 18;
  print_entry(padded(name, name_columns) + " ", printable(value));
}

std::string value_text(const Json& value) {
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

// Facts of a summary: single values as they are, a side's metrics with their intervals.
void print_summary(const Json& summary) {
  if (!summary.is_object()) return;
  for (const auto& [name, value] : summary.items()) {
    if (!value.is_structured()) print_fact(name, value_text(value));
  }
  for (const auto& [side, figures] : summary.items()) {
    if (!figures.is_object()) continue;
    for (const auto& [metric, figure] : figures.items()) {
      if (!figure.is_object() || !figure.contains("low")) continue;
      print_fact(side + " " + metric, fmt::format("{:.3f} (95 %: {:.3f} to {:.3f})", figure.value("value", 0.0),
                                                  figure.value("low", 0.0), figure.value("high", 0.0)));
    }
  }
}

// What it depended on, in short.
void print_manifest(const Json& manifest) {
  if (manifest.contains("base")) {
    print_fact("base model", fmt::format("{}, SHA-256 {}...", manifest.at("base").value("model", ""),
                                         manifest.at("base").value("sha256", "").substr(0, 12)));
  }
  for (const auto& file : manifest.value("files", Json::array())) {
    print_fact(file.value("side", "") + " rows",
               fmt::format("{} of {}, SHA-256 {}...", file.value("rows", 0), file.value("file", ""),
                           file.value("sha256", "").substr(0, 12)));
  }
  if (manifest.contains("eval") && !manifest.at("eval").empty()) {
    const Json& scored = manifest.at("eval");
    print_fact("scored with", value_text(scored.front()));
    print_fact("scored rows of", value_text(manifest.value("data", Json::object()).value("file", Json(""))));
  }
}

void print_run(const track::RunRecord& record, const std::string& folder) {
  print_fact("run", record.id);
  print_fact("what", record.kind == record.name ? record.kind : fmt::format("{} ({})", record.name, record.kind));
  print_fact("status", track::name_of(record.status));
  print_fact("started", record.started);
  if (!record.ended.empty()) print_fact("ended", record.ended);
  print_summary(record.summary);
  print_manifest(record.manifest);
  print_line(fmt::format("everything: hone runs show {} --task {} --json", record.id, shell_word(folder)));
}

int show(const Options& options) {
  const Opened opened = open_store(options.task);
  const track::RunRecord record = opened.store.get(options.run);
  if (!options.json) {
    print_run(record, options.task);
    return 0;
  }
  Json document = run_json(record);
  document["manifest"] = record.manifest;
  document["steps"] = opened.store.steps(record.id).size();
  print_json(document);
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
