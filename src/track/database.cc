#include "track/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <limits>
#include <thread>

#include "base/terminal.h"

namespace hone::track {
namespace {

constexpr int wait_for_others_ms = 20'000;

[[noreturn]] void refuse_damaged_file(const Path& file, const std::string& detail) {
  fail(
      ErrorCode::bad_input,
      "{}: this is not a store of Hone, or it is damaged ({}); put a copy of it back, or move it away to begin with no "
      "runs",
      printable(file.string()), printable(detail));
}

// Like refuse(), for a connection that may not have opened.
[[noreturn]] void refuse_file(const Path& file, int code, const std::string& detail, const char* doing) {
  const std::string where = fmt::format("{}: {} ({})", file.string(), doing, detail);
  switch (code & 0xff) {
    case SQLITE_FULL:
      fail(ErrorCode::environment, "{}: the disk is full; make room and run it again, nothing recorded is lost", where);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      fail(ErrorCode::environment, "{}: the folder can't be written to; check its permissions or choose another",
           where);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      fail(ErrorCode::environment, "{}: another process has kept the store locked for {} s; end it or try again", where,
           wait_for_others_ms / 1000);
    case SQLITE_ERROR:  // a table or column that is not there
    case SQLITE_FORMAT:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      refuse_damaged_file(file, detail);
    case SQLITE_IOERR:
      fail(ErrorCode::environment, "{}: reading or writing failed; check the disk and its free space", where);
    default:
      fail(ErrorCode::environment, "{}: the store can't be used", where);
  }
}

// A store in a folder on a disk or of an owner that lets us read only. What another process left in the log beside it
// cannot be read without writing there, so such a store is opened as any other, and refused.
bool cannot_be_written(const Path& file) {
  std::error_code error;
  const Path log = file.string() + "-wal";
  const bool has_log = std::filesystem::exists(log, error) && std::filesystem::file_size(log, error) > 0;
  return std::filesystem::exists(file, error) && !has_log &&
         ::access(std::filesystem::absolute(file).parent_path().c_str(), W_OK) != 0;
}

// https://www.sqlite.org/uri.html: nothing is locked and nothing written, not even beside the file.
std::string immutable_uri(const Path& file) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                          c == '.' || c == '-' || c == '_';
    uri += is_plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return uri + "?immutable=1";
}

}  // namespace

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  if (const int code = sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      code != SQLITE_OK) {
    database_->refuse(code, "can't take a value");
  }
  return *this;
}

Query& Query::bind(double value) {
  if (const int code = sqlite3_bind_double(statement_, ++bound_, value); code != SQLITE_OK) {
    database_->refuse(code, "can't take a value");
  }
  return *this;
}

Query& Query::bind(std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, ++bound_, value); code != SQLITE_OK) {
    database_->refuse(code, "can't take a value");
  }
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_->refuse(code, sqlite3_stmt_readonly(statement_) ? "can't read" : "can't write");
  return false;
}

void Query::run() {
  while (step()) {
  }
}

std::string Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string{} : std::string(data, static_cast<std::size_t>(size));
}

double Query::real(int column) const {
  // SQLite keeps NaN as NULL.
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(statement_, column);
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

Database::Database(const Path& file) : file_(file) {
  std::error_code missing;
  if (std::filesystem::file_size(file, missing) == 0 && !missing) refuse_damaged_file(file, "it is empty");
  is_read_only_ = cannot_be_written(file);
  const int flags = is_read_only_ ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE
                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE;
  const std::string name = is_read_only_ ? immutable_uri(file) : file.string();
  const int code = sqlite3_open_v2(name.c_str(), &connection_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string detail = connection_ != nullptr ? sqlite3_errmsg(connection_) : "out of memory";
    sqlite3_close(connection_);
    refuse_file(file, code, detail, "can't open the store");
  }
  sqlite3_busy_timeout(connection_, wait_for_others_ms);
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Query Database::query(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) refuse(code, "can't read");
  }
  return {*this, statement};
}

void Database::execute(const char* sql) {
  if (const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) {
    refuse(code, "can't write");
  }
}

void Database::use_write_ahead_log() {
  // Changing the mode needs the file alone, and SQLite does not wait for that by itself.
  constexpr int attempts = 200;
  int code = SQLITE_BUSY;
  for (int attempt = 0; attempt < attempts && code == SQLITE_BUSY; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(25));
    code = sqlite3_exec(connection_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr) & 0xff;
  }
  if (code != SQLITE_OK) refuse(code, "can't write");
}

std::int64_t Database::pragma(const char* sql) {
  Query asked = query(sql);
  return asked.step() ? asked.integer(0) : 0;
}

std::int64_t Database::last_inserted() const { return sqlite3_last_insert_rowid(connection_); }

void Database::refuse(int code, const char* doing) { refuse_file(file_, code, sqlite3_errmsg(connection_), doing); }

void Database::refuse_damaged(const std::string& detail) const { refuse_damaged_file(file_, detail); }

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Failure&) {
    // SQLite has rolled back by itself; the first failure is already on its way.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace hone::track
