#include "solve/train_stage.h"

#include <cmath>
#include <map>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "generate/task_responder.h"
#include "solve/plan.h"
#include "solve/validation_sample.h"

namespace hone::solve {
namespace {

// Scores an adapter on the validation rows as they will be served: the task's metric, and the mean loss of the gold
// answer (of the gold label's probability where there are labels).
class Validator {
 public:
  Validator(Workspace& workspace, LocalModel& local, const EncodedRows& encoded, std::stop_token stop)
      : workspace_(workspace), local_(local), stop_(std::move(stop)) {
    const auto& rows = workspace.split.validation;
    const bool labels = workspace.task.kind == data::Kind::classify;
    asked_ = validation_sample(rows, labels ? most_validated_rows : most_generated_rows, workspace.task);
    const prompt::RequestMaker make(workspace.task, prompt::zero_shot(), {}, nullptr, local.most_answer_tokens);
    std::map<std::string_view, const data::Example*> example_of;
    for (const data::Example& example : encoded.examples) example_of[example.row_id] = &example;
    for (const std::size_t i : asked_) {
      requests_.push_back(make(rows[i]));
      if (const auto found = example_of.find(rows[i].id); found != example_of.end()) gold_.push_back(found->second);
    }
  }

  train::Validation operator()(const model::Adapter& adapter, int step) {
    const auto responder =
        generate::task_responder(*local_.exec, local_.model, &adapter, local_.options, workspace_.task);
    std::vector<eval::ScoredRow> scored;
    responder->respond(
        requests_,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          scored.push_back(eval::score_row(workspace_.split.validation[asked_[i]], reply, workspace_.task));
        },
        stop_);
    std::vector<const eval::ScoredRow*> rows;
    for (const auto& row : scored) rows.push_back(&row);
    return {.step = step,
            .metric = rows.empty() ? 0 : eval::metric_value(workspace_.task.metric, rows, workspace_.task),
            .loss = workspace_.task.kind == data::Kind::classify ? label_loss(scored) : answer_loss(adapter)};
  }

 private:
  static double label_loss(const std::vector<eval::ScoredRow>& scored) {
    double sum = 0;
    for (const auto& row : scored) {
      double p = 0;
      for (const auto& [label, probability] : row.label_probabilities) p = label == row.gold ? probability : p;
      sum -= std::log(std::max(p, 1e-12));
    }
    return scored.empty() ? 0 : sum / static_cast<double>(scored.size());
  }

  double answer_loss(const model::Adapter& adapter) const {
    double loss = 0;
    double weight = 0;
    for (std::size_t i = 0; i < gold_.size(); i += 8) {
      const auto part = std::span(gold_).subspan(i, std::min<std::size_t>(8, gold_.size() - i));
      const model::LossSum sum = local_.model.decoder->loss(*local_.exec, train::pack(part), &adapter);
      loss += sum.loss;
      weight += sum.weight;
    }
    return loss / std::max(weight, 1.0);
  }

  Workspace& workspace_;
  LocalModel& local_;
  std::stop_token stop_;
  std::vector<std::size_t> asked_;  // of the validation rows
  std::vector<text::Request> requests_;
  std::vector<const data::Example*> gold_;  // of those that could be encoded
};

Json train_manifest(const Workspace& workspace, const LocalModel& local, const train::TrainSpec& spec,
                    const std::string& key) {
  Json manifest = shared_manifest(workspace);
  manifest["key"] = key;
  manifest["base"] = {{"model", workspace.task.model}, {"sha256", local.model.sha256}};
  model::record_precision(manifest["base"], local.model.precision);
  manifest["train"] = train::to_json(spec);
  return manifest;
}

std::string key_of(const Workspace& workspace, const LocalModel& local, const train::TrainSpec& spec) {
  return sha256_hex(to_text(
      Json::array({workspace.data_key, workspace.task.metric, base_identity(local.model), train::to_json(spec)})));
}

// Nothing where the adapter is gone, damaged or another one.
std::optional<TrainedRun> load_trained(const Workspace& workspace, const LocalModel& local,
                                       const track::RunRecord& record) {
  const Path folder = workspace.folder / "adapters" / record.id;
  const Result<std::string> hash = sha256_file(folder / "adapter_model.safetensors");
  if (!hash || *hash != record.summary.value("adapter_sha256", *hash)) return std::nullopt;
  auto adapter = model::Adapter::load(folder, local.model.decoder->config());
  if (!adapter) return std::nullopt;
  return TrainedRun{.run = record.id,
                    .adapter_folder = folder,
                    .adapter = std::move(*adapter),
                    .steps = workspace.store.steps(record.id),
                    .validations = workspace.store.validations(record.id),
                    .ended = record.summary.value("ended", std::string()),
                    .seconds = record.summary.value("seconds", 0.0),
                    .tokens = record.summary.value("tokens", std::int64_t{0})};
}

TrainedRun keep_trained(Workspace& workspace, const LocalModel& local, const std::string& run, train::Outcome outcome) {
  const Path folder = workspace.folder / "adapters" / run;
  outcome.adapter.save(folder, workspace.task.model, local.model.sha256);
  workspace.store.finish(run, track::RunStatus::finished,
                         {{"ended", outcome.ended},
                          {"steps", outcome.steps},
                          {"best_step", outcome.best_step},
                          {"tokens", outcome.tokens},
                          {"seconds", outcome.seconds},
                          {"peak_bytes", peak_memory_bytes()},
                          {"adapter_sha256", value_or_throw(sha256_file(folder / "adapter_model.safetensors"))}});
  return {.run = run,
          .adapter_folder = folder,
          .adapter = std::move(outcome.adapter),
          .steps = workspace.store.steps(run),
          .validations = workspace.store.validations(run),
          .ended = outcome.ended,
          .seconds = outcome.seconds,
          .tokens = outcome.tokens};
}

}  // namespace

std::optional<track::RunRecord> recorded_training(const Workspace& workspace, const LocalModel& local,
                                                  const train::TrainSpec& spec) {
  return workspace.store.newest_with_key(key_of(workspace, local, spec));
}

TrainResult train_run(Workspace& workspace, LocalModel& local, const TrainJobSpec& job, std::stop_token stop) {
  const std::string key = key_of(workspace, local, job.spec);
  const auto earlier = workspace.store.newest_with_key(key);
  const auto status = earlier ? earlier->status : track::RunStatus::running;
  if (status == track::RunStatus::failed) {
    return {TrainEnd::failed, earlier->id, {}, earlier->summary.value("error", std::string("training broke down"))};
  }
  if (status == track::RunStatus::finished) {
    if (auto trained = load_trained(workspace, local, *earlier)) {
      return {.end = TrainEnd::finished,
              .run = earlier->id,
              .trained = std::move(trained),
              .why = {},
              .was_trained_before = true};
    }
  }
  const bool goes_on = earlier && status != track::RunStatus::finished;
  TrainResult result;
  result.run = goes_on ? earlier->id
                       : workspace.store.begin("train", "fine-tune", train_manifest(workspace, local, job.spec, key));
  train::Hooks hooks;
  hooks.stop = std::move(stop);
  hooks.on_step = [&](const train::StepEvent& event) { workspace.store.append_step(result.run, event); };
  hooks.on_validation = [&](const train::Validation& validated) {
    workspace.store.append_validation(result.run, validated);
  };
  TrainJobSpec checkpointed = job;
  checkpointed.checkpoint_folder = workspace.folder / "checkpoints" / key.substr(0, 16);
  try {
    train::Outcome outcome = train_adapter(workspace, local, checkpointed, hooks);
    if (outcome.ended == "interrupted") {
      workspace.store.finish(result.run, track::RunStatus::interrupted, {{"steps", outcome.steps}});
      return result;
    }
    result.trained = keep_trained(workspace, local, result.run, std::move(outcome));
    result.end = TrainEnd::finished;
  } catch (const train::BrokeDown& failure) {
    workspace.store.finish(result.run, track::RunStatus::failed, {{"error", failure.what()}});
    result.end = TrainEnd::failed;
    result.why = failure.what();
  }
  std::filesystem::remove_all(checkpointed.checkpoint_folder);
  return result;
}

train::Outcome train_adapter(Workspace& workspace, LocalModel& local, const TrainJobSpec& job,
                             const train::Hooks& recording) {
  const EncodedRows encoded = encode_rows(local, workspace, workspace.split.train);
  const EncodedRows validation = encode_rows(local, workspace, workspace.split.validation);
  if (encoded.examples.empty())
    fail(ErrorCode::bad_input, "no training row could be encoded, so there is nothing to train on");
  Validator validator(workspace, local, validation, recording.stop);
  std::optional<Progress> progress;
  double metric = 0;
  train::Hooks hooks = recording;
  if (!hooks.on_notice) hooks.on_notice = [](const std::string& notice) { warn(notice); };
  hooks.on_step = [&](const train::StepEvent& event) {
    if (recording.on_step) recording.on_step(event);
    const auto done = static_cast<std::uint64_t>(event.step);
    if (!progress) {
      progress.emplace(Progress::Options{.label = "fine-tune",
                                         .unit = "steps",
                                         .total = static_cast<std::uint64_t>(event.steps),
                                         .first = done,
                                         .quiet = job.quiet.progress});
    }
    const std::string shown = metric > 0 ? fmt::format(", {} {:.3f}", workspace.task.metric, metric) : "";
    progress->update(done, fmt::format("loss {:.3f}{}", event.loss, shown));
  };
  hooks.on_validation = [&](const train::Validation& validated) {
    metric = validated.metric;
    if (recording.on_validation) recording.on_validation(validated);
  };
  if (!workspace.split.validation.empty()) {
    hooks.validate = [&](const model::Adapter& adapter, int step) { return validator(adapter, step); };
  }
  return train::run(*local.exec, *local.model.decoder,
                    {.examples = encoded.examples,
                     .spec = job.spec,
                     .checkpoint_folder = job.checkpoint_folder,
                     .base_sha256 = base_identity(local.model),
                     .max_seconds = job.max_seconds,
                     .max_steps = job.max_steps},
                    hooks);
}

ContenderJob tuned_job(const Workspace& workspace, LocalModel& local, const TrainedRun& trained) {
  ContenderJob job;
  job.name = "fine-tuned";
  job.kind = eval::ContenderKind::tuned;
  job.spec = {{"run", trained.run}, {"base_sha256", local.model.sha256}};
  model::record_precision(job.spec, local.model.precision);
  job.make = [&local, &trained, task = workspace.task] {
    return std::shared_ptr<text::Responder>(
        generate::task_responder(*local.exec, local.model, &trained.adapter, local.options, task));
  };
  if (local.most_answer_tokens > 0) job.spec["max_tokens"] = local.most_answer_tokens;
  job.request = prompt::RequestMaker(workspace.task, prompt::zero_shot(), {}, nullptr, local.most_answer_tokens);
  return job;
}

}  // namespace hone::solve
