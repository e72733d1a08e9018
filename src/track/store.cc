#include "track/store.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/clock.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "data/normal_text.h"
#include "track/database.h"

namespace hone::track {
namespace {

constexpr std::int64_t schema_version = 1;
constexpr std::int64_t application_id = 0x486f6e65;  // "Hone"

constexpr const char* schema = R"sql(
CREATE TABLE runs(
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL, started TEXT NOT NULL, ended TEXT NOT NULL, reuse_key TEXT NOT NULL, manifest TEXT NOT NULL,
  summary TEXT NOT NULL);
CREATE INDEX runs_by_key ON runs(reuse_key, name);
CREATE TABLE steps(
  run TEXT NOT NULL REFERENCES runs(id), step INTEGER NOT NULL, steps INTEGER NOT NULL, epoch REAL, loss REAL,
  gradient_norm REAL, learning_rate REAL, tokens INTEGER NOT NULL, computed INTEGER NOT NULL, seconds REAL,
  skipped INTEGER NOT NULL, PRIMARY KEY(run, step)) WITHOUT ROWID;
CREATE TABLE validations(
  run TEXT NOT NULL REFERENCES runs(id), step INTEGER NOT NULL, metric REAL, loss REAL,
  PRIMARY KEY(run, step)) WITHOUT ROWID;
CREATE TABLE rows(
  ordinal INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id), side TEXT NOT NULL, id TEXT NOT NULL,
  row TEXT NOT NULL, writes INTEGER NOT NULL DEFAULT 1, UNIQUE(run, side, id));
)sql";

// "Few-shot, 8 examples" -> "few-shot-8-examples".
std::string slug(const std::string& name) {
  constexpr std::size_t longest = 32;
  std::string result;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (plain || lower != c) {
      result += lower;
    } else if (!result.empty() && result.back() != '-') {
      result += '-';
    }
    if (result.size() == longest) break;
  }
  while (!result.empty() && result.back() == '-') result.pop_back();
  return result.empty() ? "run" : result;
}

RunStatus status_from(const std::string& name) {
  for (const RunStatus status : {RunStatus::running, RunStatus::finished, RunStatus::failed}) {
    if (name == name_of(status)) return status;
  }
  return RunStatus::interrupted;
}

// What the store holds as JSON was written by it: what cannot be read is damage of the file.
Json stored_json(Database& database, const Query& query, int column, const std::string& what) {
  auto json = parse_json(query.text(column), what);
  if (!json) database.refuse_damaged(json.error().message);
  return std::move(*json);
}

// Columns of a run, in the order that run_from() reads.
#define HONE_RUN_COLUMNS "id, kind, name, status, started, ended, manifest, summary"

RunRecord run_from(Database& database, const Query& query) {
  RunRecord run;
  run.id = query.text(0);
  run.kind = query.text(1);
  run.name = query.text(2);
  run.status = status_from(query.text(3));
  run.started = query.text(4);
  run.ended = query.text(5);
  run.manifest = stored_json(database, query, 6, "manifest of run " + run.id);
  run.summary = stored_json(database, query, 7, "summary of run " + run.id);
  return run;
}

void make_folder(const Path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    fail(ErrorCode::environment,
         "{}: can't make the folder for the store ({}); check its permissions or choose another place",
         file.parent_path().string(), error.message());
  }
}

// Refuses files of others and of newer versions.
void prepare(Database& database) {
  if (database.pragma("PRAGMA application_id") != application_id) {
    database.refuse_damaged("it does not bear the mark of a store");
  }
  const std::int64_t version = database.pragma("PRAGMA user_version");
  if (version > schema_version) {
    fail(ErrorCode::unsupported,
         "{}: made by a newer Hone (store version {}, this one reads up to {}); update Hone, or move the file away",
         database.file().string(), version, schema_version);
  }
  if (database.is_read_only()) return;
  database.use_write_ahead_log();
  database.execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
}

void make_tables(const Path& file) {
  Database database(file);
  Transaction transaction(database);
  database.execute(schema);
  database.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, schema_version).c_str());
  transaction.commit();
}

// Made aside and then given its name, unless another process was first.
void make_store(const Path& file) {
  static std::atomic<int> made = 0;
  const Path aside = file.string() + fmt::format(".new-{}-{}", ::getpid(), ++made);
  std::error_code ignored;
  try {
    make_tables(aside);
    if (::link(aside.c_str(), file.c_str()) != 0 && errno != EEXIST) {
      // A file system without links.
      if (::rename(aside.c_str(), file.c_str()) != 0) {
        fail(ErrorCode::environment, "{}: can't make the store ({}); check the folder's permissions or choose another",
             file.string(), std::generic_category().message(errno));
      }
    }
  } catch (...) {
    std::filesystem::remove(aside, ignored);
    throw;
  }
  std::filesystem::remove(aside, ignored);
}

}  // namespace

struct Store::State {
  explicit State(const Path& file) : database(file) { prepare(database); }
  Database database;

  void require(const std::string& run) {
    Query query = database.query("SELECT 1 FROM runs WHERE id = ?");
    if (!query.bind(run).step()) {
      fail(ErrorCode::usage, "{}: there is no run \"{}\"", database.file().string(), run);
    }
  }
};

const char* name_of(RunStatus status) {
  switch (status) {
    case RunStatus::running:
      return "running";
    case RunStatus::finished:
      return "finished";
    case RunStatus::failed:
      return "failed";
    case RunStatus::interrupted:
      return "interrupted";
  }
  return "";
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const Path& file) {
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) make_folder(std::filesystem::absolute(file));
  if (!std::filesystem::exists(file, missing)) make_store(file);
  return Store(std::make_unique<State>(file));
}

std::string Store::begin(const std::string& kind, const std::string& name, const Json& manifest) {
  Database& database = state_->database;
  const auto key = manifest.is_object() ? manifest.find("key") : manifest.end();
  const bool has_key = manifest.is_object() && key != manifest.end() && key->is_string();
  Transaction transaction(database);
  // The id holds the ordinal, which is known only once the row is there.
  database
      .query(
          "INSERT INTO runs(id, kind, name, status, started, ended, reuse_key, manifest, summary) "
          "VALUES('', ?, ?, ?, ?, '', ?, ?, 'null')")
      .bind(kind)
      .bind(name)
      .bind(std::string_view(name_of(RunStatus::running)))
      .bind(utc_now())
      .bind(has_key ? key->get_ref<const std::string&>() : std::string{})
      .bind(to_text(manifest))
      .run();
  const std::int64_t ordinal = database.last_inserted();
  const std::string id = fmt::format("r{:04}-{}", ordinal, slug(name));
  database.query("UPDATE runs SET id = ? WHERE ordinal = ?").bind(id).bind(ordinal).run();
  transaction.commit();
  return id;
}

void Store::append_step(const std::string& run, const train::StepEvent& step) {
  state_->require(run);
  state_->database
      .query(
          "INSERT OR REPLACE INTO steps(run, step, steps, epoch, loss, gradient_norm, learning_rate, tokens, computed, "
          "seconds, skipped) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(run)
      .bind(std::int64_t{step.step})
      .bind(std::int64_t{step.steps})
      .bind(step.epoch)
      .bind(step.loss)
      .bind(step.gradient_norm)
      .bind(step.learning_rate)
      .bind(step.tokens)
      .bind(step.computed)
      .bind(step.seconds)
      .bind(std::int64_t{step.skipped})
      .run();
}

void Store::append_validation(const std::string& run, const train::Validation& validation) {
  state_->require(run);
  state_->database.query("INSERT OR REPLACE INTO validations(run, step, metric, loss) VALUES(?, ?, ?, ?)")
      .bind(run)
      .bind(std::int64_t{validation.step})
      .bind(validation.metric)
      .bind(validation.loss)
      .run();
}

void Store::append_rows(const std::string& run, const std::string& side, const std::vector<eval::ScoredRow>& rows) {
  if (rows.empty()) return;
  state_->require(run);
  Transaction transaction(state_->database);
  for (const eval::ScoredRow& row : rows) {
    state_->database
        .query(
            "INSERT INTO rows(run, side, id, row) VALUES(?, ?, ?, ?) "
            "ON CONFLICT(run, side, id) DO UPDATE SET row = excluded.row, writes = writes + 1")
        .bind(run)
        .bind(side)
        .bind(row.id)
        .bind(to_text(eval::to_json(row)))
        .run();
  }
  transaction.commit();
}

void Store::finish(const std::string& run, RunStatus status, const Json& summary) {
  state_->require(run);
  state_->database.query("UPDATE runs SET status = ?, ended = ?, summary = ? WHERE id = ?")
      .bind(std::string_view(name_of(status)))
      .bind(utc_now())
      .bind(to_text(summary))
      .bind(run)
      .run();
}

int Store::mark_interrupted(const std::function<bool(const RunRecord&)>& is_left) {
  int marked = 0;
  for (const RunRecord& run : runs()) {
    if (run.status != RunStatus::running || !is_left(run)) continue;
    finish(run.id, RunStatus::interrupted, run.summary);
    ++marked;
  }
  return marked;
}

std::vector<RunRecord> Store::runs() const {
  std::vector<RunRecord> found;
  Query query = state_->database.query("SELECT " HONE_RUN_COLUMNS " FROM runs ORDER BY ordinal");
  while (query.step()) found.push_back(run_from(state_->database, query));
  return found;
}

std::optional<RunRecord> Store::find(const std::string& run) const {
  if (run.empty()) return std::nullopt;
  std::vector<RunRecord> found;
  Query query = state_->database.query("SELECT " HONE_RUN_COLUMNS
                                       " FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, ordinal "
                                       "LIMIT 2");
  query.bind(run);
  while (query.step()) found.push_back(run_from(state_->database, query));
  if (found.empty() || (found.size() > 1 && found.front().id != run)) return std::nullopt;
  return found.front();
}

RunRecord Store::get(const std::string& run) const {
  constexpr std::size_t most_named = 6;
  if (auto found = find(run)) return std::move(*found);
  std::vector<std::string> all;
  std::vector<std::string> begun;
  Query query = state_->database.query("SELECT id FROM runs ORDER BY ordinal DESC");
  while (query.step()) {
    all.push_back(query.text(0));
    if (!run.empty() && all.back().starts_with(run)) begun.push_back(all.back());
  }
  const std::string folder = state_->database.file().parent_path().parent_path().string();
  const std::string where = shell_word(folder.empty() ? "." : folder);
  if (!begun.empty()) {
    fail(ErrorCode::usage,
         "\"{}\" may be any of {} runs: {}; write more of the one that is meant (`hone runs list {}` names all)",
         printable(run), begun.size(), data::name_list(begun, most_named), where);
  }
  if (all.empty()) {
    fail(ErrorCode::usage, "there is no run \"{}\": none is recorded yet; `hone solve {}` makes some", printable(run),
         where);
  }
  const std::string near = data::nearest_name(run, all);
  fail(ErrorCode::usage, "there is no run \"{}\"{}; the newest are {}; `hone runs list {}` names all", printable(run),
       near.empty() ? "" : fmt::format("; did you mean {}?", near), data::name_list(all, most_named), where);
}

std::vector<train::StepEvent> Store::steps(const std::string& run) const {
  std::vector<train::StepEvent> found;
  Query query = state_->database.query(
      "SELECT step, steps, epoch, loss, gradient_norm, learning_rate, tokens, computed, seconds, skipped FROM steps "
      "WHERE run = ? ORDER BY step");
  query.bind(run);
  while (query.step()) {
    train::StepEvent step;
    step.step = static_cast<int>(query.integer(0));
    step.steps = static_cast<int>(query.integer(1));
    step.epoch = query.real(2);
    step.loss = query.real(3);
    step.gradient_norm = query.real(4);
    step.learning_rate = query.real(5);
    step.tokens = query.integer(6);
    step.computed = query.integer(7);
    step.seconds = query.real(8);
    step.skipped = query.integer(9) != 0;
    found.push_back(step);
  }
  return found;
}

std::vector<train::Validation> Store::validations(const std::string& run) const {
  std::vector<train::Validation> found;
  Query query = state_->database.query("SELECT step, metric, loss FROM validations WHERE run = ? ORDER BY step");
  query.bind(run);
  while (query.step()) {
    train::Validation validation;
    validation.step = static_cast<int>(query.integer(0));
    validation.metric = query.real(1);
    validation.loss = query.real(2);
    found.push_back(validation);
  }
  return found;
}

std::vector<eval::ScoredRow> Store::rows(const std::string& run, const std::string& side) const {
  std::vector<eval::ScoredRow> found;
  Query query = state_->database.query("SELECT row FROM rows WHERE run = ? AND side = ? ORDER BY ordinal");
  query.bind(run).bind(side);
  while (query.step()) {
    auto row = eval::scored_row_from_json(stored_json(state_->database, query, 0, "a row of run " + run));
    if (!row) state_->database.refuse_damaged(fmt::format("a row of run {}: {}", run, row.error().message));
    found.push_back(std::move(*row));
  }
  return found;
}

std::optional<RunRecord> Store::newest_with_key(const std::string& key) const {
  if (key.empty()) return std::nullopt;
  Query query =
      state_->database.query("SELECT " HONE_RUN_COLUMNS " FROM runs WHERE reuse_key = ? ORDER BY ordinal DESC LIMIT 1");
  query.bind(key);
  if (!query.step()) return std::nullopt;
  return run_from(state_->database, query);
}

int Store::test_reads() const {
  // A run that scored the same test row twice has read the test side twice.
  return static_cast<int>(state_->database.pragma(
      "SELECT coalesce(sum(most), 0) FROM (SELECT max(writes) AS most FROM rows WHERE side = 'test' GROUP BY run)"));
}

}  // namespace hone::track
