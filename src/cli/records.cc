#include "cli/records.h"

#include "base/shell.h"
#include "base/terminal.h"

namespace hone::cli {

track::Store open_records(const data::Task& task) {
  const Path file = task.folder / ".hone" / "store.db";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    fail(ErrorCode::bad_input, "{} holds no runs yet; `hone solve {}` makes some", printable(task.folder.string()),
         shell_word(task.folder.string()));
  }
  return track::Store::open(file);
}

}  // namespace hone::cli
