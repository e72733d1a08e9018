// Laws of base/: parsing is bounded, hashes and random numbers match published vectors, writes are never half done,
// shown text cannot move the cursor.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/terminal.h"
#include "base/threads.h"
#include "base/write_parts.h"
#include "base/zip.h"

namespace hone {
namespace {

class BaseTest : public ::testing::Test {
 protected:
  Path folder_ = std::filesystem::temp_directory_path() / fmt::format("hone-base-{}", ::getpid());
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
};

TEST(Json, ErrorNamesPlaceAndPosition) {
  const auto parsed = parse_json("{\"a\": }", "rows.jsonl:17");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("rows.jsonl:17"), std::string::npos);
  EXPECT_NE(parsed.error().message.find("column 7"), std::string::npos) << parsed.error().message;
}

TEST(Json, DeepNestingIsRefusedNotCrashed) {
  EXPECT_TRUE(is_utf8(parse_json("{\"a\": \"\xff\"}", "x").error().message)) << "bytes it quotes are made printable";
  EXPECT_FALSE(parse_json(std::string(2'000'000, '['), "x"));
  EXPECT_TRUE(parse_json("\"" + std::string(5000, '[') + "\"", "x")) << "brackets in strings are not nesting";
}

TEST(Json, InvalidUtf8IsReplacedWhenWritten) { EXPECT_EQ(to_text(Json("a\xff")), "\"a\xEF\xBF\xBD\""); }

TEST(Hash, Sha256MatchesThePublishedVector) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Rng, PhiloxMatchesThePublishedVector) {
  // Random123's known-answer test: counter 0, key 0 gives 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
  EXPECT_EQ(Rng(0, 0).next(), 0xe169c58d6627e8d5ULL);
}

TEST(Rng, SeekContinuesTheSequence) {
  Rng whole(7, 3);
  for (int i = 0; i < 10; ++i) whole.next();
  Rng resumed(7, 3);
  resumed.seek(10);
  EXPECT_EQ(whole.next(), resumed.next());
}

TEST(Rng, NormalHasUnitVariance) {
  Rng rng(1);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double value = rng.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.02);
  EXPECT_NEAR(squares / 1e5, 1, 0.02);
}

TEST_F(BaseTest, WriteReplacesWholeFileAndLeavesNothingAside) {
  write_file(folder_ / "deep" / "a.txt", "one");
  write_file(folder_ / "deep" / "a.txt", "two");
  EXPECT_EQ(*read_file(folder_ / "deep" / "a.txt"), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "deep"), {}), 1);
}

TEST_F(BaseTest, FullDiskLeavesTheOldFile) {
  write_file(folder_ / "a.txt", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    // A file-size limit stands in for a full disk: write() fails in the same place.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(folder_ / "a.txt", std::string(100, 'x'));
    } catch (const Failure& failure) {
      std::_Exit(failure.code() == ErrorCode::environment ? 0 : 1);
    }
    std::_Exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(*read_file(folder_ / "a.txt"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(BaseTest, PartsAreWrittenOneAfterAnother) {
  const std::string_view parts[] = {"one", "", " two"};
  write_parts(folder_ / "parts", parts);
  EXPECT_EQ(*read_file(folder_ / "parts"), "one two");
}

TEST_F(BaseTest, PagesGivenBackAreReadAgain) {
  std::string bytes(5 * 4096 + 7, 'a');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);
  write_file(folder_ / "pages", bytes);
  const auto file = MappedFile::open(folder_ / "pages");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bytes(), bytes);
  file->give_back(file->bytes().substr(1, 3 * 4096));
  EXPECT_EQ(file->bytes(), bytes);
  EXPECT_THROW(file->give_back(bytes), std::logic_error) << "bytes of another place";
}

TEST_F(BaseTest, MissingFileNamesPathAndReason) {
  const auto missing = read_file(folder_ / "none");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("none: No such file"), std::string::npos);
}

TEST_F(BaseTest, SecondLockIsRefused) {
  auto first = FileLock::try_lock(folder_ / "lock");
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::try_lock(folder_ / "lock"));
}

TEST_F(BaseTest, DamagedZipIsAnError) {
  write_file(folder_ / "a.zip", "PK\x03\x04 not a zip");
  EXPECT_FALSE(zip_members(folder_ / "a.zip"));
}

TEST(Threads, SlicesCoverEverythingOnce) {
  ThreadPool pool(3);
  for (const std::size_t count : {0, 1, 2, 3, 7, 100}) {
    std::vector<std::atomic<int>> hits(count);
    pool.for_slices(count, 1, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) ++hits[i];
    });
    for (const auto& hit : hits) EXPECT_EQ(hit, 1);
  }
}

TEST(Threads, ExceptionsReachTheCaller) {
  ThreadPool pool(2);
  const auto run = [&] {
    pool.run([](int worker) {
      if (worker == 1) throw Failure(ErrorCode::bad_input, "x");
    });
  };
  EXPECT_THROW(run(), Failure);
  pool.run([](int) {});
}

TEST(Terminal, OutsideTextCannotMoveTheCursorOrHide) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x9f"), "a\\x1b[2Jb\\n\\x9f");
  EXPECT_EQ(printable("x\u202Ey\u200Bz"), "x\\u{202e}y\\u{200b}z");
  EXPECT_EQ(printable_lines("a\x1b[m\nb\n"), "a\\x1b[m\nb\n");
  EXPECT_EQ(printable("naïve 中"), "naïve 中");
}

TEST(Terminal, ClippedTextFits) {
  EXPECT_EQ(clipped("abcdef", 6), "abcdef");
  EXPECT_EQ(clipped("abcdefg", 6), "abc...");
}

TEST(Terminal, Utf8IsStrict) {
  std::size_t bad = 99;
  EXPECT_TRUE(is_utf8("é中😀"));
  EXPECT_FALSE(is_utf8("ab\xc0\xaf", &bad));
  EXPECT_EQ(bad, 2U);
  EXPECT_FALSE(is_utf8("\xed\xa0\x80")) << "surrogates";
}

TEST(Progress, DurationsReadNaturally) {
  EXPECT_EQ(duration_text(8), "8 s");
  EXPECT_EQ(duration_text(200), "3 m 20 s");
  EXPECT_EQ(duration_text(3725), "1 h 02 m");
}

}  // namespace
}  // namespace hone
