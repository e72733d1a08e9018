#include "solve/evaluate.h"

#include <unistd.h>

#include <set>

#include "base/hash.h"
#include "base/progress.h"
#include "data/import_patched.h"
#include "data/normal_text.h"
#include "data/task_json.h"
#include "data/task_rows.h"

namespace hone::solve {
namespace {

constexpr std::size_t rows_a_write = 32;

// The run in the task's store. What was answered is there, also when the process ends in the middle.
class Recording {
 public:
  Recording(const data::Task& task, const Json& manifest)
      : store_(track::Store::open(task.folder / ".hone" / "store.db")),
        alone_(FileLock::try_lock(task.folder / ".hone" / "eval.lock")) {
    // Where no other evaluation goes on, those that are still "running" belong to processes that were killed.
    if (alone_) store_.mark_interrupted([](const track::RunRecord& run) { return run.kind == "eval"; });
    run_ = store_.begin("eval", "eval", manifest);
  }

  const std::string& run() const { return run_; }

  void add(const eval::ScoredRow& row) {
    unwritten_.push_back(row);
    if (unwritten_.size() >= rows_a_write) write();
  }

  void finish(track::RunStatus status, const Json& summary) {
    write();
    store_.finish(run_, status, summary);
  }

 private:
  void write() {
    store_.append_rows(run_, "test", unwritten_);
    unwritten_.clear();
  }

  track::Store store_;
  Result<FileLock> alone_;
  std::string run_;
  std::vector<eval::ScoredRow> unwritten_;
};

Path rows_file_beside(const Path& data) {
  const Path folder = data.has_parent_path() ? data.parent_path() : Path(".");
  const std::string name = data.filename().string() + ".scored.jsonl";
  return ::access(folder.c_str(), W_OK) == 0 ? folder / name : Path(name);
}

Json eval_manifest(const EvalSpec& spec, const data::Task& task, const Json& identity) {
  const Path file = std::filesystem::absolute(spec.data).lexically_normal();
  Json manifest = {
      {"eval", identity},
      {"task", data::to_json(task)},
      {"data", {{"file", data::path_in_folder(file, task.folder)}, {"sha256", value_or_throw(sha256_file(file))}}}};
  std::error_code missing;
  if (task.data.patch && std::filesystem::exists(*task.data.patch, missing)) {
    manifest["patch"] = {{"file", data::path_in_folder(*task.data.patch, task.folder)},
                         {"sha256", value_or_throw(sha256_file(*task.data.patch))}};
  }
  return manifest;
}

// The task to score by: the named one, or the working folder's for what brings none.
std::optional<data::Task> named_task(const EvalSpec& spec, const ModelReference& reference) {
  if (spec.task.empty() && reference.kind == ModelKind::bundle) return std::nullopt;
  return value_or_throw(data::load_task(spec.task.empty() ? Path(".") : spec.task));
}

// From the schema, which says of answers still whether they are valid.
void free_answers(std::optional<data::Task>& task, ModelReference& reference) {
  const data::Task& asked = task ? *task : *reference.task;
  if (asked.schema.empty()) {
    fail(ErrorCode::usage, "--no-constraint: the task has no schema that answers are held to; leave it out");
  }
  if (task) task->constrain = false;
  if (reference.task) reference.task->constrain = false;
}

std::string lines_of(const std::vector<eval::ScoredRow>& rows) {
  std::string lines;
  for (const auto& row : rows) lines += to_text(eval::to_json(row)) + "\n";
  return lines;
}

// The scored rows in the order of `rows`; fewer when stopped.
std::vector<eval::ScoredRow> score_rows(Answerer& answerer, const std::vector<data::Row>& rows,
                                        const std::function<void(const eval::ScoredRow&)>& on_row,
                                        std::stop_token stop) {
  std::vector<std::string> inputs;
  for (const auto& row : rows) inputs.push_back(row.input);
  std::vector<std::optional<eval::ScoredRow>> scored(rows.size());
  answerer.answer(
      inputs, {},
      [&](std::size_t i, const Result<text::Reply>& reply) {
        scored[i] = eval::score_row(rows[i], reply, answerer.task());
        on_row(*scored[i]);
      },
      std::move(stop));
  std::vector<eval::ScoredRow> ended;
  for (auto& row : scored) {
    if (row) ended.push_back(std::move(*row));
  }
  return ended;
}

// The task whose rows the contender learned from: a run's own, a bundle's beside it or named, if it is that one.
std::optional<data::Task> task_learned(const EvalSpec& spec, const ModelReference& reference,
                                       const std::optional<data::Task>& named) {
  if (reference.kind != ModelKind::bundle) return named;
  std::vector<Path> folders = {std::filesystem::absolute(spec.model).lexically_normal() / "..", "."};
  if (named) folders.insert(folders.begin(), named->folder);
  for (const Path& folder : folders) {
    const auto task = data::load_task(folder.lexically_normal());
    if (task && task->name == reference.task->name && task->instruction == reference.task->instruction) return *task;
  }
  return std::nullopt;
}

std::size_t count_learned(const EvalSpec& spec, const ModelReference& reference, const std::optional<data::Task>& named,
                          const std::vector<data::Row>& rows) {
  if (!reference.learned) return 0;
  const auto task = task_learned(spec, reference, named);
  if (!task) return 0;
  const Path memory = task->folder / ".hone" / "split.json";
  std::error_code missing;
  if (!std::filesystem::exists(memory, missing)) return 0;
  auto all = data::read_task_rows(*task);
  if (!all) return 0;  // its files are gone or changed: nothing is known
  const data::Split split = data::split_remembered(std::move(all->sides), *task, memory).split;
  std::set<std::string> learned;
  for (const auto& row : split.train) learned.insert(data::canonical_text(row.input));
  return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [&](const data::Row& row) {
    return learned.contains(data::canonical_text(row.input));
  }));
}

}  // namespace

EvalOutcome evaluate(const EvalSpec& spec, std::stop_token stop) {
  ModelReference reference = resolve_model(spec.model, spec.task.empty() ? Path(".") : spec.task,
                                           {.base = spec.base, .precision = spec.precision});
  std::optional<data::Task> task = named_task(spec, reference);
  if (!spec.constrain) free_answers(task, reference);
  const data::Task& reading = task ? *task : *reference.task;
  data::Imported imported = value_or_throw(data::import_patched(spec.data, reading));
  if (imported.rows.empty()) {
    const std::size_t line = imported.rejected.empty() ? 1 : imported.rejected.front().line;
    const std::string why = imported.rejected.empty() ? "the file is empty" : imported.rejected.front().why;
    fail(ErrorCode::bad_input, "{}:{}: no usable row: {}", spec.data.string(), line, why);
  }
  const auto answerer = Answerer::open(reference, task ? &*task : nullptr);
  EvalOutcome outcome;
  outcome.task = answerer->task();
  outcome.notices = answerer->notices();
  outcome.rejected = std::move(imported.rejected);
  outcome.learned_rows = count_learned(spec, reference, task, imported.rows);
  outcome.rows_file = rows_file_beside(spec.data);
  std::optional<Recording> recording;
  if (task) {
    recording.emplace(*task, eval_manifest(spec, *task, answerer->identity()));
    outcome.run = recording->run();
    outcome.rows_file = task->folder / ".hone" / "rows" / (outcome.run + ".jsonl");
  }
  Progress progress({.label = "eval", .unit = "rows", .total = imported.rows.size(), .quiet = spec.quiet.progress});
  std::uint64_t done = 0;
  outcome.rows = score_rows(
      *answerer, imported.rows,
      [&](const eval::ScoredRow& row) {
        if (recording) recording->add(row);
        progress.update(++done);
      },
      stop);
  outcome.interrupted = outcome.rows.size() < imported.rows.size();
  outcome.metrics = eval::measure(outcome.rows, outcome.task, outcome.task.seed);
  if (recording) {
    recording->finish(outcome.interrupted ? track::RunStatus::interrupted : track::RunStatus::finished,
                      {{"test", eval::to_json(outcome.metrics)}});
  }
  write_file(outcome.rows_file, lines_of(outcome.rows));
  return outcome;
}

}  // namespace hone::solve
