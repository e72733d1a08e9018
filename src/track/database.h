// SQLite, wrapped: a connection and its prepared statements. Every failure is a Failure that names the file, what was
// tried and what to do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/files.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hone::track {

class Database;

// A prepared statement in use: bind in order, step, read columns. Reset when destroyed, so that no read lock outlives
// it. Borrowed from its Database and not to be kept longer.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  Query& bind(std::string_view text);
  Query& bind(double value);
  Query& bind(std::int64_t value);
  // True while there is a row.
  bool step();
  // Runs to the end, for statements that give no rows.
  void run();
  std::string text(int column) const;
  double real(int column) const;
  std::int64_t integer(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

// One connection, for one thread. Other processes may use the same file: a busy one is waited for.
class Database {
 public:
  // Where the folder cannot be written to, for reading only.
  explicit Database(const Path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The statement for `sql`, prepared once. Only one Query of the same text may be alive.
  Query query(const char* sql);
  // Statements without parameters, one after another.
  void execute(const char* sql);
  bool is_read_only() const { return is_read_only_; }
  // Readers and one writer at a time without waiting for each other; kept in the file.
  void use_write_ahead_log();
  // The first column of the first row, or 0.
  std::int64_t pragma(const char* sql);
  std::int64_t last_inserted() const;
  const Path& file() const { return file_; }
  // Throws what SQLite's result `code` means to a user.
  [[noreturn]] void refuse(int code, const char* doing);
  // Throws that the file is no store or a damaged one, `detail` being what was seen: one message for all that shows it.
  [[noreturn]] void refuse_damaged(const std::string& detail) const;

 private:
  bool is_read_only_ = false;
  sqlite3* connection_ = nullptr;
  Path file_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

// BEGIN IMMEDIATE ... COMMIT; rolled back when destroyed before commit().
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace hone::track
