#include "model/file_hash.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/json.h"

namespace hone::model {
namespace {

std::string state_of(const struct stat& status) {
  return fmt::format("{} bytes, modified {}.{:09}, changed {}.{:09}, inode {}:{}", status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
                     status.st_dev, status.st_ino);
}

Path record_of(const Path& path) {
  return cache_folder() / "hashes" / fmt::format("{:016x}.json", hash64(path.string()));
}

std::string text_at(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

}  // namespace

Result<std::string> remembered_sha256(const Path& given) {
  std::error_code error;
  const Path path = std::filesystem::weakly_canonical(given, error);
  struct stat status {};
  if (error || ::stat(path.c_str(), &status) != 0)
    return bad_input("cannot read {}: {}", given.string(), std::strerror(errno));
  const std::string state = state_of(status);
  const Path record = record_of(path);
  if (const Result<std::string> text = read_file(record)) {
    const Result<Json> json = parse_json(*text, record.string());
    if (json && text_at(*json, "path") == path.string() && text_at(*json, "state") == state) {
      Result<std::string> remembered = text_at(*json, "sha256");
      if (!remembered->empty()) return remembered;
    }
  }
  Result<std::string> hash = sha256_file(path);
  if (!hash) return hash;
  try {
    write_file(record, to_pretty_text({{"path", path.string()}, {"state", state}, {"sha256", *hash}}));
  } catch (const Failure&) {
    // Said in the header: without the record the next start reads the file again.
  }
  return hash;
}

}  // namespace hone::model
