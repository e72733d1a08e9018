#include "base/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace hone {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

std::string why() { return std::strerror(errno); }

Path folder_of(const Path& path) { return path.has_parent_path() ? path.parent_path() : Path("."); }

Path aside_name(const Path& path) {
  static std::atomic<unsigned> counter{0};
  Path name = path;
  name += fmt::format(".{}.{}.tmp", ::getpid(), counter++);
  return name;
}

}  // namespace

struct FileWriter::State {
  Path path;
  Path aside;  // empty once it has its name
  int descriptor = -1;
  std::string buffer;

  ~State() {
    if (descriptor >= 0) ::close(descriptor);
    if (!aside.empty()) ::unlink(aside.c_str());
  }

  void write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0)
        fail(ErrorCode::environment, "cannot write {}: {}. Free some disk space or choose another folder",
             path.string(), why());
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
};

FileWriter::FileWriter(const Path& path) : state_(std::make_unique<State>()) {
  std::error_code error;
  const Path folder = folder_of(path);
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorCode::environment, "cannot make folder {}: {}", folder.string(), error.message());
  state_->path = path;
  const Path aside = aside_name(path);
  state_->descriptor = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (state_->descriptor < 0) fail(ErrorCode::environment, "cannot write in {}: {}", folder.string(), why());
  state_->aside = aside;
}

FileWriter::~FileWriter() = default;

void FileWriter::write(std::string_view bytes) {
  std::string& buffer = state_->buffer;
  if (buffer.size() + bytes.size() > buffer_bytes) {
    state_->write_all(buffer);
    buffer.clear();
  }
  if (bytes.size() >= buffer_bytes) {
    state_->write_all(bytes);
  } else {
    buffer += bytes;
  }
}

void FileWriter::commit() {
  State& state = *state_;
  state.write_all(state.buffer);
  state.buffer.clear();
  if (::fsync(state.descriptor) != 0) fail(ErrorCode::environment, "cannot write {}: {}", state.path.string(), why());
  if (::rename(state.aside.c_str(), state.path.c_str()) != 0) {
    fail(ErrorCode::environment, "cannot replace {}: {}", state.path.string(), why());
  }
  state.aside.clear();
  const int parent = ::open(folder_of(state.path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return;
  ::fsync(parent);
  ::close(parent);
}

}  // namespace hone
