#include "base/zip.h"

#include <zip.h>

#include <memory>

namespace hone {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;

Result<Archive> open_archive(const Path& path) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code), &zip_discard);
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return bad_input("cannot open {} as a zip file: {}", path.string(), message);
}

}  // namespace

Result<std::vector<std::string>> zip_members(const Path& path) {
  auto archive = open_archive(path);
  if (!archive) return tl::unexpected(archive.error());
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(archive->get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    if (const char* name = zip_get_name(archive->get(), static_cast<zip_uint64_t>(i), 0)) names.emplace_back(name);
  }
  return names;
}

Result<void> zip_extract(const Path& path, const std::string& member, const Path& target, std::uint64_t max_bytes) {
  auto archive = open_archive(path);
  if (!archive) return tl::unexpected(archive.error());
  zip_stat_t status;
  if (zip_stat(archive->get(), member.c_str(), 0, &status) != 0) {
    return bad_input("{} holds no file named {}", path.string(), member);
  }
  if ((status.valid & ZIP_STAT_SIZE) == 0 || status.size > max_bytes) {
    return bad_input("{} in {} unpacks to {} bytes, more than the {} allowed", member, path.string(), status.size,
                     max_bytes);
  }
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen(archive->get(), member.c_str(), 0),
                                                                &zip_fclose);
  if (!file) return bad_input("cannot read {} in {}: {}", member, path.string(), zip_strerror(archive->get()));
  // The declared size is not trusted: reading stops one byte after it.
  std::string bytes(status.size + 1, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const zip_int64_t got = zip_fread(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0) return bad_input("{} in {} is damaged", member, path.string());
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled != status.size)
    return bad_input("{} in {} is damaged: {} bytes expected", member, path.string(), status.size);
  bytes.resize(filled);
  write_file(target, bytes);
  return {};
}

}  // namespace hone
