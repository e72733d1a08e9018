// What a task's store holds, for commands that only read it.
#pragma once

#include "data/task.h"
#include "track/store.h"

namespace hone::cli {

// The task's store. Failure (bad_input) where nothing is recorded yet; none is made then.
track::Store open_records(const data::Task& task);

}  // namespace hone::cli
