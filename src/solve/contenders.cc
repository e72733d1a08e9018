#include "solve/contenders.h"

#include <map>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "eval/runner.h"

namespace hone::solve {
namespace {

constexpr std::size_t latency_rows = 100;
constexpr std::size_t warm_up_rows = 3;
constexpr std::size_t rows_a_write = 32;
constexpr std::size_t few_rows = 400;

using Kept = std::map<std::string, eval::ScoredRow>;

Kept by_id(std::vector<eval::ScoredRow> rows) {
  Kept kept;
  for (auto& row : rows) kept.emplace(row.id, std::move(row));
  return kept;
}

class Answering {
 public:
  Answering(Workspace& workspace, const ContenderJob& job, std::string run, std::stop_token stop, const Quiet& quiet)
      : workspace_(workspace), job_(job), run_(std::move(run)), stop_(std::move(stop)), quiet_(quiet) {}

  // All rows of a side, kept ones included, in the rows' order. Fewer when stopped.
  std::vector<eval::ScoredRow> side(const char* side, const std::vector<data::Row>& rows) {
    Kept kept = by_id(workspace_.store.rows(run_, side));
    if (job_.asking == Asking::paid) std::erase_if(kept, [](const auto& entry) { return entry.second.failed; });
    std::vector<const data::Row*> missing;
    for (const auto& row : rows) {
      if (!kept.contains(row.id)) missing.push_back(&row);
    }
    if (!missing.empty()) ask(side, missing, kept);
    std::vector<eval::ScoredRow> answered;
    for (const auto& row : rows) {
      if (const auto found = kept.find(row.id); found != kept.end()) answered.push_back(found->second);
    }
    return answered;
  }

 private:
  void ask(const char* side, const std::vector<const data::Row*>& missing, Kept& kept) {
    if (!responder_) responder_ = job_.make();
    const bool timed = std::string_view(side) == "validation";
    const std::size_t alone = timed ? std::min(missing.size(), latency_rows) : 0;
    std::vector<text::Request> requests;
    for (const auto* row : missing) requests.push_back(job_.request(*row));
    const bool paid = job_.asking == Asking::paid;
    if (!paid && alone > warm_up_rows) {
      responder_->respond(
          std::span(requests).first(warm_up_rows), [](std::size_t, const Result<text::Reply>&) {}, stop_);
    }
    Progress progress({.label = fmt::format("{}, {} rows", job_.name, side),
                       .unit = "rows",
                       .total = missing.size(),
                       .quiet = quiet_.progress});
    std::vector<eval::ScoredRow> unwritten;
    std::size_t done = 0;
    const auto write = [&] {
      workspace_.store.append_rows(run_, side, unwritten);
      unwritten.clear();
    };
    const auto take = [&](std::size_t index, const Result<text::Reply>& reply) {
      eval::ScoredRow scored = eval::score_row(*missing[index], reply, workspace_.task);
      unwritten.push_back(scored);
      if (index < alone && !scored.failed) latency_.push_back(scored);
      kept.insert_or_assign(scored.id, std::move(scored));
      progress.update(++done);
      if (paid || unwritten.size() >= rows_a_write) write();
    };
    for (std::size_t i = 0; i < alone && !stop_.stop_requested(); ++i) {
      responder_->respond(
          std::span(requests).subspan(i, 1), [&](std::size_t, Result<text::Reply> reply) { take(i, reply); }, stop_);
    }
    if (alone < requests.size() && !stop_.stop_requested()) {
      responder_->respond(
          std::span(requests).subspan(alone),
          [&](std::size_t index, Result<text::Reply> reply) { take(alone + index, reply); }, stop_);
    }
    write();
    workspace_.store.append_rows(run_, "latency", latency_);
    latency_.clear();
  }

  Workspace& workspace_;
  const ContenderJob& job_;
  std::string run_;
  std::stop_token stop_;
  Quiet quiet_;
  std::shared_ptr<text::Responder> responder_;
  std::vector<eval::ScoredRow> latency_;
};

void fill_figures(const Workspace& workspace, eval::ContenderResult& result) {
  result.validation_metrics = eval::measure(result.validation, workspace.task, workspace.task.seed);
  result.test_metrics = eval::measure(result.test, workspace.task, workspace.task.seed);
  std::vector<double> milliseconds;
  for (const auto& row : workspace.store.rows(result.run, "latency")) milliseconds.push_back(row.latency_ms);
  result.latency = eval::latency_of(std::move(milliseconds));
  double prompt = 0;
  double completion = 0;
  for (const auto& row : result.test) {
    prompt += row.prompt_tokens;
    completion += row.completion_tokens;
  }
  const double n = std::max<double>(1, static_cast<double>(result.test.size()));
  result.mean_prompt_tokens = prompt / n;
  result.mean_completion_tokens = completion / n;
}

ContenderJob classic_job(const Workspace& workspace, std::string name, eval::ContenderKind kind,
                         std::function<std::shared_ptr<text::Responder>(std::span<const data::Row>)> make) {
  ContenderJob job;
  job.name = std::move(name);
  job.kind = kind;
  job.spec = {{"kind", eval::name_of(kind)}};
  job.make = [&workspace, make] { return make(workspace.split.train); };
  job.request = [&workspace](const data::Row& row) { return prompt::bare_request(workspace.task, row); };
  const std::size_t total =
      workspace.split.train.size() + workspace.split.validation.size() + workspace.split.test.size();
  if (total >= few_rows) return job;
  // Few rows: validation answers by 5-fold cross-validation over training and validation rows, so that the choice
  // between contenders rests on as many rows as there are.
  std::vector<data::Row> rows = workspace.split.train;
  rows.insert(rows.end(), workspace.split.validation.begin(), workspace.split.validation.end());
  if (rows.size() < 10) return job;
  const auto fold = data::folds(rows, 5, workspace.task.seed);
  for (int held_out = 0; held_out < 5; ++held_out) {
    std::vector<data::Row> inside;
    std::vector<data::Row> outside;
    for (std::size_t i = 0; i < rows.size(); ++i) (fold[i] == held_out ? outside : inside).push_back(rows[i]);
    if (inside.empty() || outside.empty()) continue;
    const auto responder = make(inside);
    std::vector<text::Request> requests;
    for (const auto& row : outside) requests.push_back(job.request(row));
    responder->respond(requests,
                       [&](std::size_t i, const Result<text::Reply>& reply) {
                         job.validation.push_back(eval::score_row(outside[i], reply, workspace.task));
                       },
                       {});
  }
  job.spec["validation"] = "5-fold cross-validation";
  return job;
}

}  // namespace

std::string key_of(const Workspace& workspace, const ContenderJob& job) {
  return sha256_hex(to_text(Json::array({workspace.data_key, job.name, job.spec})));
}

std::optional<eval::ContenderResult> run_contender(Workspace& workspace, const ContenderJob& job, std::stop_token stop,
                                                   const Quiet& quiet) {
  const std::string key = key_of(workspace, job);
  eval::ContenderResult result;
  result.name = job.name;
  result.kind = job.kind;
  const auto earlier = newest_with_key(workspace.store, key);
  const bool finished = earlier && earlier->status == track::RunStatus::finished;
  if (earlier) {
    result.run = earlier->id;
  } else {
    if (stop.stop_requested()) return std::nullopt;
    Json manifest = shared_manifest(workspace);
    manifest["key"] = key;
    manifest["contender"] = {{"name", job.name}, {"kind", eval::name_of(job.kind)}, {"spec", job.spec}};
    result.run = workspace.store.begin("contender", job.name, manifest);
    if (!job.validation.empty()) workspace.store.append_rows(result.run, "cross-validation", job.validation);
  }
  Answering answering(workspace, job, result.run, stop, quiet);
  result.validation = answering.side("validation", workspace.split.validation);
  result.test = answering.side("test", workspace.split.test);
  if (result.validation.size() < workspace.split.validation.size() ||
      result.test.size() < workspace.split.test.size()) {
    workspace.store.finish(result.run, track::RunStatus::interrupted, Json::object());
    return std::nullopt;
  }
  if (auto crossed = workspace.store.rows(result.run, "cross-validation"); !crossed.empty())
    result.validation = std::move(crossed);
  fill_figures(workspace, result);
  if (!finished) {
    workspace.store.finish(
        result.run, track::RunStatus::finished,
        {{"validation", eval::to_json(result.validation_metrics)}, {"test", eval::to_json(result.test_metrics)}});
  }
  return result;
}

std::vector<ContenderJob> cheap_jobs(const Workspace& workspace) {
  const auto& task = workspace.task;
  using Rows = std::span<const data::Row>;
  std::vector<ContenderJob> jobs;
  if (task.kind != data::Kind::classify) {
    jobs.push_back(classic_job(workspace, "copy the input", eval::ContenderKind::copy,
                               [](Rows) { return std::shared_ptr<text::Responder>(classic::copy_input()); }));
    jobs.push_back(classic_job(workspace, "nearest row's output", eval::ContenderKind::nearest, [](Rows rows) {
      return std::shared_ptr<text::Responder>(classic::nearest_output(rows));
    }));
    return jobs;
  }
  jobs.push_back(classic_job(workspace, "majority class", eval::ContenderKind::majority, [&task](Rows rows) {
    return std::shared_ptr<text::Responder>(classic::majority(rows, task.labels));
  }));
  jobs.push_back(classic_job(workspace, "kNN (BM25)", eval::ContenderKind::knn, [&task](Rows rows) {
    return std::shared_ptr<text::Responder>(classic::knn(rows, task.labels, 8));
  }));
  jobs.push_back(classic_job(workspace, "plain classifier", eval::ContenderKind::ngram, [&task](Rows rows) {
    return std::shared_ptr<text::Responder>(classic::NgramClassifier::train(rows, task.labels, task.seed).responder());
  }));
  return jobs;
}

}  // namespace hone::solve
