// A task as JSON, for bundles and manifests.
#pragma once

#include <string>

#include "base/json.h"
#include "data/task.h"

namespace hone::data {

// {file, name, kind, instruction, labels, positive, abstain, list_labels, schema (where there is one), metric, target,
// margin, data: {...}, circumstances: {...}, model, seed}. `file` is the bare name and data paths are relative to the
// task's folder where they lie in it, so that a record says the same wherever the folder stands.
Json to_json(const Task& task);

// The task recorded by to_json(); its folder is empty. Errors name what is missing or wrong.
Result<Task> task_from_json(const Json& json);

// `path` relative to `folder` where it lies in it, else as it is; with '/' between names.
std::string path_in_folder(const Path& path, const Path& folder);

}  // namespace hone::data
