#include "solve/contenders.h"

#include <map>
#include <set>

#include "base/hash.h"
#include "solve/answering.h"

namespace hone::solve {
namespace {

enum class Sides { validation, both };

Json summary_of(const eval::ContenderResult& result, const std::vector<eval::ScoredRow>& crossed,
                const data::Task& task) {
  Json summary = {{"validation", eval::to_json(result.validation_metrics)}};
  if (!crossed.empty()) summary["cross_validation"] = eval::to_json(eval::measure(crossed, task, task.seed));
  if (!result.test.empty()) summary["test"] = eval::to_json(result.test_metrics);
  return summary;
}

// The recorded run of the job's key, or a new one; nothing when stopped before it began.
std::optional<track::RunRecord> run_of(Workspace& workspace, const ContenderJob& job, const std::stop_token& stop) {
  const std::string key = key_of(workspace, job);
  if (auto earlier = workspace.store.newest_with_key(key)) return earlier;
  if (stop.stop_requested()) return std::nullopt;
  Json manifest = shared_manifest(workspace);
  manifest["key"] = key;
  manifest["contender"] = {{"name", job.name}, {"kind", eval::name_of(job.kind)}, {"spec", job.spec}};
  return workspace.store.find(workspace.store.begin("contender", job.name, manifest));
}

// Those of the validation rows, in their order.
std::vector<eval::ScoredRow> validation_part(const Workspace& workspace, const std::vector<eval::ScoredRow>& crossed) {
  std::map<std::string, const eval::ScoredRow*> by_id;
  for (const auto& row : crossed) by_id.emplace(row.id, &row);
  std::vector<eval::ScoredRow> part;
  for (const auto& row : workspace.split.validation) {
    if (const auto found = by_id.find(row.id); found != by_id.end()) part.push_back(*found->second);
  }
  return part;
}

// False when stopped.
bool answer_rows(const Workspace& workspace, const ContenderJob& job, Answering& answering, Sides sides,
                 eval::ContenderResult& result) {
  const auto& split = workspace.split;
  result.validation = answering.side("validation", split.validation);
  if (result.validation.size() < split.validation.size()) return false;
  answering.complete_latency(job.most_latency_seconds);
  if (sides == Sides::validation) return true;
  result.test = answering.side("test", split.test);
  return result.test.size() == split.test.size();
}

std::optional<eval::ContenderResult> run_sides(Workspace& workspace, const ContenderJob& job, std::stop_token stop,
                                               const Quiet& quiet, Sides sides) {
  const auto record = run_of(workspace, job, stop);
  if (!record) return std::nullopt;
  eval::ContenderResult result;
  result.name = job.name;
  result.kind = job.kind;
  result.run = record->id;
  const auto interrupted = [&]() -> std::optional<eval::ContenderResult> {
    workspace.store.finish(result.run, track::RunStatus::interrupted, Json::object());
    return std::nullopt;
  };
  Answering answering(workspace, job, result.run, stop, quiet);
  std::vector<eval::ScoredRow> crossed;
  try {
    crossed = workspace.store.rows(result.run, "cross-validation");
    if (crossed.empty() && job.cross_validate) {
      crossed = job.cross_validate(stop);
      if (stop.stop_requested()) return interrupted();
      workspace.store.append_rows(result.run, "cross-validation", crossed);
    }
    if (!answer_rows(workspace, job, answering, sides, result)) return interrupted();
  } catch (const Failure& failure) {
    if (failure.code() != ErrorCode::interrupted) throw;
    return interrupted();
  }
  auto chosen_by = validation_part(workspace, crossed);
  if (chosen_by.size() == result.validation.size()) result.validation = std::move(chosen_by);
  fill_figures(workspace, result);
  if (record->status != track::RunStatus::finished || (!result.test.empty() && !record->summary.contains("test"))) {
    workspace.store.finish(result.run, track::RunStatus::finished, summary_of(result, crossed, workspace.task));
  }
  return result;
}

}  // namespace

void fill_figures(const Workspace& workspace, eval::ContenderResult& result) {
  const auto& task = workspace.task;
  if (!result.validation.empty()) result.validation_metrics = eval::measure(result.validation, task, task.seed);
  if (!result.test.empty()) result.test_metrics = eval::measure(result.test, task, task.seed);
  std::vector<double> milliseconds;
  for (const auto& row : workspace.store.rows(result.run, "latency")) milliseconds.push_back(row.latency_ms);
  result.latency = eval::latency_of(std::move(milliseconds));
  const auto& rows = result.test.empty() ? result.validation : result.test;
  double prompt = 0;
  double completion = 0;
  for (const auto& row : rows) {
    prompt += row.prompt_tokens;
    completion += row.completion_tokens;
  }
  const double n = std::max<double>(1, static_cast<double>(rows.size()));
  result.mean_prompt_tokens = prompt / n;
  result.mean_completion_tokens = completion / n;
}

std::string key_of(const Workspace& workspace, const ContenderJob& job) {
  return sha256_hex(to_text(Json::array({workspace.data_key, job.name, job.spec})));
}

std::optional<eval::ContenderResult> run_contender(Workspace& workspace, const ContenderJob& job, std::stop_token stop,
                                                   const Quiet& quiet) {
  return run_sides(workspace, job, std::move(stop), quiet, Sides::both);
}

std::optional<eval::ContenderResult> validate_contender(Workspace& workspace, const ContenderJob& job,
                                                        std::stop_token stop, const Quiet& quiet) {
  return run_sides(workspace, job, std::move(stop), quiet, Sides::validation);
}

}  // namespace hone::solve
