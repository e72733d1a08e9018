// The store: every run with its manifest, steps and scored rows, in SQLite (WAL), <task folder>/.hone/store.db. All SQL
// lives in track/. What is appended is there for good when the call returns, also if the process is killed. Callers put
// no secrets into manifests.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "eval/score.h"
#include "train/train.h"

namespace hone::track {

enum class RunStatus { running, finished, failed, interrupted };
const char* name_of(RunStatus status);

struct RunRecord {
  std::string id;    // "r0007-ngram": ordinal and a short name, unique in the store
  std::string kind;  // "contender", "train", "eval"
  std::string name;  // the contender's
  RunStatus status = RunStatus::running;
  std::string started, ended;  // UTC
  Json manifest;               // all that is needed to replay it
  Json summary;                // metrics and outcome, filled at the end
};

class Store {
 public:
  // Opens or makes the store. Two processes may use it at once; one Store serves one thread. A read-only folder, a full
  // disk or a store locked for 20 s is a Failure (environment); a file that is no store, is empty or damaged is one
  // (bad_input), a store made by a newer Hone too (unsupported), naming both versions. A new store appears under its
  // name with its tables in it, so that an empty file is never a store that was just begun.
  static Store open(const Path& file);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // Begins a run: gives its id. `name` becomes part of the id. The calls below throw Failure (usage) for an unknown
  // run.
  std::string begin(const std::string& kind, const std::string& name, const Json& manifest);
  void append_step(const std::string& run, const train::StepEvent& step);
  void append_validation(const std::string& run, const train::Validation& validation);
  // `side` is "validation", "test", "latency" or the caller's own. A row already there (same run, side, id) is
  // replaced. All of `rows` are written, or none. A step or validation already there is replaced as well (a resumed run
  // writes it again).
  void append_rows(const std::string& run, const std::string& side, const std::vector<eval::ScoredRow>& rows);
  void finish(const std::string& run, RunStatus status, const Json& summary);
  // Marks those of the "running" runs as interrupted, for which `is_left` holds: no process works on them any more, as
  // the one that began them was killed. Returns how many.
  int mark_interrupted(const std::function<bool(const RunRecord&)>& is_left);

  std::vector<RunRecord> runs() const;                          // oldest first
  std::optional<RunRecord> find(const std::string& run) const;  // by id, or a unique beginning of it
  // The same. Failure (usage) names `run` and the runs that may be meant: all that begin with it, or the newest.
  RunRecord get(const std::string& run) const;
  std::vector<train::StepEvent> steps(const std::string& run) const;
  std::vector<train::Validation> validations(const std::string& run) const;
  std::vector<eval::ScoredRow> rows(const std::string& run, const std::string& side) const;
  // The newest run whose manifest["key"] is `key`, whatever became of it: what a resumed solve goes on with (a killed
  // start leaves one still "running").
  std::optional<RunRecord> newest_with_key(const std::string& key) const;
  // How often test rows were scored: one for each run that scored them, one more for each time it scored them again.
  int test_reads() const;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone::track
