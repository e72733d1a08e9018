#include "solve/cheap_jobs.h"

namespace hone::solve {
namespace {

constexpr std::size_t few_rows = 400;
constexpr std::size_t fewest_to_cross_validate = 10;
constexpr int fold_count = 5;

using Rows = std::span<const data::Row>;
using Make = std::function<std::shared_ptr<text::Responder>(Rows)>;

// Training and validation rows, each answered by one made from the other folds' rows.
std::vector<eval::ScoredRow> cross_validated(const data::Task& task, const std::vector<data::Row>& rows,
                                             const Make& make, const std::stop_token& stop) {
  const auto fold = data::folds(rows, fold_count, task.seed);
  std::vector<eval::ScoredRow> scored;
  for (int held_out = 0; held_out < fold_count && !stop.stop_requested(); ++held_out) {
    std::vector<data::Row> inside;
    std::vector<data::Row> outside;
    for (std::size_t i = 0; i < rows.size(); ++i) (fold[i] == held_out ? outside : inside).push_back(rows[i]);
    if (inside.empty() || outside.empty()) continue;
    std::vector<text::Request> requests;
    for (const auto& row : outside) requests.push_back(prompt::bare_request(task, row));
    make(inside)->respond(
        requests,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          scored.push_back(eval::score_row(outside[i], reply, task));
        },
        stop);
  }
  return scored;
}

ContenderJob classic_job(const Workspace& workspace, std::string name, eval::ContenderKind kind, const Make& make) {
  ContenderJob job;
  job.name = std::move(name);
  job.kind = kind;
  job.spec = {{"kind", eval::name_of(kind)}};
  job.make = [&workspace, make] { return make(workspace.split.train); };
  job.request = [&workspace](const data::Row& row) { return prompt::bare_request(workspace.task, row); };
  const data::Split& split = workspace.split;
  const std::size_t known = split.train.size() + split.validation.size();
  if (known + split.test.size() >= few_rows || known < fewest_to_cross_validate) return job;
  job.spec["validation"] = "5-fold cross-validation";
  job.cross_validate = [&workspace, make](const std::stop_token& stop) {
    std::vector<data::Row> rows = workspace.split.train;
    rows.insert(rows.end(), workspace.split.validation.begin(), workspace.split.validation.end());
    return cross_validated(workspace.task, rows, make, stop);
  };
  return job;
}

}  // namespace

std::vector<ContenderJob> cheap_jobs(const Workspace& workspace) {
  const auto& task = workspace.task;
  using Shared = std::shared_ptr<text::Responder>;
  std::vector<ContenderJob> jobs;
  if (task.kind != data::Kind::classify) {
    jobs.push_back(classic_job(workspace, "copy the input", eval::ContenderKind::copy,
                               [](Rows) { return Shared(classic::copy_input()); }));
    jobs.push_back(classic_job(workspace, "nearest row's output", eval::ContenderKind::nearest,
                               [](Rows rows) { return Shared(classic::nearest_output(rows)); }));
    return jobs;
  }
  jobs.push_back(classic_job(workspace, "majority class", eval::ContenderKind::majority,
                             [&task](Rows rows) { return Shared(classic::majority(rows, task.labels)); }));
  jobs.push_back(classic_job(workspace, "kNN (BM25)", eval::ContenderKind::knn,
                             [&task](Rows rows) { return Shared(classic::knn(rows, task.labels, knn_neighbours)); }));
  jobs.push_back(classic_job(workspace, "plain classifier", eval::ContenderKind::ngram, [&task](Rows rows) {
    return Shared(classic::NgramClassifier::train(rows, task.labels, task.seed).responder());
  }));
  return jobs;
}

}  // namespace hone::solve
