#include "cli/command.h"

#include <cstdio>

namespace hone::cli {

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what, bool& json) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->add_flag("--json", json, "Print one JSON document (or one object a row) to standard output");
  return command;
}

void print_line(const std::string& line) {
  std::fputs(line.c_str(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void print_json(const Json& json) { print_line(to_text(json)); }

}  // namespace hone::cli
