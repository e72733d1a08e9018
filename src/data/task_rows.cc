#include "data/task_rows.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/terminal.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

struct Place {
  const Path* file;
  const Row* row;
};

}  // namespace

Task task_of_generated_rows(const Task& task) {
  Task reading = task;
  reading.data.input = "input";
  reading.data.output = "output";
  reading.data.id = "id";
  reading.data.group = "group";
  reading.data.source = "source";
  reading.data.date.clear();
  return reading;
}

Result<TaskRows> read_task_rows(const Task& task) {
  TaskRows all;
  const std::pair<std::optional<Path>, std::vector<Row>*> files[] = {{task.data.train, &all.sides.rows},
                                                                     {task.data.validation, &all.sides.validation_rows},
                                                                     {task.data.test, &all.sides.test_rows},
                                                                     {task.data.generated, &all.sides.generated_rows}};
  for (const auto& [file, rows] : files) {
    if (!file) continue;
    Result<Imported> imported =
        import_rows(*file, rows == &all.sides.generated_rows ? task_of_generated_rows(task) : task);
    if (!imported) return tl::unexpected<Error>(imported.error());
    *rows = std::move(imported->rows);
    std::move(imported->rejected.begin(), imported->rejected.end(), std::back_inserter(all.rejected));
    for (const std::string& column : imported->columns) {
      if (std::find(all.columns.begin(), all.columns.end(), column) == all.columns.end()) all.columns.push_back(column);
    }
  }
  if (const Result<void> unique = check_ids(task, all.sides); !unique) return tl::unexpected<Error>(unique.error());
  Result<PatchReport> patch = patch_rows(task, all.sides);
  if (!patch) return tl::unexpected<Error>(patch.error());
  all.patch = std::move(*patch);
  return all;
}

Result<void> check_ids(const Task& task, const SplitInput& sides) {
  if (task.data.id.empty()) return {};
  const Path none;
  const std::pair<const Path*, const std::vector<Row>*> files[] = {
      {&task.data.train, &sides.rows},
      {task.data.validation ? &*task.data.validation : &none, &sides.validation_rows},
      {task.data.test ? &*task.data.test : &none, &sides.test_rows}};
  std::unordered_map<std::string, Place> places;
  for (const auto& [file, rows] : files) {
    for (const Row& row : *rows) {
      const auto [found, is_new] = places.emplace(row.id, Place{file, &row});
      if (is_new || canonical_text(found->second.row->input) == canonical_text(row.input)) continue;
      return bad_input(
          "the id \"{}\" stands in {} line {} and, with another input, in {} line {}; make ids unique, or remove "
          "data.id from the task and Hone makes its own",
          clipped(row.id, 60), printable(found->second.file->filename().string()), found->second.row->line,
          printable(file->filename().string()), row.line);
    }
  }
  return {};
}

}  // namespace hone::data
