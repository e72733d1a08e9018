#include "model/export_output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "base/terminal.h"

namespace hone::model {
namespace {

std::string why() { return std::strerror(errno); }

// Without an ending slash, links followed.
Path place_of(const Path& path) {
  if (path.empty()) fail(ErrorCode::usage, "--to: the name of the folder is empty");
  Path target = std::filesystem::absolute(path).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  std::error_code error;
  if (!std::filesystem::is_symlink(target, error)) return target;
  const Path there = std::filesystem::canonical(target, error);
  if (error)
    fail(ErrorCode::bad_input, "{}: a link that leads nowhere ({}); name a folder", printable(target.string()),
         error.message());
  return there;
}

// What stands in the folder besides the files that its record lists; empty: nothing, or nothing at all.
std::string foreign_file(const Path& place) {
  const Path record = place / export_record;
  const Result<std::string> text = read_file(record);
  const Result<Json> json = text ? parse_json(*text, record.string()) : tl::unexpected<Error>(text.error());
  std::set<std::string> ours = {export_record};
  const bool lists_files = json && json->is_object() && json->contains("files") && (*json)["files"].is_array();
  if (!lists_files) return fmt::format("{} without its list of files", export_record);
  for (const Json& file : (*json)["files"])
    if (file.is_string()) ours.insert(file.get<std::string>());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(place, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!ours.contains(name) || entry.is_directory()) return name;
  }
  return {};
}

void check_place(const Path& place) {
  std::error_code ignored;
  if (!std::filesystem::exists(place, ignored)) return;
  if (!std::filesystem::is_directory(place, ignored))
    fail(ErrorCode::bad_input, "{}: this is a file; --to names a folder", place.string());
  if (std::filesystem::is_empty(place, ignored)) return;
  if (!std::filesystem::exists(place / export_record, ignored))
    fail(ErrorCode::bad_input, "{}: this folder holds something else than an export, so it is left alone; name another",
         place.string());
  if (const std::string foreign = foreign_file(place); !foreign.empty())
    fail(ErrorCode::bad_input,
         "{}: this folder holds an earlier export and something that is not of it ({}), so it is left alone; move that "
         "away, or name another folder",
         place.string(), clipped(foreign, 60));
}

// Folders that a killed export left beside `place`: ".NAME.export.PID" of processes that are gone.
void remove_left_behind(const Path& place) {
  const std::string start = fmt::format(".{}.export.", place.filename().string());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(place.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(start)) continue;
    int process = 0;
    const auto parsed = std::from_chars(name.data() + start.size(), name.data() + name.size(), process);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() && process > 0;
    if (is_number && ::kill(process, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

OutputFolder::OutputFolder(const Path& place, std::uint64_t bytes) : place_(place_of(place)) {
  check_place(place_);
  if (const std::uintmax_t free = free_disk_bytes(place_); free < bytes)
    fail(ErrorCode::environment, "{}: the export needs {}, but {} are free; free some space, or choose another disk",
         place_.string(), bytes_text(bytes), bytes_text(free));
  std::error_code error;
  std::filesystem::create_directories(place_.parent_path(), error);
  remove_left_behind(place_);
  const Path aside = place_.parent_path() / fmt::format(".{}.export.{}", place_.filename().string(), ::getpid());
  std::error_code ignored;
  std::filesystem::remove_all(aside, ignored);
  if (!error) std::filesystem::create_directory(aside, error);
  if (error) fail(ErrorCode::environment, "{}: cannot make a folder here: {}", aside.string(), error.message());
  path_ = aside;
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void OutputFolder::commit() {
  check_place(place_);
  std::error_code error;
  if (!std::filesystem::exists(place_)) {
    std::filesystem::rename(path_, place_, error);
  } else if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) != 0) {
    // Not every file system can exchange two folders: then there is an instant without one.
    std::filesystem::remove_all(place_, error);
    if (!error) std::filesystem::rename(path_, place_, error);
  }
  if (error)
    fail(ErrorCode::environment, "{}: the export cannot be put in place: {}", place_.string(), error.message());
  const int parent = ::open(place_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0) {
    ::fsync(parent);
    ::close(parent);
  }
}

OutputFile::OutputFile(const Path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail(ErrorCode::environment, "cannot write {}: {}", path_.string(), why());
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      fail(ErrorCode::environment, "cannot write {}: {}. Free some disk space or choose another folder", path_.string(),
           why());
    written_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::pad(std::size_t alignment) {
  const std::size_t over = written_ % alignment;
  if (over != 0) add(std::string(alignment - over, '\0'));
}

void OutputFile::close() {
  if (::fsync(descriptor_) != 0) fail(ErrorCode::environment, "cannot write {}: {}", path_.string(), why());
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace hone::model
