#include "solve/train_stage.h"

#include <cmath>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"

namespace hone::solve {
namespace {

constexpr std::size_t most_validated_rows = 300;
constexpr std::size_t most_generated_rows = 60;

// Scores an adapter on the validation rows as they will be served: the task's metric, and the mean loss of the gold
// answer (of the gold label's probability where there are labels).
class Validator {
 public:
  Validator(Workspace& workspace, LocalModel& local, const EncodedRows& encoded, std::stop_token stop)
      : workspace_(workspace), local_(local), encoded_(encoded), stop_(std::move(stop)) {
    const auto& rows = workspace.split.validation;
    const bool labels = workspace.task.kind == data::Kind::classify;
    const std::size_t n = std::min(rows.size(), labels ? most_validated_rows : most_generated_rows);
    const prompt::RequestMaker make(workspace.task, prompt::zero_shot(), {}, nullptr);
    for (std::size_t i = 0; i < n; ++i) requests_.push_back(make(rows[i]));
  }

  train::Validation operator()(const model::Adapter& adapter, int step) {
    const auto responder = generate::local_responder(*local_.exec, local_.model, &adapter, local_.options);
    std::vector<eval::ScoredRow> scored;
    responder->respond(
        requests_,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          scored.push_back(eval::score_row(workspace_.split.validation[i], reply, workspace_.task));
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
    std::vector<const data::Example*> some;
    for (std::size_t i = 0; i < std::min(most_generated_rows, encoded_.examples.size()); ++i)
      some.push_back(&encoded_.examples[i]);
    if (some.empty()) return 0;
    double loss = 0;
    double weight = 0;
    for (std::size_t i = 0; i < some.size(); i += 8) {
      const auto part = std::span(some).subspan(i, std::min<std::size_t>(8, some.size() - i));
      const model::LossSum sum = local_.model.decoder->loss(*local_.exec, train::pack(part), &adapter);
      loss += sum.loss;
      weight += sum.weight;
    }
    return loss / std::max(weight, 1.0);
  }

  Workspace& workspace_;
  LocalModel& local_;
  const EncodedRows& encoded_;
  std::stop_token stop_;
  std::vector<text::Request> requests_;
};

Json train_manifest(const Workspace& workspace, const LocalModel& local, const train::TrainSpec& spec,
                    const std::string& key) {
  Json manifest = shared_manifest(workspace);
  manifest["key"] = key;
  manifest["base"] = {{"model", workspace.task.model}, {"sha256", local.model.sha256}};
  manifest["train"] = train::to_json(spec);
  return manifest;
}

TrainedRun load_trained(const Workspace& workspace, const LocalModel& local, const track::RunRecord& record) {
  TrainedRun trained{.run = record.id,
                     .adapter_folder = workspace.folder / "adapters" / record.id,
                     .adapter = value_or_throw(model::Adapter::load(workspace.folder / "adapters" / record.id,
                                                                    local.model.decoder->config())),
                     .steps = workspace.store.steps(record.id),
                     .validations = workspace.store.validations(record.id),
                     .ended = record.summary.value("ended", std::string()),
                     .seconds = record.summary.value("seconds", 0.0),
                     .tokens = record.summary.value("tokens", std::int64_t{0})};
  return trained;
}

}  // namespace

std::optional<TrainedRun> train_run(Workspace& workspace, LocalModel& local, const train::TrainSpec& spec,
                                    std::stop_token stop, const Quiet& quiet) {
  // How long training may take is not part of what is trained.
  train::TrainSpec keyed = spec;
  keyed.max_seconds = 0;
  const std::string key =
      sha256_hex(to_text(Json::array({workspace.data_key, local.model.sha256, train::to_json(keyed)})));
  const auto earlier = newest_with_key(workspace.store, key);
  if (earlier && earlier->status == track::RunStatus::finished) return load_trained(workspace, local, *earlier);
  const std::string run =
      earlier ? earlier->id : workspace.store.begin("train", "fine-tune", train_manifest(workspace, local, spec, key));
  train::Hooks hooks;
  hooks.stop = stop;
  hooks.on_step = [&](const train::StepEvent& event) { workspace.store.append_step(run, event); };
  hooks.on_validation = [&](const train::Validation& validated) { workspace.store.append_validation(run, validated); };
  const Path checkpoint = workspace.folder / "checkpoints" / key.substr(0, 16);
  train::Outcome outcome =
      train_adapter(workspace, local, {.spec = spec, .checkpoint_folder = checkpoint, .quiet = quiet}, hooks);
  if (outcome.ended == "interrupted") {
    workspace.store.finish(run, track::RunStatus::interrupted, {{"steps", outcome.steps}});
    return std::nullopt;
  }
  const Path folder = workspace.folder / "adapters" / run;
  outcome.adapter.save(folder, workspace.task.model);
  workspace.store.finish(run, track::RunStatus::finished,
                         {{"ended", outcome.ended},
                          {"steps", outcome.steps},
                          {"best_step", outcome.best_step},
                          {"tokens", outcome.tokens},
                          {"seconds", outcome.seconds},
                          {"peak_bytes", peak_memory_bytes()},
                          {"adapter_sha256", value_or_throw(sha256_file(folder / "adapter_model.safetensors"))}});
  std::filesystem::remove_all(checkpoint);
  return TrainedRun{.run = run,
                    .adapter_folder = folder,
                    .adapter = std::move(outcome.adapter),
                    .steps = workspace.store.steps(run),
                    .validations = workspace.store.validations(run),
                    .ended = outcome.ended,
                    .seconds = outcome.seconds,
                    .tokens = outcome.tokens};
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
                     .base_sha256 = local.model.sha256},
                    hooks);
}

ContenderJob tuned_job(const Workspace& workspace, LocalModel& local, const TrainedRun& trained) {
  ContenderJob job;
  job.name = "fine-tuned";
  job.kind = eval::ContenderKind::tuned;
  job.spec = {{"run", trained.run}, {"base_sha256", local.model.sha256}};
  job.make = [&local, &trained] {
    return std::shared_ptr<text::Responder>(
        generate::local_responder(*local.exec, local.model, &trained.adapter, local.options));
  };
  job.request = prompt::RequestMaker(workspace.task, prompt::zero_shot(), {}, nullptr);
  return job;
}

}  // namespace hone::solve
