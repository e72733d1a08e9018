#include "solve/reproduce.h"

#include <cmath>

#include "base/hash.h"
#include "solve/local_model.h"
#include "solve/prompted_stage.h"
#include "solve/train_stage.h"

namespace hone::solve {
namespace {

void check_data(const Workspace& workspace, const track::RunRecord& record) {
  for (const auto& file : record.manifest.at("files")) {
    const Path path = workspace.task.folder / file.at("file").get<std::string>();
    const std::string now = value_or_throw(sha256_file(path));
    if (now != file.at("sha256").get<std::string>()) {
      fail(ErrorCode::bad_input, "{} has changed since run {} (SHA-256 {} then, {} now), so it cannot be replayed",
           path.string(), record.id, file.at("sha256").get<std::string>(), now);
    }
  }
  if (record.manifest.at("data_key").get<std::string>() != workspace.data_key) {
    fail(ErrorCode::bad_input, "the task file or the split has changed since run {}, so it cannot be replayed",
         record.id);
  }
}

void check_base(const LocalModel& local, const std::string& wanted) {
  if (local.model.sha256 != wanted) {
    fail(ErrorCode::bad_input, "the base model is not the one the run used (SHA-256 {} then, {} now)", wanted,
         local.model.sha256);
  }
}

Reproduced replay_training(Workspace& workspace, const track::RunRecord& record, std::stop_token stop,
                           const Quiet& quiet) {
  LocalModel local = open_local_model(workspace);
  check_base(local, record.manifest.at("base").at("sha256").get<std::string>());
  TrainJobSpec job{.spec = value_or_throw(train::spec_from_json(record.manifest.at("train"))),
                   .checkpoint_folder = {},
                   .quiet = quiet};
  if (record.summary.value("ended", std::string()) == "time") {
    fail(ErrorCode::unsupported,
         "run {} was ended by its time limit after {} steps; such a run cannot be replayed bit for bit", record.id,
         record.summary.value("steps", 0));
  }
  job.spec.max_seconds = 0;
  train::Hooks hooks;
  hooks.stop = stop;
  const train::Outcome outcome = train_adapter(workspace, local, job, hooks);
  if (outcome.ended == "interrupted") fail(ErrorCode::interrupted, "stopped before the run was replayed");
  const Path folder = workspace.folder / "reproduced" / record.id;
  outcome.adapter.save(folder, workspace.task.model);
  const std::string hash = value_or_throw(sha256_file(folder / "adapter_model.safetensors"));
  Reproduced result{.run = record.id,
                    .identical = hash == record.summary.at("adapter_sha256").get<std::string>(),
                    .compared = 1,
                    .different = 0,
                    .largest = 0,
                    .what = {}};
  result.different = result.identical ? 0 : 1;
  result.what = result.identical ? fmt::format("the same adapter, bit for bit (SHA-256 {})", hash)
                                 : fmt::format(
                                       "another adapter: SHA-256 {} then, {} now (another machine, thread count or "
                                       "build gives other last digits)",
                                       record.summary.at("adapter_sha256").get<std::string>(), hash);
  return result;
}

// The recorded run's job once more.
ContenderJob job_again(const Workspace& workspace, const track::RunRecord& record, std::optional<LocalModel>& local,
                       std::optional<TrainedRun>& trained, const classic::Bm25Index& index) {
  const Json& spec = record.manifest.at("contender").at("spec");
  for (auto& job : cheap_jobs(workspace)) {
    if (job.name == record.name) return job;
  }
  local.emplace(open_local_model(workspace));
  check_base(*local, spec.at("base_sha256").get<std::string>());
  if (spec.contains("prompt")) {
    data::PromptVersion version{
        .name = spec.at("prompt").at("name"), .shots = {}, .knn_shots = spec.at("prompt").at("knn_shots")};
    for (const auto& message : spec.at("prompt").at("shots"))
      version.shots.push_back({message.at("role"), message.at("content")});
    return prompted_job(workspace, *local, version, &index);
  }
  if (spec.contains("run")) {
    const std::string id = spec.at("run").get<std::string>();
    const Path folder = workspace.folder / "adapters" / id;
    trained.emplace(TrainedRun{.run = id,
                               .adapter_folder = folder,
                               .adapter = value_or_throw(model::Adapter::load(folder, local->model.decoder->config())),
                               .steps = {},
                               .validations = {},
                               .ended = {},
                               .seconds = 0,
                               .tokens = 0});
    return tuned_job(workspace, *local, *trained);
  }
  return probe_job(workspace, *local, {});
}

void compare_row(const eval::ScoredRow& then, const eval::ScoredRow& now, Reproduced& result) {
  ++result.compared;
  bool same = then.answer == now.answer && then.failed == now.failed &&
              then.label_probabilities.size() == now.label_probabilities.size();
  for (std::size_t i = 0; same && i < now.label_probabilities.size(); ++i) {
    const double apart = std::abs(then.label_probabilities[i].second - now.label_probabilities[i].second);
    result.largest = std::max(result.largest, apart);
    if (apart != 0) same = false;
  }
  if (!same) ++result.different;
}

Reproduced replay_answers(Workspace& workspace, const track::RunRecord& record, std::stop_token stop) {
  std::optional<LocalModel> local;
  std::optional<TrainedRun> trained;
  const classic::Bm25Index index(workspace.split.train);
  const ContenderJob job = job_again(workspace, record, local, trained, index);
  const auto responder = job.make();
  Reproduced result{.run = record.id, .identical = false, .compared = 0, .different = 0, .largest = 0, .what = {}};
  std::map<std::string, eval::ScoredRow> then;
  for (auto& row : workspace.store.rows(record.id, "test")) then.emplace(row.id, std::move(row));
  std::vector<text::Request> requests;
  for (const auto& row : workspace.split.test) requests.push_back(job.request(row));
  responder->respond(
      requests,
      [&](std::size_t i, const Result<text::Reply>& reply) {
        const auto found = then.find(workspace.split.test[i].id);
        if (found != then.end())
          compare_row(found->second, eval::score_row(workspace.split.test[i], reply, workspace.task), result);
      },
      stop);
  if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped before the run was replayed");
  result.identical = result.compared > 0 && result.different == 0;
  result.what = result.identical ? fmt::format("the same answers and probabilities on all {} test rows, bit for bit",
                                               result.compared)
                                 : fmt::format("{} of {} test rows differ; largest difference of a probability {:.2g}",
                                               result.different, result.compared, result.largest);
  return result;
}

}  // namespace

Reproduced reproduce(Workspace& workspace, const std::string& run, std::stop_token stop, const Quiet& quiet) {
  const auto record = workspace.store.find(run);
  if (!record)
    fail(ErrorCode::usage, "there is no run \"{}\"; `hone runs list {}` names them", run,
         workspace.task.folder.string());
  if (record->status != track::RunStatus::finished)
    fail(ErrorCode::bad_input, "run {} did not finish, so there is nothing to compare with", record->id);
  if (!record->manifest.contains("data_key"))
    fail(ErrorCode::unsupported, "run {} ({}) is not one that can be replayed", record->id, record->kind);
  check_data(workspace, *record);
  return record->kind == "train" ? replay_training(workspace, *record, stop, quiet)
                                 : replay_answers(workspace, *record, stop);
}

}  // namespace hone::solve
