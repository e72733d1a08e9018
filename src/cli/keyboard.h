// Single keys from a terminal, lines from anything else.
#pragma once

#include <termios.h>

#include <optional>
#include <stop_token>
#include <string>

namespace hone::cli {

class Keyboard {
 public:
  // Where standard input is a terminal, keys come as they are pressed and are not shown. The terminal is put back when
  // this is destroyed, which a stop (SIGINT, SIGTERM) leads to: reading then throws Failure (interrupted).
  explicit Keyboard(std::stop_token stop);
  ~Keyboard();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;

  bool is_terminal() const { return is_terminal_; }
  // What was asked for: on a terminal one key ("\n" for Enter; arrows and the like are passed over), else the next
  // line. Nothing at the end of the input.
  std::optional<std::string> command();
  // A line, with the terminal's own editing.
  std::optional<std::string> line();

 private:
  void set_mode(const termios& mode) const;
  // The next byte; nothing at the end. Throws on a stop.
  std::optional<char> next_byte();
  std::optional<std::string> next_line();
  void skip_escape();

  std::stop_token stop_;
  bool is_terminal_ = false;
  termios before_{}, keys_{};
  std::string ahead_;  // read and not yet asked for
};

}  // namespace hone::cli
