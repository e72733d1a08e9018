#include "track/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace hone::track {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() /
        fmt::format("hone-store-{}-{}", ::getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Path file() const { return folder_ / ".hone" / "store.db"; }

  // Exit status of `work` in a process of its own.
  static int in_child(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  static void sql(const Path& path, const std::string& statement) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(connection, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(connection);
  }
  // The code of the Failure that opening `path` ends in.
  static std::pair<int, std::string> refusal(const Path& path) {
    try {
      Store::open(path);
    } catch (const Failure& failure) {
      return {exit_code(failure.code()), failure.what()};
    }
    return {0, ""};
  }

  Path folder_;
};

std::vector<eval::ScoredRow> some_rows(int n, const std::string& answer = "benign") {
  std::vector<eval::ScoredRow> rows;
  for (int i = 0; i < n; ++i) {
    eval::ScoredRow row;
    row.id = fmt::format("row {}", i);
    row.gold = "benign";
    row.answer = answer;
    row.label_probabilities = {{"benign", 0.5}, {"malicious", 0.5}};
    rows.push_back(row);
  }
  return rows;
}

TEST_F(StoreTest, KeepsARunAndAllItsPartsOverReopening) {
  std::string run;
  {
    Store store = Store::open(file());
    run = store.begin("train", "LoRA, r 16!", {{"key", "k1"}, {"seed", 7}});
    EXPECT_EQ(run, "r0001-lora-r-16");
    train::StepEvent step;
    step.step = 3;
    step.loss = 0.25;
    step.tokens = 99;
    store.append_step(run, step);
    step.loss = std::numeric_limits<double>::quiet_NaN();
    step.step = 4;
    step.skipped = true;
    store.append_step(run, step);
    store.append_validation(run, {3, 0.9, 0.4});
    store.append_rows(run, "validation", some_rows(3));
    store.finish(run, RunStatus::finished, {{"steps", 4}});
  }
  const Store store = Store::open(file());
  const auto record = store.find(run);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, RunStatus::finished);
  EXPECT_EQ(record->name, "LoRA, r 16!");
  EXPECT_EQ(record->manifest["seed"], 7);
  EXPECT_EQ(record->summary["steps"], 4);
  EXPECT_FALSE(record->ended.empty());
  ASSERT_EQ(store.steps(run).size(), 2u);
  EXPECT_EQ(store.steps(run)[0].loss, 0.25);
  EXPECT_EQ(store.steps(run)[0].tokens, 99);
  EXPECT_TRUE(std::isnan(store.steps(run)[1].loss));
  EXPECT_TRUE(store.steps(run)[1].skipped);
  ASSERT_EQ(store.validations(run).size(), 1u);
  EXPECT_EQ(store.validations(run)[0].metric, 0.9);
  ASSERT_EQ(store.rows(run, "validation").size(), 3u);
  EXPECT_EQ(store.rows(run, "validation")[2].id, "row 2");
  EXPECT_TRUE(store.rows(run, "test").empty());
}

TEST_F(StoreTest, ReplacesARowWrittenAgainAndCountsTestReads) {
  Store store = Store::open(file());
  const std::string first = store.begin("contender", "a", {});
  store.append_rows(first, "validation", some_rows(4));
  EXPECT_EQ(store.test_reads(), 0);
  store.append_rows(first, "test", some_rows(2));
  store.append_rows(first, "test", {some_rows(4).back()});
  EXPECT_EQ(store.test_reads(), 1);
  store.append_rows(store.begin("contender", "b", {}), "test", some_rows(1));
  EXPECT_EQ(store.test_reads(), 2);
  store.append_rows(first, "test", some_rows(2, "malicious"));
  EXPECT_EQ(store.test_reads(), 3);
  ASSERT_EQ(store.rows(first, "test").size(), 3u);
  EXPECT_EQ(store.rows(first, "test")[0].answer, "malicious");
}

TEST_F(StoreTest, FindsByIdOrUniqueBeginning) {
  Store store = Store::open(file());
  const std::string a = store.begin("contender", "alpha", {});
  const std::string b = store.begin("contender", "beta", {});
  EXPECT_EQ(store.find("r0002")->id, b);
  EXPECT_EQ(store.find(a)->id, a);
  EXPECT_FALSE(store.find("r00"));
  EXPECT_FALSE(store.find("%"));
  EXPECT_FALSE(store.find(""));
  EXPECT_EQ(store.runs().size(), 2u);
}

TEST_F(StoreTest, FindsTheNewestRunOfAKeyWhateverBecameOfIt) {
  Store store = Store::open(file());
  const Json manifest{{"key", "same"}};
  EXPECT_FALSE(store.newest_with_key("same"));
  const std::string first = store.begin("contender", "a", manifest);
  store.finish(first, RunStatus::finished, {});
  EXPECT_EQ(store.newest_with_key("same")->id, first);
  const std::string second = store.begin("contender", "a", manifest);  // killed: stays "running"
  store.begin("contender", "a", {{"key", "other"}});
  store.begin("contender", "a", {});
  EXPECT_EQ(store.newest_with_key("same")->id, second);
  EXPECT_EQ(store.newest_with_key("same")->status, RunStatus::running);
  EXPECT_FALSE(store.newest_with_key(""));
}

TEST_F(StoreTest, RefusesAnUnknownRun) {
  Store store = Store::open(file());
  EXPECT_THROW(store.append_rows("r9", "test", some_rows(1)), Failure);
  EXPECT_THROW(store.finish("r9", RunStatus::finished, {}), Failure);
}

TEST_F(StoreTest, ServesSeveralProcessesAtOnce) {
  constexpr int processes = 4;
  constexpr int runs_each = 5;
  std::vector<pid_t> children;
  for (int child = 0; child < processes; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        Store store = Store::open(file());  // all of them race to make it
        for (int i = 0; i < runs_each; ++i) {
          const std::string run = store.begin("contender", fmt::format("p{}", child), {});
          for (int batch = 0; batch < 4; ++batch) store.append_rows(run, fmt::format("side {}", batch), some_rows(20));
          store.finish(run, RunStatus::finished, {});
        }
        ::_exit(0);
      } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        ::_exit(1);
      }
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const Store store = Store::open(file());
  ASSERT_EQ(store.runs().size(), static_cast<std::size_t>(processes * runs_each));
  std::set<std::string> ids;
  for (const RunRecord& run : store.runs()) {
    ids.insert(run.id);
    EXPECT_EQ(store.rows(run.id, "side 3").size(), 20u);
  }
  EXPECT_EQ(ids.size(), store.runs().size());
}

TEST_F(StoreTest, LosesNothingAppendedWhenKilled) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Store store = Store::open(file());
    const std::string run = store.begin("contender", "killed", {});
    for (int i = 0;; ++i) {
      store.append_rows(run, fmt::format("batch {}", i), some_rows(50));
      if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(1);  // this batch is recorded
    }
  }
  int batch = 0;
  while (batch < 12) ASSERT_EQ(::read(pipe_ends[0], &batch, sizeof batch), static_cast<ssize_t>(sizeof batch));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  Store store = Store::open(file());
  ASSERT_EQ(store.runs().size(), 1u);
  const std::string run = store.runs()[0].id;
  EXPECT_EQ(store.runs()[0].status, RunStatus::running);
  for (int i = 0; i <= batch; ++i) EXPECT_EQ(store.rows(run, fmt::format("batch {}", i)).size(), 50u);
  for (int i = batch + 1; i < batch + 3; ++i) {
    const std::size_t half_done = store.rows(run, fmt::format("batch {}", i)).size();
    EXPECT_TRUE(half_done == 0 || half_done == 50) << half_done;
  }
  store.finish(run, RunStatus::finished, {});
}

TEST_F(StoreTest, RefusesWhatIsNoStore) {
  std::filesystem::create_directories(file().parent_path());
  std::ofstream(file()) << "this is a text file that someone called store.db, long enough to have a header\n"
                        << std::string(200, 'x');
  EXPECT_EQ(refusal(file()).first, 3);
  EXPECT_NE(refusal(file()).second.find("store.db"), std::string::npos);
  std::filesystem::remove(file());
  sql(file(), "CREATE TABLE cats(name TEXT)");
  EXPECT_EQ(refusal(file()).first, 3);
  EXPECT_NE(refusal(file()).second.find("not a store of Hone, or it is damaged"), std::string::npos);
}

TEST_F(StoreTest, DamageHasOneDiagnosisWhereverItShows) {
  const auto reading = [&] {
    try {
      const Store store = Store::open(file());
      for (const auto& run : store.runs()) store.rows(run.id, "test");
    } catch (const Failure& failure) {
      return fmt::format("{} {}", exit_code(failure.code()), failure.what());
    }
    return std::string("0");
  };
  const auto expect_damage = [&](const std::string& what) {
    const std::string seen = reading();
    EXPECT_EQ(seen.find(fmt::format("3 {}: this is not a store of Hone, or it is damaged (", file().string())), 0U)
        << what << ": " << seen;
    EXPECT_NE(seen.find("put a copy of it back, or move it away"), std::string::npos) << what << ": " << seen;
  };
  const auto fresh = [&] {
    std::filesystem::remove_all(file().parent_path());
    Store store = Store::open(file());
    store.append_rows(store.begin("contender", "one", {}), "test", some_rows(200));
  };
  fresh();
  EXPECT_EQ(reading(), "0");
  std::filesystem::resize_file(file(), 0);
  expect_damage("empty");
  fresh();
  std::filesystem::resize_file(file(), 6000);
  expect_damage("cut off");
  fresh();
  std::fstream(file(), std::ios::in | std::ios::out | std::ios::binary) << "not SQLite at all";
  expect_damage("another head");
  fresh();
  sql(file(), "DROP TABLE rows");
  expect_damage("a table is gone");
  fresh();
  sql(file(), "UPDATE runs SET manifest = '{'");
  expect_damage("a manifest is no JSON");
  fresh();
  sql(file(), "UPDATE rows SET row = '[]'");
  expect_damage("a row is no row");
}

TEST_F(StoreTest, ARunThatIsNotFoundIsNamedWithThoseThatMayBeMeant) {
  Store store = Store::open(file());
  const auto refusal_of = [&](const std::string& run) {
    try {
      return store.get(run).id;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ErrorCode::usage);
      return std::string(failure.what());
    }
  };
  EXPECT_NE(refusal_of("r1").find("none is recorded yet"), std::string::npos) << refusal_of("r1");
  store.begin("contender", "one", {});
  store.begin("contender", "two", {});
  EXPECT_EQ(refusal_of("r0002"), "r0002-two");
  EXPECT_EQ(refusal_of("r000").find("\"r000\" may be any of 2 runs: r0002-two, r0001-one; write more"), 0U);
  EXPECT_NE(refusal_of("r9").find("there is no run \"r9\""), std::string::npos);
  EXPECT_NE(refusal_of("r9").find("r0002-two, r0001-one"), std::string::npos) << refusal_of("r9");
  EXPECT_NE(refusal_of("r0001-onw").find("did you mean r0001-one?"), std::string::npos) << refusal_of("r0001-onw");
}

TEST_F(StoreTest, RunsOfKilledProcessesAreMarkedAndNoOthers) {
  Store store = Store::open(file());
  const std::string left = store.begin("train", "left", {});
  const std::string ended = store.begin("train", "ended", {});
  const std::string other = store.begin("eval", "other", {});
  store.finish(ended, RunStatus::finished, {{"steps", 3}});
  EXPECT_EQ(store.mark_interrupted([](const RunRecord& run) { return run.kind == "train"; }), 1);
  EXPECT_EQ(store.get(left).status, RunStatus::interrupted);
  EXPECT_FALSE(store.get(left).ended.empty());
  EXPECT_EQ(store.get(ended).status, RunStatus::finished);
  EXPECT_EQ(store.get(other).status, RunStatus::running);
}

TEST_F(StoreTest, RefusesANewerVersionByNumber) {
  Store::open(file());
  sql(file(), "PRAGMA user_version = 99");
  const auto [code, message] = refusal(file());
  EXPECT_EQ(code, 3);
  EXPECT_NE(message.find("99"), std::string::npos);
}

TEST_F(StoreTest, ReadOnlyFolderIsAnEnvironmentFailure) {
  ::chmod(folder_.c_str(), 0555);
  const int code = in_child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 99;  // root may write anywhere
    return refusal(file()).first;
  });
  ::chmod(folder_.c_str(), 0755);
  EXPECT_EQ(code, 4);
}

TEST_F(StoreTest, FullDiskIsAnEnvironmentFailureAndKeepsWhatWasThere) {
  {
    Store store = Store::open(file());
    store.append_rows(store.begin("contender", "before", {}), "test", some_rows(5));
  }
  const int code = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};  // writes beyond this fail, as on a full disk
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 99;
    try {
      Store store = Store::open(file());
      store.append_rows(store.begin("contender", "big", {}), "test", some_rows(20'000));
    } catch (const Failure& failure) {
      return exit_code(failure.code());
    }
    return 0;
  });
  EXPECT_EQ(code, 4);
  const Store store = Store::open(file());
  EXPECT_EQ(store.rows(store.find("r0001")->id, "test").size(), 5u);
  EXPECT_LE(store.test_reads(), 1);
}

}  // namespace
}  // namespace hone::track
