#include "solve/recorded_job.h"

#include "base/shell.h"
#include "solve/cheap_jobs.h"
#include "solve/model_reference.h"

namespace hone::solve {
namespace {

void check_data_key(const Workspace& workspace, const track::RunRecord& run) {
  if (run.manifest.at("data_key") == workspace.data_key) return;
  fail(ErrorCode::bad_input,
       "the rows or the task have changed since run {}, so what answered then cannot be made again; `hone solve {}` "
       "runs it on the rows as they are now",
       run.id, shell_word(workspace.task.folder.string()));
}

TrainedRun trained_run(const Workspace& workspace, const LocalModel& local, const std::string& id) {
  const Path folder = workspace.folder / "adapters" / id;
  ModelReference recorded;
  recorded.given = "run " + id;
  recorded.adapter = folder;
  if (const auto run = workspace.store.find(id); run && run->summary.is_object())
    recorded.adapter_sha256 = run->summary.value("adapter_sha256", std::string());
  check_recorded_adapter(recorded);
  return {.run = id,
          .adapter_folder = folder,
          .adapter = value_or_throw(model::Adapter::load(folder, local.model.decoder->config())),
          .steps = {},
          .validations = {},
          .ended = {},
          .seconds = 0,
          .tokens = 0};
}

data::PromptVersion prompt_of(const Json& json) {
  data::PromptVersion version{.name = json.at("name"), .shots = {}, .knn_shots = json.at("knn_shots")};
  for (const Json& shot : json.at("shots")) version.shots.push_back({shot.at("role"), shot.at("content")});
  return version;
}

}  // namespace

std::unique_ptr<RecordedJob> recorded_job(const Workspace& workspace, const track::RunRecord& run) {
  check_data_key(workspace, run);
  const Json& contender = run.manifest.at("contender");
  const Json& spec = contender.at("spec");
  auto recorded = std::make_unique<RecordedJob>(workspace);
  for (ContenderJob& job : cheap_jobs(workspace)) {
    if (eval::name_of(job.kind) != contender.at("kind") || job.name != run.name) continue;
    recorded->job = std::move(job);
    return recorded;
  }
  if (!spec.contains("base_sha256")) {
    fail(ErrorCode::unsupported, "run {} is \"{}\" ({}), which cannot be asked here", run.id, run.name,
         contender.at("kind").get<std::string>());
  }
  LocalModel& local = recorded->local.emplace(open_local_model(workspace, model::recorded_precision(spec)));
  if (spec.at("base_sha256") != local.model.sha256) {
    fail(ErrorCode::bad_input, "the base model is not the one of run {} (SHA-256 {} then, {} now)", run.id,
         spec.at("base_sha256").get<std::string>(), local.model.sha256);
  }
  if (spec.contains("run")) {
    recorded->trained.emplace(trained_run(workspace, local, spec.at("run").get<std::string>()));
    recorded->job = tuned_job(workspace, local, *recorded->trained);
  } else if (spec.contains("prompt")) {
    recorded->job = prompted_job(workspace, local, prompt_of(spec.at("prompt")), &recorded->index);
  } else {
    recorded->job = probe_job(workspace, local, {});
  }
  return recorded;
}

}  // namespace hone::solve
