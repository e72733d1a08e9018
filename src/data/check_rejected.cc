#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;

struct Wording {
  const char* what;
  const char* remedy;
};

Wording wording_of(const std::string& reason) {
  static const std::map<std::string, Wording> wording = {
      {"empty", {"an empty input or output", "Fill in the missing text, or delete the row."}},
      {"unknown-label", {"a label that the task does not name", "Correct the spelling, or add the label to labels."}},
      {"too-long", {"a text that is too long", "Shorten the text to the part that matters."}},
      {"malformed", {"a form that cannot be read", "Correct the line."}},
      {"not-utf8", {"bytes that are not UTF-8", "Save the file as UTF-8."}},
      {"nul", {"a NUL character", "Remove the character."}},
      {"duplicate-key", {"the same key twice", "Keep the one that holds."}},
      {"ragged", {"the wrong number of fields", "Quote fields that hold a delimiter."}},
      {"missing-column", {"a missing column", "Add the value, or delete the row."}},
      {"wrong-type", {"an output of the wrong type", "Write the output as text."}},
      {"not-json", {"an output that is not JSON", "Correct the JSON text."}},
      {"breaks-schema",
       {"an output that breaks the task's schema", "Correct the output, or allow what it holds in the schema."}},
  };
  const auto found = wording.find(reason);
  return found == wording.end() ? Wording{"unreadable", "Correct the rows."} : found->second;
}

Path file_named(const Task& task, const std::string& name) {
  for (const auto& file : {task.data.validation, task.data.test}) {
    if (file && file->filename() == name) return *file;
  }
  return task.data.train;
}

Finding rejected_finding(const CheckInput& input, const std::string& reason,
                         const std::vector<const Rejected*>& rejected) {
  const std::string train = input.task->data.train.filename().string();
  const Wording wording = wording_of(reason);
  Finding finding;
  const bool has_own_id = reason == "empty" || reason == "unknown-label" || reason == "breaks-schema";
  finding.id = has_own_id ? reason : "rejected-rows";
  const double part = share(rejected.size(), all_rows(input) + input.rejected.size());
  finding.severity = part > 0.5 ? Severity::error : Severity::warning;
  finding.title = fmt::format("{} {} left out: {}.", count_of(rejected.size(), "row", "rows"),
                              rejected.size() == 1 ? "was" : "were", wording.what);
  finding.evidence = Json{{"reason", reason}, {"rows", rejected.size()}, {"share", part}};
  finding.evidence["examples"] = Json::array();
  std::vector<std::size_t> lines;
  for (const Rejected* row : rejected) {
    if (finding.evidence["examples"].size() < most_examples) {
      Json example = {{"line", row->line}, {"why", row->why}};
      if (row->file != train) example["file"] = row->file;
      if (reason == "breaks-schema") {
        example["pointer"] = row->pointer;
        example["keyword"] = row->keyword;
      }
      finding.evidence["examples"].push_back(std::move(example));
    }
    if (row->file == rejected.front()->file) lines.push_back(row->line);
    finding.rows.push_back(fmt::format("{}:{}", row->file, row->line));
  }
  finding.suggestion = wording.remedy;
  finding.command = show_command(file_named(*input.task, rejected.front()->file), lines);
  return finding;
}

}  // namespace

void check_rejected(const CheckInput& input, Findings& findings) {
  std::map<std::string, std::vector<const Rejected*>> by_reason;
  for (const Rejected& rejected : input.rejected) by_reason[rejected.reason].push_back(&rejected);
  for (const auto& [reason, rows] : by_reason) findings.push_back(rejected_finding(input, reason, rows));
}

}  // namespace hone::data
