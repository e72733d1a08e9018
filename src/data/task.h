// The task file, hone.toml: what good output looks like, and the circumstances a decision needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json.h"

namespace hone::data {

enum class Kind { classify, json, text };
const char* name_of(Kind kind);
Result<Kind> kind_named(const std::string& name);
// macro_f1 for classify, exact for json, chrf for text.
std::string default_metric(Kind kind);

struct DataFiles {
  Path train;  // resolved against the task's folder
  std::optional<Path> validation;
  std::optional<Path> test;     // a user's own test file is used whole
  std::string input = "input";  // column or key names
  std::string output = "output";
  std::string id;                   // empty: ids are made (see Row)
  std::string group;                // empty: groups are found (near-duplicates share one)
  std::string source = "source";    // optional in the data
  std::string date = "date";        // optional in the data; where rows have dates they are split by time. Empty: never
  std::optional<Path> patch{};      // decisions of `hone data review`; review.jsonl beside the task where it is there
  std::optional<Path> generated{};  // rows that a model wrote: they train and are never tested on
};

struct Circumstances {
  std::optional<double> requests_per_month;
  std::optional<double> latency_ms;          // the slowest p95 that will do
  bool is_private = false;                   // rows must not leave the machine
  std::string changes = "rarely";            // how often the task changes: never, rarely, monthly, weekly
  std::string compare_price = "gpt-6-luna";  // the priced model to weigh against
};

struct Task {
  Path file;  // hone.toml itself
  Path folder;
  std::string name;
  Kind kind = Kind::classify;
  std::string instruction;
  std::vector<std::string> labels;  // classify only, in the file's order
  std::string positive;             // the label that blocks or alerts, if any ("malicious")
  bool ordered = false;             // the labels are grades, from one end to the other
  bool abstain = false;
  // Whether the prompt lists the labels that the instruction does not name. Off: a model that was tuned knows them, and
  // a long list costs its tokens in every batch.
  bool list_labels = true;
  // json only: the JSON Schema, as JSON text, that outputs satisfy; empty: any JSON. hone.toml names its file or holds
  // it; it is kept here so that a record needs no file.
  std::string schema;
  bool constrain = true;         // whether answers are decoded under the schema
  std::string metric;            // see validate()
  std::optional<double> target;  // of the metric, 0..1
  double margin = 0.02;          // differences smaller than this count as equivalent
  DataFiles data;
  Circumstances circumstances;
  std::string model;  // base model; the catalogue's default when not given
  std::uint64_t seed = 1;
};

// Every figure and choice of a task checked against the others: labels for classify only, a metric that fits the kind,
// ... An error lists all that is wrong, a line each.
Result<void> validate(const Task& task);

// Reads hone.toml (or FOLDER/hone.toml). An error for every unknown key, wrong type or wrong value names file, line,
// key, what was expected and what came.
Result<Task> load_task(const Path& file_or_folder);
// The same from text; `file` names it in errors and its folder resolves paths.
Result<Task> parse_task(std::string_view toml, const Path& file);

// The task as hone.toml: parse_task(task_text(t), t.file) equals t. Data paths are written relative to the task's
// folder where they lie in it.
std::string task_text(const Task& task);

}  // namespace hone::data
