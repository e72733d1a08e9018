// The contenders that use the frozen base model: prompted in three ways, and a linear probe on its hidden states.
#pragma once

#include "solve/contenders.h"
#include "solve/local_model.h"
#include "solve/plan.h"

namespace hone::solve {

// The base model asked as `version` says. `index` is over the training rows, needed for kNN few-shot, and outlives the
// job.
ContenderJob prompted_job(const Workspace& workspace, LocalModel& local, const data::PromptVersion& version,
                          const classic::Bm25Index* index);

// Logistic regression on the hidden state at the last prompt token. The head is trained when the job first runs.
ContenderJob probe_job(const Workspace& workspace, LocalModel& local, std::stop_token stop);
// The same with another head; nothing made is a stop.
using MakeHead = std::function<std::optional<classic::LinearHead>()>;
ContenderJob probe_job_with(const Workspace& workspace, LocalModel& local, const MakeHead& make_head);

// Trains the head on the training rows. Nothing when stopped.
std::optional<classic::LinearHead> train_probe(const Workspace& workspace, LocalModel& local, std::stop_token stop);
// The head of probe_job: trained, and kept in .hone/probes for the next who asks (a resumed start, the bundle). Nothing
// when stopped.
std::optional<classic::LinearHead> probe_head(const Workspace& workspace, LocalModel& local, std::stop_token stop);

}  // namespace hone::solve
