// What an export writes: a folder made aside and put in place in one step, and large files written piece by piece.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/files.h"

namespace hone::model {

// The file by which a folder is known to be an export, so that a later export may replace it.
inline constexpr const char* export_record = "hone_export.json";

// A new folder beside `place`; removed again unless commit() was called.
class OutputFolder {
 public:
  // `place` may be a link to a folder. Refuses (usage) an empty `place`; (bad_input) one that holds anything but the
  // files of an earlier export, as its record lists them, and a link to nothing; (environment) a disk with fewer than
  // `bytes` free, and a folder that cannot be made. Throws Failure.
  OutputFolder(const Path& place, std::uint64_t bytes);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  const Path& path() const { return path_; }    // where to write
  const Path& place() const { return place_; }  // where it will lie
  // Moves the folder to its place; an earlier export there is exchanged for it and removed. Throws Failure.
  void commit();

 private:
  Path place_;
  Path path_;
};

// A new file written front to back. Throws Failure (environment) on a full disk.
class OutputFile {
 public:
  explicit OutputFile(const Path& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();
  void add(std::string_view bytes);
  // Zeros up to a multiple of `alignment`.
  void pad(std::size_t alignment);
  // fsyncs. What was not closed may be lost with the power.
  void close();

 private:
  Path path_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
};

}  // namespace hone::model
