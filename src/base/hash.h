// SHA-256 for identity and provenance; a fast 64-bit hash for tables and stable splits.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace hone {

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::string_view bytes);
  // Lower-case hexadecimal digest, 64 characters; the object is spent afterwards.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_file(const std::filesystem::path& path);

// FNV-1a finished by splitmix64: stable across machines and versions; not for security.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
// One splitmix64 step: mixes an integer.
std::uint64_t mix64(std::uint64_t value);

}  // namespace hone
