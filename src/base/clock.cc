#include "base/clock.h"

#include <sys/resource.h>

#include <ctime>

namespace hone {
namespace {

std::string utc_text(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), format, &parts));
  return text;
}

}  // namespace

std::string utc_now() { return utc_text("%Y-%m-%dT%H:%M:%SZ"); }
std::string utc_today() { return utc_text("%Y-%m-%d"); }

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace hone
