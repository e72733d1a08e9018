#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/file_writer.h"
#include "base/map_pages.h"
#include "base/write_parts.h"

namespace hone {
namespace {

std::string why() { return std::strerror(errno); }

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

}  // namespace

Result<std::string> read_file(const Path& path) {
  auto file = MappedFile::open(path);
  if (!file) return tl::unexpected(file.error());
  return std::string(file->bytes());
}

void write_file(const Path& path, std::string_view bytes) { write_parts(path, std::span(&bytes, 1)); }

void write_parts(const Path& path, std::span<const std::string_view> parts) {
  FileWriter writer(path);
  for (const std::string_view part : parts) writer.write(part);
  writer.commit();
}

Result<MappedFile> MappedFile::open(const Path& path) {
  // A pipe that nobody writes to is not waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return make_error(ErrorCode::bad_input, "cannot read {}: {}", path.string(), why());
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return bad_input("cannot read {}: {}", path.string(), why());
  if (!S_ISREG(status.st_mode)) return bad_input("cannot read {}: it is not a regular file", path.string());
  MappedFile mapped;
  mapped.size_ = static_cast<std::size_t>(status.st_size);
  if (mapped.size_ == 0) return mapped;
  void* data = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) {
    mapped.size_ = 0;
    return make_error(ErrorCode::environment, "cannot map {}: {}", path.string(), why());
  }
  mapped.data_ = static_cast<const char*>(data);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::give_back(std::string_view part) const {
  HONE_CHECK(part.data() >= data_ && part.data() + part.size() <= data_ + size_);
  forget_pages(part);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

Result<FileLock> FileLock::try_lock(const Path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return make_error(ErrorCode::environment, "cannot write {}: {}", path.string(), why());
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return make_error(ErrorCode::environment, "another hone process is using {}; wait for it, or stop it",
                      path.string());
  }
  return FileLock(descriptor);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Path cache_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') return Path(xdg) / "hone";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return Path(home) / ".cache" / "hone";
  fail(ErrorCode::environment, "neither XDG_CACHE_HOME nor HOME is set; set one, so that models have a place to lie");
}

std::uintmax_t free_disk_bytes(const Path& path) {
  std::error_code error;
  Path existing = std::filesystem::absolute(path, error);
  while (!existing.empty() && !std::filesystem::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  const auto space = std::filesystem::space(existing, error);
  return error ? 0 : space.available;
}

}  // namespace hone
