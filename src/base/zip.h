// Reading members of zip files (wheels, XLSX), bounded against zip bombs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"

namespace hone {

Result<std::vector<std::string>> zip_members(const Path& archive);

// Extracts `member` of `archive` to `target` (write aside, rename). Refuses a member that unpacks to over `max_bytes`.
Result<void> zip_extract(const Path& archive, const std::string& member, const Path& target, std::uint64_t max_bytes);

// A zip file of outside whose members are read piece by piece.
class ZipArchive {
 public:
  static Result<ZipArchive> open(const Path& path);
  ZipArchive(ZipArchive&&) noexcept;
  ZipArchive& operator=(ZipArchive&&) noexcept;
  ~ZipArchive();

  bool has(const std::string& member) const;
  // Hands the unpacked bytes of `member` over, some 64 KiB at a time, until `on_bytes` gives false. Errors: no such
  // member, damage, and what no honest file does: over `max_bytes`, or over 32 MiB and 200 times its packed size.
  Result<void> stream(const std::string& member, std::uint64_t max_bytes,
                      const std::function<bool(std::string_view)>& on_bytes) const;

 private:
  struct State;
  explicit ZipArchive(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone
