// Writing a file piece by piece, never seen half done: aside, fsync, rename.
#pragma once

#include <memory>
#include <string_view>

#include "base/files.h"

namespace hone {

class FileWriter {
 public:
  // Makes the folders above `path` and a temporary file beside it. Throws Failure (environment) where it cannot.
  explicit FileWriter(const Path& path);
  // Without commit() the temporary file goes and `path` stays as it was.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // Buffered. Throws Failure (environment), on a full disk for instance.
  void write(std::string_view bytes);
  // Puts the file in its place. Nothing is written afterwards.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone
