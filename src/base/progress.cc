#include "base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/terminal.h"
#include "fmt/format.h"

namespace hone {
namespace {

using Seconds = std::chrono::duration<double>;

std::string count_text(double value) {
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f} k", value / 1e3);
  if (value >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

}  // namespace

Progress::Progress(Options options)
    : options_(std::move(options)),
      start_(std::chrono::steady_clock::now()),
      last_(start_),
      terminal_(::isatty(2) != 0) {}

Progress::~Progress() {
  if (printed_ && terminal_) std::fputs("\r\x1b[K", stderr);
}

void Progress::update(std::uint64_t done, const std::string& note) {
  if (options_.quiet) return;
  const auto now = std::chrono::steady_clock::now();
  if (Seconds(now - start_).count() < 2) return;
  if (Seconds(now - last_).count() < (terminal_ ? 0.2 : 10) && printed_) return;
  last_ = now;
  print(done, note);
}

void Progress::print(std::uint64_t done, const std::string& note) {
  const double seconds = Seconds(last_ - start_).count();
  const double rate = static_cast<double>(done - std::min(done, options_.first)) / seconds;
  std::string line = fmt::format("{}: ", options_.label);
  if (options_.unit == "bytes") {
    line += options_.total ? fmt::format("{} of {}, {}/s", bytes_text(done), bytes_text(options_.total),
                                         bytes_text(static_cast<std::uint64_t>(rate)))
                           : fmt::format("{}, {}/s", bytes_text(done), bytes_text(static_cast<std::uint64_t>(rate)));
  } else {
    line += options_.total ? fmt::format("{} of {} {}, {}/s", done, options_.total, options_.unit, count_text(rate))
                           : fmt::format("{} {}, {}/s", done, options_.unit, count_text(rate));
  }
  // The first few of many say little about the rest, least of all where they come in batches.
  const bool known = rate > 0 && (done - options_.first) * 50 >= options_.total;
  if (options_.total > done && known) {
    line += fmt::format(", {} left", duration_text(static_cast<double>(options_.total - done) / rate));
  }
  if (!note.empty()) line += fmt::format("  {}", note);
  line = clipped(line, 100);
  std::fputs(terminal_ ? fmt::format("\r\x1b[K{}", line).c_str() : fmt::format("{}\n", line).c_str(), stderr);
  std::fflush(stderr);
  printed_ = true;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{} h {:02} m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  if (seconds < 1) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{} s", whole);
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.1f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} MB", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.1f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace hone
