#include "solve/reproduce.h"

#include <cmath>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "data/import_patched.h"
#include "data/task_json.h"
#include "solve/answerer.h"
#include "solve/answering.h"
#include "solve/recorded_job.h"

namespace hone::solve {
namespace {

// Before anything is opened: opening a task would take changed rows into its split.
void check_file(const Path& file, const std::string& then, const track::RunRecord& record) {
  const std::string now = value_or_throw(sha256_file(file));
  if (now == then) return;
  fail(ErrorCode::bad_input, "{} has changed since run {} (SHA-256 {} then, {} now), so it cannot be replayed",
       file.string(), record.id, then, now);
}

Workspace workspace_of(const track::RunRecord& record, const Path& folder) {
  const Json& manifest = record.manifest;
  for (const auto& file : manifest.at("files")) {
    check_file(folder / file.at("file").get<std::string>(), file.at("sha256").get<std::string>(), record);
  }
  Workspace workspace = open_workspace(recorded_task(manifest, folder));
  workspace.today = manifest.at("today").get<std::string>();
  workspace.threads = manifest.at("threads").get<int>();
  if (manifest.at("data_key") != workspace.data_key) {
    fail(ErrorCode::bad_input, "the split of the rows has changed since run {}, so it cannot be replayed", record.id);
  }
  return workspace;
}

Reproduced replay_training(const track::RunRecord& record, const Path& folder, std::stop_token stop,
                           const Quiet& quiet) {
  Workspace workspace = workspace_of(record, folder);
  LocalModel local = open_local_model(workspace, model::recorded_precision(record.manifest.at("base")));
  const auto& base = record.manifest.at("base").at("sha256");
  if (base != local.model.sha256) {
    fail(ErrorCode::bad_input, "the base model is not the one of run {} (SHA-256 {} then, {} now)", record.id,
         base.get<std::string>(), local.model.sha256);
  }
  TrainJobSpec job{.spec = value_or_throw(train::spec_from_json(record.manifest.at("train"))),
                   .max_seconds = 0,
                   .max_steps = 0,
                   .checkpoint_folder = {},
                   .quiet = quiet};
  if (record.summary.value("ended", std::string()) == "time") job.max_steps = record.summary.at("steps").get<int>();
  train::Hooks hooks;
  hooks.stop = std::move(stop);
  const train::Outcome outcome = train_adapter(workspace, local, job, hooks);
  if (outcome.ended == "interrupted") fail(ErrorCode::interrupted, "stopped before the run was replayed");
  const Path replayed = workspace.folder / "reproduced" / record.id;
  const auto then = record.summary.at("adapter_sha256").get<std::string>();
  std::string now;
  // Earlier versions did not name the base in the file.
  for (const std::string& named : {local.model.sha256, std::string()}) {
    outcome.adapter.save(replayed, workspace.task.model, named);
    now = value_or_throw(sha256_file(replayed / "adapter_model.safetensors"));
    if (now == then) break;
  }
  const bool same = now == then;
  return {.run = record.id,
          .identical = same,
          .compared = 1,
          .different = same ? 0U : 1U,
          .largest = 0,
          .what = same ? fmt::format("the same adapter after {} steps, bit for bit (SHA-256 {})", outcome.steps, now)
                       : fmt::format("another adapter: SHA-256 {} then, {} now (another machine, thread count or "
                                     "build gives other last digits)",
                                     then, now)};
}

// Recorded answers against those that come now.
class Comparison {
 public:
  Comparison(const track::RunRecord& record, std::vector<eval::ScoredRow> then) {
    result_.run = record.id;
    for (auto& row : then) then_.emplace(row.id, std::move(row));
  }

  bool knows(const std::string& id) const { return then_.contains(id); }

  void add(const eval::ScoredRow& now) {
    const auto found = then_.find(now.id);
    if (found == then_.end()) return;
    const eval::ScoredRow& then = found->second;
    ++result_.compared;
    bool same = then.answer == now.answer && then.failed == now.failed &&
                then.label_probabilities.size() == now.label_probabilities.size();
    for (std::size_t i = 0; same && i < now.label_probabilities.size(); ++i) {
      const double apart = std::abs(then.label_probabilities[i].second - now.label_probabilities[i].second);
      result_.largest = std::max(result_.largest, apart);
      same = apart == 0;
    }
    if (!same) ++result_.different;
  }

  Reproduced result(const std::string& side) {
    result_.identical = result_.compared == then_.size() && result_.compared > 0 && result_.different == 0;
    result_.what =
        result_.identical
            ? fmt::format("the same answers and probabilities on all {} {} rows, bit for bit", result_.compared, side)
            : fmt::format("{} of {} {} rows differ; largest difference of a probability {:.2g}", result_.different,
                          result_.compared, side, result_.largest);
    return result_;
  }

 private:
  std::map<std::string, eval::ScoredRow> then_;
  Reproduced result_;
};

void check_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped before the run was replayed");
}

struct Asked {
  const std::vector<data::Row>& rows;
  // Asked one at a time after a warm-up, as they were: a local model keeps what requests share.
  std::set<std::string> alone;
};

void answer_again(const Workspace& workspace, const ContenderJob& job, const Asked& asked_then, Comparison& comparison,
                  const std::stop_token& stop) {
  const auto& [rows, alone] = asked_then;
  const auto responder = job.make();
  std::vector<const data::Row*> together;
  const auto ask = [&](std::span<const data::Row* const> asked) {
    std::vector<text::Request> requests;
    for (const auto* row : asked) requests.push_back(job.request(*row));
    responder->respond(
        requests,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          comparison.add(eval::score_row(*asked[i], reply, workspace.task));
        },
        stop);
    check_not_stopped(stop);
  };
  for (int i = 0; i < warm_up_requests && !alone.empty() && !rows.empty(); ++i) {
    const text::Request request = job.request(rows.front());
    responder->respond(
        {&request, 1}, [](std::size_t, const Result<text::Reply>&) {}, stop);
  }
  for (const auto& row : rows) {
    if (!comparison.knows(row.id)) continue;
    const data::Row* one = &row;
    alone.contains(row.id) ? ask({&one, 1}) : together.push_back(one);
  }
  if (!together.empty()) ask(together);
}

Reproduced replay_contender(const track::RunRecord& record, const Path& folder, const std::stop_token& stop) {
  const Workspace workspace = workspace_of(record, folder);
  const auto recorded = recorded_job(workspace, record);
  ContenderJob job = recorded->job;
  if (job.kind == eval::ContenderKind::probe) {
    // The head that was kept is part of what is replayed.
    job = probe_job_with(workspace, *recorded->local, [&] { return train_probe(workspace, *recorded->local, stop); });
  }
  auto test = workspace.store.rows(record.id, "test");
  const std::string side = test.empty() ? "validation" : "test";
  std::set<std::string> alone;
  if (test.empty()) {
    test = workspace.store.rows(record.id, "validation");
    for (const auto& row : workspace.store.rows(record.id, "latency")) alone.insert(row.id);
  }
  Comparison comparison(record, std::move(test));
  const Asked asked{.rows = side == "test" ? workspace.split.test : workspace.split.validation, .alone = alone};
  answer_again(workspace, job, asked, comparison, stop);
  return comparison.result(side);
}

Reproduced replay_evaluation(const track::RunRecord& record, const Path& folder, const track::Store& store,
                             const std::stop_token& stop) {
  const Json& manifest = record.manifest;
  const Path file = folder / manifest.at("data").at("file").get<std::string>();
  check_file(file, manifest.at("data").at("sha256").get<std::string>(), record);
  if (manifest.contains("patch")) {
    const Json& patch = manifest.at("patch");
    check_file(folder / patch.at("file").get<std::string>(), patch.at("sha256").get<std::string>(), record);
  }
  const Json& identity = manifest.at("eval");
  std::string model;
  for (const char* key : {"bundle", "run", "model", "adapter"}) {
    if (identity.contains(key)) model = identity.at(key).get<std::string>();
  }
  const data::Task task = recorded_task(manifest, folder);
  const ModelChoice choice{.base = identity.value("base", std::string()),
                           .precision = model::recorded_precision(identity)};
  ModelReference reference = resolve_model(model, folder, choice);
  if (reference.task && !task.constrain) reference.task->constrain = false;
  const auto answerer = Answerer::open(reference, &task);
  if (answerer->identity() != identity) {
    fail(ErrorCode::bad_input, "{} is not what run {} scored ({} then, {} now), so it cannot be replayed", model,
         record.id, to_text(identity), to_text(answerer->identity()));
  }
  const data::Imported imported = value_or_throw(data::import_patched(file, task));
  std::vector<std::string> inputs;
  for (const auto& row : imported.rows) inputs.push_back(row.input);
  Comparison comparison(record, store.rows(record.id, "test"));
  answerer->answer(
      inputs, {},
      [&](std::size_t i, const Result<text::Reply>& reply) {
        comparison.add(eval::score_row(imported.rows[i], reply, answerer->task()));
      },
      stop);
  check_not_stopped(stop);
  return comparison.result("scored");
}

}  // namespace

Reproduced reproduce(const Path& task, const std::string& run, std::stop_token stop, const Quiet& quiet) {
  const Path absolute = std::filesystem::absolute(task).lexically_normal();
  const Path folder = std::filesystem::is_directory(absolute) ? absolute : absolute.parent_path();
  const Path file = folder / ".hone" / "store.db";
  if (!std::filesystem::exists(file)) {
    fail(ErrorCode::bad_input, "{} holds no runs yet; `hone solve {}` makes some", printable(folder.string()),
         shell_word(folder.string()));
  }
  const track::Store store = track::Store::open(file);
  const track::RunRecord record = store.get(run);
  if (record.status != track::RunStatus::finished) {
    fail(ErrorCode::bad_input, "run {} did not finish, so there is nothing to compare with", record.id);
  }
  const auto needs = [&](const char* key) {
    if (record.manifest.is_object() && record.manifest.contains(key)) return;
    fail(ErrorCode::unsupported, "run {} ({}) does not record its {}, so it cannot be replayed", record.id, record.kind,
         key);
  };
  needs("task");
  if (record.kind == "eval") return replay_evaluation(record, folder, store, stop);
  needs("data_key");
  return record.kind == "train" ? replay_training(record, folder, std::move(stop), quiet)
                                : replay_contender(record, folder, stop);
}

}  // namespace hone::solve
