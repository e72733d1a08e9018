#include "cli/keyboard.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace hone::cli {
namespace {

constexpr int patience_ms = 100;  // how soon a stop is seen
constexpr char escape = '\x1b';
constexpr char end_of_input = '\x04';  // Ctrl-D
constexpr std::size_t longest_line = 1 << 20;

// Whether a byte is there within so many milliseconds.
bool is_ready(int milliseconds) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, milliseconds) > 0;
}

}  // namespace

Keyboard::Keyboard(std::stop_token stop) : stop_(std::move(stop)) {
  is_terminal_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
  if (!is_terminal_) return;
  keys_ = before_;
  keys_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  // Keys that would leave the terminal as it is now.
  keys_.c_cc[VSUSP] = _POSIX_VDISABLE;
  keys_.c_cc[VQUIT] = _POSIX_VDISABLE;
  keys_.c_cc[VMIN] = 1;
  keys_.c_cc[VTIME] = 0;
  set_mode(keys_);
}

Keyboard::~Keyboard() {
  if (is_terminal_) set_mode(before_);
}

void Keyboard::set_mode(const termios& mode) const {
  while (::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) != 0 && errno == EINTR) {
  }
}

std::optional<char> Keyboard::next_byte() {
  while (true) {
    if (stop_.stop_requested()) fail(ErrorCode::interrupted, "stopped; what was decided is kept");
    if (!ahead_.empty()) {
      const char byte = ahead_.front();
      ahead_.erase(0, 1);
      return byte;
    }
    if (!is_ready(patience_ms)) continue;
    char bytes[4096];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count > 0) {
      ahead_.assign(bytes, static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return std::nullopt;
    }
  }
}

// The rest of what an arrow or function key sends: ESC [ ... letter, or ESC O letter.
void Keyboard::skip_escape() {
  const auto is_there = [&] { return !ahead_.empty() || is_ready(20); };
  if (!is_there()) return;
  const auto second = next_byte();
  if (second == 'O' && is_there()) next_byte();
  if (second != '[') return;
  while (is_there()) {
    const auto byte = next_byte();
    if (!byte || (*byte >= '@' && *byte <= '~')) return;
  }
}

std::optional<std::string> Keyboard::next_line() {
  std::string line;
  while (line.size() < longest_line) {
    const auto byte = next_byte();
    if (!byte) return line.empty() ? std::nullopt : std::optional(line);
    if (*byte == '\n') break;
    line += *byte;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::optional<std::string> Keyboard::command() {
  if (!is_terminal_) return next_line();
  while (true) {
    const auto key = next_byte();
    if (!key || *key == end_of_input) return std::nullopt;
    if (*key == escape) {
      skip_escape();
      continue;
    }
    if (*key == '\r') return "\n";
    return std::string(1, *key);
  }
}

std::optional<std::string> Keyboard::line() {
  if (!is_terminal_) return next_line();
  termios cooked = before_;
  cooked.c_cc[VSUSP] = _POSIX_VDISABLE;
  cooked.c_cc[VQUIT] = _POSIX_VDISABLE;
  set_mode(cooked);
  try {
    auto line = next_line();
    set_mode(keys_);
    return line;
  } catch (...) {
    set_mode(keys_);
    throw;
  }
}

}  // namespace hone::cli
