#include "base/zip.h"

#include <zip.h>

#include <algorithm>
#include <memory>

namespace hone {
namespace {

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;

Result<Archive> open_archive(const Path& path, int flags) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | flags, &code), &zip_discard);
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return bad_input("cannot open {} as a zip file: {}", path.string(), message);
}

}  // namespace

Result<std::vector<std::string>> zip_members(const Path& path) {
  auto archive = open_archive(path, ZIP_CHECKCONS);
  if (!archive) return tl::unexpected(archive.error());
  std::vector<std::string> names;
  const zip_int64_t count = zip_get_num_entries(archive->get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    if (const char* name = zip_get_name(archive->get(), static_cast<zip_uint64_t>(i), 0)) names.emplace_back(name);
  }
  return names;
}

Result<void> zip_extract(const Path& path, const std::string& member, const Path& target, std::uint64_t max_bytes) {
  auto archive = open_archive(path, ZIP_CHECKCONS);
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

struct ZipArchive::State {
  Archive archive;
  std::string name;
};

ZipArchive::ZipArchive(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;
ZipArchive& ZipArchive::operator=(ZipArchive&&) noexcept = default;
ZipArchive::~ZipArchive() = default;

Result<ZipArchive> ZipArchive::open(const Path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    return bad_input("cannot read {}: it is not a regular file", path.string());
  auto archive = open_archive(path, 0);
  if (!archive) return tl::unexpected(archive.error());
  return ZipArchive(std::make_unique<State>(State{std::move(*archive), path.string()}));
}

bool ZipArchive::has(const std::string& member) const {
  return zip_name_locate(state_->archive.get(), member.c_str(), 0) >= 0;
}

Result<void> ZipArchive::stream(const std::string& member, std::uint64_t max_bytes,
                                const std::function<bool(std::string_view)>& on_bytes) const {
  constexpr std::uint64_t small = std::uint64_t{32} << 20;
  constexpr std::uint64_t densest = 200;
  zip_t* archive = state_->archive.get();
  zip_stat_t status;
  if (zip_stat(archive, member.c_str(), 0, &status) != 0) {
    return bad_input("{} holds no file named {}", state_->name, member);
  }
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen(archive, member.c_str(), 0), &zip_fclose);
  if (!file) return bad_input("cannot read {} in {}: {}", member, state_->name, zip_strerror(archive));
  const std::uint64_t packed = (status.valid & ZIP_STAT_COMP_SIZE) != 0 ? status.comp_size : 0;
  const std::uint64_t allowed = std::min(max_bytes, std::max(small, packed * densest));
  std::string buffer(std::size_t{64} << 10, '\0');
  std::uint64_t unpacked = 0;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), buffer.data(), buffer.size());
    if (got < 0) return bad_input("{} in {} is damaged ({})", member, state_->name, zip_file_strerror(file.get()));
    if (got == 0) return {};
    unpacked += static_cast<std::uint64_t>(got);
    if (unpacked > allowed) {
      return bad_input("{} in {}: {} bytes unpack to more than {}, which no honest file does", member, state_->name,
                       packed, allowed);
    }
    if (!on_bytes(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)))) return {};
  }
}

}  // namespace hone
