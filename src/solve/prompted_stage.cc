#include "solve/prompted_stage.h"

#include "base/clock.h"
#include "base/hash.h"
#include "generate/prompt_size.h"
#include "generate/task_responder.h"

namespace hone::solve {
namespace {

text::Request zero_shot_request(const data::Task& task, const data::Row& row) {
  return prompt::RequestMaker(task, prompt::zero_shot(), {}, nullptr)(row);
}

// Hidden state, then the head.
class ProbeResponder : public text::Responder {
 public:
  ProbeResponder(LocalModel& local, classic::LinearHead head) : local_(local), head_(std::move(head)) {}

  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override {
    Stopwatch watch;
    const auto states = generate::hidden_states(*local_.exec, local_.model, requests, local_.options, stop);
    const double each = watch.seconds() * 1000 / static_cast<double>(std::max<std::size_t>(1, requests.size()));
    for (std::size_t i = 0; i < states.size(); ++i) {
      const std::vector<double> probabilities = head_.probabilities(states[i]);
      text::Reply reply{
          .id = requests[i].id,
          .answer = {},
          .label_probabilities = {},
          .finish = "label",
          .usage = {.prompt_tokens = generate::prompt_tokens(local_.model, requests[i].messages, local_.options),
                    .completion_tokens = 0},
          .latency_ms = each,
          .logprobs = {}};
      for (std::size_t label = 0; label < probabilities.size(); ++label) {
        reply.label_probabilities.emplace_back(head_.labels()[label], probabilities[label]);
      }
      const auto best = std::max_element(probabilities.begin(), probabilities.end());
      reply.answer = head_.labels()[static_cast<std::size_t>(best - probabilities.begin())];
      on_reply(i, std::move(reply));
    }
  }

 private:
  LocalModel& local_;
  classic::LinearHead head_;
};

}  // namespace

ContenderJob prompted_job(const Workspace& workspace, LocalModel& local, const data::PromptVersion& version,
                          const classic::Bm25Index* index) {
  ContenderJob job;
  job.name = version.name;
  job.kind = eval::ContenderKind::prompted;
  job.spec = {{"prompt", data::to_json(version)}, {"base_sha256", local.model.sha256}};
  model::record_precision(job.spec, local.model.precision);
  if (local.most_answer_tokens > 0) job.spec["max_tokens"] = local.most_answer_tokens;
  job.make = [&local, task = workspace.task] {
    return std::shared_ptr<text::Responder>(
        generate::task_responder(*local.exec, local.model, nullptr, local.options, task));
  };
  job.request = prompt::RequestMaker(workspace.task, version, workspace.split.train, index, local.most_answer_tokens);
  return job;
}

std::optional<classic::LinearHead> train_probe(const Workspace& workspace, LocalModel& local, std::stop_token stop) {
  std::vector<text::Request> requests;
  std::vector<std::string> outputs;
  for (const auto& row : workspace.split.train) {
    requests.push_back(zero_shot_request(workspace.task, row));
    outputs.push_back(row.output);
  }
  const auto states = generate::hidden_states(*local.exec, local.model, requests, local.options, stop);
  if (states.size() < requests.size()) return std::nullopt;
  return classic::LinearHead::train(states, outputs, workspace.task.labels, workspace.task.seed);
}

std::optional<classic::LinearHead> probe_head(const Workspace& workspace, LocalModel& local, std::stop_token stop) {
  const std::string key = sha256_hex(workspace.data_key + base_identity(local.model));
  const Path file = workspace.folder / "probes" / (key.substr(0, 16) + ".json");
  if (std::filesystem::exists(file)) {
    const auto text = read_file(file);
    const auto json = text ? parse_json(*text, file.string()) : bad_input("{}", text.error().message);
    if (json) {
      if (auto kept = classic::LinearHead::from_json(*json)) return std::move(*kept);
    }
  }
  auto head = train_probe(workspace, local, std::move(stop));
  if (head) write_file(file, to_text(head->to_json()));
  return head;
}

ContenderJob probe_job_with(const Workspace& workspace, LocalModel& local, const MakeHead& make_head) {
  ContenderJob job;
  job.name = "linear probe";
  job.kind = eval::ContenderKind::probe;
  job.spec = {{"kind", "probe"}, {"base_sha256", local.model.sha256}};
  model::record_precision(job.spec, local.model.precision);
  job.make = [&local, make_head]() -> std::shared_ptr<text::Responder> {
    auto head = make_head();
    if (!head) fail(ErrorCode::interrupted, "stopped while the linear probe was trained");
    return std::make_shared<ProbeResponder>(local, std::move(*head));
  };
  job.request = [&workspace](const data::Row& row) { return zero_shot_request(workspace.task, row); };
  return job;
}

ContenderJob probe_job(const Workspace& workspace, LocalModel& local, std::stop_token stop) {
  return probe_job_with(workspace, local,
                        [&workspace, &local, stop = std::move(stop)] { return probe_head(workspace, local, stop); });
}

}  // namespace hone::solve
