// A task folder opened for work: the task, its rows on their sides, what the data check found, and the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/check.h"
#include "data/split.h"
#include "data/task.h"
#include "track/store.h"

namespace hone::solve {

// One file of rows as the manifest names it.
struct DataFact {
  std::string side;  // "train", "validation", "test": the file's role in hone.toml
  std::string file;
  std::string sha256;
  std::size_t rows = 0;
};

struct Workspace {
  data::Task task;
  Path folder;  // <task folder>/.hone
  std::vector<data::Rejected> rejected;
  data::Split split;
  std::vector<DataFact> files;
  std::string data_key;  // SHA-256 of the task and every row with its side: what results depend on
  std::string today;  // the date of the first opening: what templates print, so that a later start gives the same text
  track::Store store;
};

// Opens the task at `path` (a folder or its hone.toml), imports and splits its rows; the split is remembered in
// .hone/split.json. Throws Failure.
Workspace open_workspace(const Path& path);

// The data check over the workspace's files. `tokens` as in data::CheckInput.
std::vector<data::Finding> check_workspace(const Workspace& workspace,
                                           const std::function<int(const data::Row&)>& tokens, int max_tokens);

// {task, files, data_key, today, hone, machine}: the part every run's manifest shares.
Json shared_manifest(const Workspace& workspace);

// The newest run whose manifest holds this reuse key, whatever became of it: a killed start leaves one still "running".
std::optional<track::RunRecord> newest_with_key(const track::Store& store, const std::string& key);

}  // namespace hone::solve
