#include "cli/command.h"

#include <cstdio>

#include "report/width.h"

namespace hone::cli {
namespace {

constexpr std::size_t page_columns = 80;

}  // namespace

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what, bool& json) {
  CLI::App* command = parent.add_subcommand(name, what);
  command->add_flag("--json", json, "Print one JSON document, or one object a row");
  return command;
}

CLI::Validator number_between(double low, double high) {
  const std::string range = fmt::format("{:g} to {:g}", low, high);
  return {[=](std::string& text) {
            double value = 0;
            const bool good = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
            return good ? std::string() : fmt::format("expected a number from {}, found {}", range, text);
          },
          range};
}

void print_line(const std::string& line) {
  std::fputs(line.c_str(), stdout);
  std::fputc('\n', stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    fail(ErrorCode::environment, "cannot write standard output: {}", std::strerror(errno));
}

void print_wrapped(const std::string& text, std::size_t indent) {
  const std::size_t lead = std::min(text.find_first_not_of(' '), text.size());
  bool first = true;
  for (const std::string& line : report::wrapped(text, page_columns - std::max(indent, lead))) {
    print_line(std::string(first ? lead : indent, ' ') + line);
    first = false;
  }
}

void print_entry(const std::string& head, const std::string& text) {
  const std::size_t column = report::display_width(head);
  const auto lines = report::wrapped(text, page_columns - std::min(column, page_columns / 2));
  print_line(head + (lines.empty() ? "" : lines.front()));
  for (std::size_t i = 1; i < lines.size(); ++i) print_line(std::string(column, ' ') + lines[i]);
}

std::string padded(const std::string& text, std::size_t columns) {
  const std::string shown = report::fitted(text, columns);
  return shown + std::string(columns - report::display_width(shown), ' ');
}

void print_json(const Json& json) { print_line(to_text(json)); }

}  // namespace hone::cli
