// Anything that answers bare inputs: a bundle, a recorded run, or a bare model prompted with a task.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "solve/model_reference.h"
#include "text/message.h"

namespace hone::solve {

class Answerer {
 public:
  // A bare model is prompted zero-shot with `task`, and without one is a Failure (usage); a bundle and a run answer as
  // recorded, whatever `task` is, held to the schema of reference.task unless that says not to. `task` also says how
  // answers are scored; null: as recorded.
  static std::unique_ptr<Answerer> open(const ModelReference& reference, const data::Task* task);
  virtual ~Answerer() = default;

  // inputs[i] -> on_reply(i, ...), each once, unless stopped; one that fails never ends the others. Labels come from
  // the task; `base_answer` carries max_tokens, log-probabilities, sampling.
  virtual void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer,
                      const text::OnReply& on_reply, std::stop_token stop) = 0;

  const data::Task& task() const { return task_; }
  // What a manifest says of it: {bundle: folder, contender, sha256} or {run, contender} or {model, sha256} or
  // {adapter: folder, sha256, base, base_sha256}.
  const Json& identity() const { return identity_; }
  // What its user should know before reading its answers.
  const std::vector<std::string>& notices() const { return notices_; }

 protected:
  data::Task task_;
  Json identity_;
  std::vector<std::string> notices_;
};

}  // namespace hone::solve
