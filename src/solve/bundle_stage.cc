#include "solve/bundle_stage.h"

#include "generate/bundle.h"
#include "solve/cheap_jobs.h"
#include "solve/prompted_stage.h"

namespace hone::solve {
namespace {

generate::BundleKind bundle_kind(eval::ContenderKind kind) {
  switch (kind) {
    case eval::ContenderKind::majority:
      return generate::BundleKind::majority;
    case eval::ContenderKind::knn:
      return generate::BundleKind::knn;
    case eval::ContenderKind::copy:
      return generate::BundleKind::copy;
    case eval::ContenderKind::nearest:
      return generate::BundleKind::nearest;
    case eval::ContenderKind::ngram:
      return generate::BundleKind::ngram;
    case eval::ContenderKind::probe:
      return generate::BundleKind::probe;
    case eval::ContenderKind::prompted:
      return generate::BundleKind::prompted;
    case eval::ContenderKind::tuned:
      return generate::BundleKind::tuned;
    case eval::ContenderKind::api:
      break;
  }
  bug("an API contender has no bundle", __FILE__, __LINE__);
}

}  // namespace

bool can_be_bundled(const eval::ContenderResult& contender) { return contender.kind != eval::ContenderKind::api; }

Path write_contender_bundle(const Workspace& workspace, const BundleInput& input, std::stop_token stop) {
  HONE_CHECK(input.contender != nullptr && can_be_bundled(*input.contender));
  generate::BundleRecord record;
  record.kind = bundle_kind(input.contender->kind);
  record.contender = input.contender->name;
  record.task = workspace.task;
  record.shots = input.prompt.shots;
  record.knn_shots = input.prompt.knn_shots;
  record.neighbours = knn_neighbours;
  record.today = workspace.today;
  record.manifest = shared_manifest(workspace);
  record.manifest["run"] = input.contender->run;
  record.manifest["test"] = eval::to_json(input.contender->test_metrics);
  generate::BundleParts parts;
  if (input.contender->is_local_model()) {
    HONE_CHECK(input.local != nullptr);
    record.base_model = workspace.task.model;
    record.base_sha256 = input.local->model.sha256;
    record.precision = input.local->model.precision;
    record.max_prompt_tokens = input.local->options.max_prompt_tokens;
    record.max_answer_tokens = input.local->most_answer_tokens;
  }
  std::optional<classic::NgramClassifier> ngram;
  std::optional<classic::LinearHead> head;
  switch (record.kind) {
    case generate::BundleKind::ngram:
      ngram = classic::NgramClassifier::train(workspace.split.train, workspace.task.labels, workspace.task.seed);
      parts.ngram = &*ngram;
      break;
    case generate::BundleKind::probe:
      head = probe_head(workspace, *input.local, stop);
      if (!head) fail(ErrorCode::interrupted, "stopped while the bundle was written");
      parts.head = &*head;
      break;
    case generate::BundleKind::tuned:
      HONE_CHECK(input.trained != nullptr);
      parts.adapter = &input.trained->adapter;
      break;
    case generate::BundleKind::majority:
    case generate::BundleKind::knn:
    case generate::BundleKind::nearest:
      parts.rows = workspace.split.train;
      break;
    case generate::BundleKind::copy:
      break;
    case generate::BundleKind::prompted:
      if (record.knn_shots > 0) parts.rows = workspace.split.train;
      break;
  }
  const Path folder = workspace.task.folder / "bundle";
  generate::write_bundle(folder, std::move(record), parts);
  return folder;
}

}  // namespace hone::solve
