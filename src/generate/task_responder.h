// A local model answering for a task.
#pragma once

#include "data/task.h"
#include "generate/generate.h"

namespace hone::generate {

// As local_responder(), and where the task has a schema, every answer is JSON of it: one that reaches its limit is
// completed the short way, and a request with too little room for any whole answer gets an error.
std::unique_ptr<text::Responder> task_responder(tensor::Exec& exec, const model::Model& model,
                                                const model::Adapter* adapter, const LocalOptions& options,
                                                const data::Task& task);

}  // namespace hone::generate
