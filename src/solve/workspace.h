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
  std::string side;  // "train", "validation", "test", "generated", "patch": the file's role in hone.toml
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
  // SHA-256 of every row with its side, and of what else in the task an answer depends on: a contender answered under
  // the same key is not asked again. Metric, target, margin and circumstances weigh answers and are no part of it, nor
  // is the base model, which its contenders name by hash.
  std::string data_key;
  std::string today;  // the date of the first opening: what templates print, so that a later start gives the same text
  int threads = 0;    // what the local model runs on
  Json program, machine;  // program_facts(), machine_facts()
  track::Store store;
};

// Opens the task at `path` (a folder or its hone.toml), imports and splits its rows; the split is remembered in
// .hone/split.json. Throws Failure.
Workspace open_workspace(const Path& path);
Workspace open_workspace(data::Task task);
// The task as a run's manifest recorded it, its folder now being `folder`.
data::Task recorded_task(const Json& manifest, const Path& folder);

// The data check over the workspace's files. `tokens` as in data::CheckInput.
std::vector<data::Finding> check_workspace(const Workspace& workspace,
                                           const std::function<int(const data::Row&)>& tokens, int max_tokens);

// Marks the trainings and contenders as interrupted that a killed process left "running". For who holds solve.lock: no
// other process works on them then. Contenders behind an API have a lock of their own and are left as they are.
void mark_killed_runs(Workspace& workspace);

// {task, files, data_key, today, threads, hone, machine}: the part every run's manifest shares.
Json shared_manifest(const Workspace& workspace);

}  // namespace hone::solve
