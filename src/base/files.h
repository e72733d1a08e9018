// Files: reading, mapping, and writing that is never seen half done (write aside, fsync, rename).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace hone {

using Path = std::filesystem::path;

// The whole file as bytes; an error names the path and why (missing, a folder, no permission).
Result<std::string> read_file(const Path& path);

// Writes `bytes` to a temporary file beside `path`, fsyncs, renames. Folders above are made. Throws Failure
// (environment) on a full disk or a read-only folder, leaving the old file as it was.
void write_file(const Path& path, std::string_view bytes);

// A read-only memory map. Moves; unmapped when destroyed. An empty file gives an empty view.
class MappedFile {
 public:
  static Result<MappedFile> open(const Path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::string_view bytes() const { return {data_, size_}; }
  // Lets go of the whole pages of `part` of bytes(). They count as this process's memory once they are read; nothing is
  // written to them, so this costs a second reading at most.
  void give_back(std::string_view part) const;

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// One process at a time: an advisory lock on `path` (made if missing), released when destroyed or when the process
// dies.
class FileLock {
 public:
  // Fails (environment) at once if another process holds it; the message names the path.
  static Result<FileLock> try_lock(const Path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

// $XDG_CACHE_HOME/hone, else $HOME/.cache/hone.
Path cache_folder();
// Free bytes on the disk that holds `path` (or its nearest existing parent).
std::uintmax_t free_disk_bytes(const Path& path);

}  // namespace hone
