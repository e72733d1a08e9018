// Tasks whose answers are several labels of a closed list: json tasks with a schema that says so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/task.h"

namespace hone::data {

// The labels of a json task whose schema is {"type": "array", "items": {"enum": [texts]}} with no other keywords than
// bounds on the number of items, uniqueItems and what only describes. Nothing for any other task.
std::optional<std::vector<std::string>> listed_labels(const Task& task);

}  // namespace hone::data
