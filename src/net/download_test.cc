#include "net/download.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/hash.h"
#include "net/test_server.h"

namespace hone::net {
namespace {

class DownloadTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("hone-download-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    for (unsigned i = 0; i < 100000; ++i) content_ += static_cast<char>('a' + i * i % 26);
    target_ = folder_ / "models" / "file.bin";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Download plan(const TestServer& server) const {
    return {
        .url = server.url("/file.bin"), .target = target_, .bytes = content_.size(), .sha256 = sha256_hex(content_)};
  }
  Path part() const { return Path(target_.string() + ".part"); }
  void expect_whole() const { EXPECT_EQ(value_or_throw(read_file(target_)), content_); }

  Path folder_, target_;
  std::string content_;
};

TEST_F(DownloadTest, AFileArrivesWholeAndLeavesNothingBeside) {
  TestServer server(TestFile(content_, 0, 0));
  const Downloaded done = value_or_throw(download(plan(server), {}));
  EXPECT_EQ(done.bytes, content_.size());
  EXPECT_EQ(done.resumed_from, 0U);
  expect_whole();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(target_.parent_path()), {}), 1);
}

TEST_F(DownloadTest, ABrokenConnectionIsResumedWithinOneCall) {
  TestServer server(TestFile(content_, 1, 30000));
  const Downloaded done = value_or_throw(download(plan(server), {}));
  EXPECT_EQ(done.resumed_from, 30000U);
  expect_whole();
  EXPECT_NE(server.requests().at(1).find("Range: bytes=30000-\r\nIf-Range: \"v1\"\r\n"), std::string::npos);
}

TEST_F(DownloadTest, ALaterCallResumesWhatAnEarlierOneLeft) {
  Download once;
  {
    TestServer server(TestFile(content_, 1, 12345));
    once = plan(server);
    once.attempts = 1;
    EXPECT_FALSE(download(once, {}));
  }
  EXPECT_EQ(std::filesystem::file_size(part()), 12345U);
  EXPECT_FALSE(std::filesystem::exists(target_));
  TestServer server(TestFile(content_, 0, 0));
  EXPECT_EQ(value_or_throw(download(plan(server), {})).resumed_from, 12345U);
  expect_whole();
}

TEST_F(DownloadTest, AChangedFileIsBegunAnew) {
  std::filesystem::create_directories(target_.parent_path());
  write_file(part(), std::string(500, '?'));
  write_file(part().string() + ".tag", "\"v0\"");
  TestServer server(TestFile(content_, 0, 0));
  EXPECT_EQ(value_or_throw(download(plan(server), {})).resumed_from, 0U);
  expect_whole();
}

TEST_F(DownloadTest, APartWithoutAVersionMarkIsNotTrusted) {
  std::filesystem::create_directories(target_.parent_path());
  write_file(part(), std::string(500, '?'));
  TestServer server(TestFile(content_, 0, 0));
  EXPECT_EQ(value_or_throw(download(plan(server), {})).resumed_from, 0U);
  expect_whole();
}

TEST_F(DownloadTest, AWholePartIsTakenWithoutAsking) {
  std::filesystem::create_directories(target_.parent_path());
  write_file(part(), content_);
  TestServer server(TestFile(content_, 0, 0));
  value_or_throw(download(plan(server), {}));
  EXPECT_TRUE(server.requests().empty());
  expect_whole();
}

TEST_F(DownloadTest, AWrongHashNamesBothAndKeepsNothing) {
  TestServer server(TestFile(content_, 0, 0));
  Download wrong = plan(server);
  wrong.sha256 = std::string(64, '0');
  const auto done = download(wrong, {});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find(std::string(64, '0')), std::string::npos);
  EXPECT_NE(done.error().message.find(sha256_hex(content_)), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(part()));
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, AWrongSizeIsRefused) {
  TestServer server(TestFile(content_, 0, 0));
  Download small = plan(server);
  small.bytes = 99999;
  EXPECT_NE(download(small, {}).error().message.find("larger than the 99999 bytes"), std::string::npos);
  Download large = plan(server);
  large.bytes = 100001;
  EXPECT_NE(download(large, {}).error().message.find("expected 100001 bytes, got 100000"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(DownloadTest, AnErrorPageIsNeverKept) {
  TestServer server([](const std::string&) { return TestServer::reply("404 Not Found", "", "<html>"); });
  const auto done = download(plan(server), {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::environment);
  EXPECT_NE(done.error().message.find("answered 404 (no such file)"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(part()));
}

TEST_F(DownloadTest, AServerErrorIsTriedAgain) {
  int calls = 0;
  TestFile file(content_, 0, 0);
  TestServer server([&](const std::string& request) {
    return ++calls == 1 ? TestServer::reply("503 Busy", "", "busy") : file(request);
  });
  value_or_throw(download(plan(server), {}));
  expect_whole();
}

TEST_F(DownloadTest, AStopKeepsThePart) {
  TestServer server([&](const std::string& request) {
    std::string reply = TestFile(content_, 1, 40000)(request);
    return reply;
  });
  std::stop_source source;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    source.request_stop();
  });
  const auto done = download(plan(server), source.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::interrupted);
  EXPECT_EQ(std::filesystem::file_size(part()), 40000U);
}

TEST_F(DownloadTest, AFullDiskIsNamedAndThePartKept) {
  TestServer server(TestFile(content_, 0, 0));
  const Download wanted = plan(server);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A limit on file size stands for the full disk: write() fails the same way, with EFBIG for ENOSPC.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50000, 50000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto done = download(wanted, {});
    const bool named = !done && done.error().code == ErrorCode::environment &&
                       done.error().message.find("free some disk space") != std::string::npos;
    ::_exit(named ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::filesystem::file_size(part()), 50000U);
  EXPECT_EQ(value_or_throw(download(wanted, {})).resumed_from, 50000U);
  expect_whole();
}

TEST_F(DownloadTest, AFileLargerThanTheDiskIsRefusedBeforeItBegins) {
  TestServer server(TestFile(content_, 0, 0));
  Download huge = plan(server);
  huge.bytes = 1ULL << 60;
  EXPECT_NE(download(huge, {}).error().message.find("are free there"), std::string::npos);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(DownloadTest, AReadOnlyFolderIsNamed) {
  std::filesystem::create_directories(target_.parent_path());
  std::filesystem::permissions(target_.parent_path(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                                   std::filesystem::perms::others_read | std::filesystem::perms::others_exec);
  TestServer server(TestFile(content_, 0, 0));
  const Download wanted = plan(server);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    constexpr uid_t nobody = 65534;  // root may write anywhere
    if (::geteuid() == 0 && ::seteuid(nobody) != 0) ::_exit(2);
    const auto done = download(wanted, {});
    const bool named = !done && done.error().code == ErrorCode::environment &&
                       done.error().message.find(wanted.target.parent_path().string()) != std::string::npos;
    ::_exit(named ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  std::filesystem::permissions(target_.parent_path(), std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace hone::net
