#include "data/task.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/terminal.h"
#include "data/column_template.h"
#include "data/label_list.h"
#include "data/normal_text.h"
#include "text/json_schema.h"

namespace hone::data {
namespace {

std::vector<std::string> metrics_of(const Task& task) {
  if (task.kind == Kind::text) return {"exact", "chrf"};
  if (task.kind == Kind::json)
    return listed_labels(task) ? std::vector<std::string>{"exact", "chrf", "label_f1", "label_macro_f1"}
                               : std::vector<std::string>{"exact", "chrf", "field_f1"};
  std::vector<std::string> metrics = {"macro_f1", "accuracy", "mcc"};
  if (task.ordered) metrics.insert(metrics.end(), {"qwk", "within_one"});
  return metrics;
}

class Problems {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (!text_.empty()) text_ += '\n';
    text_ += fmt::format(format, std::forward<Args>(args)...);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void check_labels(const Task& task, Problems& problems) {
  if (task.kind != Kind::classify) {
    if (!task.labels.empty()) problems.add("labels: only tasks of kind \"classify\" have labels; remove them");
    if (!task.positive.empty())
      problems.add("positive: only tasks of kind \"classify\" have a positive label; remove it");
    if (!task.list_labels) problems.add("list_labels: only tasks of kind \"classify\" have labels to list; remove it");
    if (task.abstain) problems.add("abstain: only tasks of kind \"classify\" can abstain; remove it");
    if (task.ordered) problems.add("ordered: only tasks of kind \"classify\" have grades; remove it");
    return;
  }
  if (task.labels.size() < 2) {
    problems.add("labels: expected at least two, for instance labels = [\"yes\", \"no\"]; found {}",
                 task.labels.size());
  }
  std::set<std::string> seen;
  for (const std::string& label : task.labels) {
    if (label.empty()) problems.add("labels: a label is empty");
    if (canonical_text(label) != label) {
      problems.add(
          "labels: \"{}\" has white space at an end, twice in a row, or is not in Unicode normal form C; write \"{}\"",
          printable(label), printable(canonical_text(label)));
    }
    if (!seen.insert(label).second) problems.add("labels: \"{}\" stands there twice", printable(label));
  }
  if (task.abstain && seen.contains("abstain")) {
    problems.add("abstain: with abstain = true the label \"abstain\" is added by itself; remove it from labels");
  }
  if (!task.positive.empty() && !seen.contains(task.positive)) {
    const std::string near = nearest_name(task.positive, task.labels);
    problems.add("positive: \"{}\" is none of the labels ({}){}", printable(task.positive), name_list(task.labels, 12),
                 near.empty() ? "" : fmt::format("; did you mean \"{}\"?", printable(near)));
  }
}

void check_schema(const Task& task, Problems& problems) {
  if (task.kind != Kind::json && !task.schema.empty()) {
    problems.add("schema: only tasks of kind \"json\" have a schema; remove it");
  } else if (!task.schema.empty()) {
    const Result<text::JsonSchema> compiled = text::JsonSchema::compile(task.schema);
    if (!compiled) problems.add("schema: {}", printable(compiled.error().message));
  }
  if (task.schema.empty() && !task.constrain) {
    problems.add("constrain: only tasks with a schema can be freed from it; remove it");
  }
}

void check_figures(const Task& task, Problems& problems) {
  if (task.target && !(*task.target > 0 && *task.target <= 1)) {
    problems.add("target: expected a share above 0 and at most 1 (0.9 for 90 %), found {}", *task.target);
  }
  if (!(task.margin >= 0 && task.margin < 0.5)) {
    problems.add("margin: expected a share from 0 to below 0.5 (0.02 for 2 points), found {}", task.margin);
  }
  const Circumstances& around = task.circumstances;
  if (around.requests_per_month && !(*around.requests_per_month >= 0 && std::isfinite(*around.requests_per_month))) {
    problems.add("requests_per_month: expected 0 or more, found {}", *around.requests_per_month);
  }
  if (around.latency_ms && !(*around.latency_ms > 0 && std::isfinite(*around.latency_ms))) {
    problems.add("latency_ms: expected milliseconds above 0, found {}", *around.latency_ms);
  }
  static const std::vector<std::string> rhythms = {"never", "rarely", "monthly", "weekly"};
  if (std::find(rhythms.begin(), rhythms.end(), around.changes) == rhythms.end()) {
    problems.add("changes: expected one of {}; found \"{}\"", name_list(rhythms, 4), printable(around.changes));
  }
  if (task.seed > static_cast<std::uint64_t>(INT64_MAX)) problems.add("seed: expected at most {}", INT64_MAX);
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::classify:
      return "classify";
    case Kind::json:
      return "json";
    case Kind::text:
      return "text";
  }
  HONE_CHECK(false);
}

std::string default_metric(Kind kind) {
  switch (kind) {
    case Kind::classify:
      return "macro_f1";
    case Kind::json:
      return "exact";
    case Kind::text:
      return "chrf";
  }
  HONE_CHECK(false);
}

Result<Kind> kind_named(const std::string& name) {
  for (const Kind kind : {Kind::classify, Kind::json, Kind::text}) {
    if (name == name_of(kind)) return kind;
  }
  return bad_input(
      "kind: expected \"classify\" (one of some labels), \"json\" (a JSON document) or \"text\"; found \"{}\"",
      printable(name));
}

Result<void> validate(const Task& task) {
  Problems problems;
  if (canonical_text(task.instruction).empty()) {
    problems.add("instruction: missing; say in a sentence what a good output is, as you would tell a colleague");
  }
  check_labels(task, problems);
  check_schema(task, problems);
  const std::vector<std::string> metrics = metrics_of(task);
  if (std::find(metrics.begin(), metrics.end(), task.metric) == metrics.end()) {
    problems.add("metric: expected one of {} for kind \"{}\"; found \"{}\"", name_list(metrics, 5), name_of(task.kind),
                 printable(task.metric));
  }
  check_figures(task, problems);
  if (task.data.train.empty()) problems.add("train: missing in [data]; name your JSONL or CSV file of examples");
  if (task.data.input.empty()) problems.add("input: the column name in [data] is empty");
  if (task.data.output.empty()) problems.add("output: the column name in [data] is empty");
  if (const auto columns = ColumnTemplate::parse(task.data.input); !columns) {
    problems.add("input: {}", columns.error().message);
  }
  if (!task.data.input.empty() && task.data.input == task.data.output) {
    problems.add("output: the same column as input (\"{}\")", printable(task.data.input));
  }
  if (!problems.text().empty()) return tl::unexpected<Error>(Error{ErrorCode::bad_input, problems.text()});
  return {};
}

}  // namespace hone::data
