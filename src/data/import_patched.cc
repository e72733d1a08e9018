#include "data/import_patched.h"

#include "data/review.h"

namespace hone::data {

Result<Imported> import_patched(const Path& file, const Task& task) {
  Result<Imported> imported = import_rows(file, task);
  if (!imported || !task.data.patch) return imported;
  SplitInput sides;
  std::vector<Row>* side = nullptr;
  const std::pair<std::optional<Path>, std::vector<Row>*> files[] = {{task.data.train, &sides.rows},
                                                                     {task.data.validation, &sides.validation_rows},
                                                                     {task.data.test, &sides.test_rows}};
  std::error_code missing;
  for (const auto& [own, rows] : files) {
    if (side == nullptr && own && std::filesystem::equivalent(file, *own, missing)) side = rows;
  }
  if (side == nullptr) return imported;
  *side = std::move(imported->rows);
  const Result<PatchReport> patch = patch_rows(task, sides);
  if (!patch) return tl::unexpected<Error>(patch.error());
  imported->rows = std::move(*side);
  return imported;
}

}  // namespace hone::data
