#include "cli/help.h"

#include <sstream>

#include "base/terminal.h"
#include "data/normal_text.h"
#include "report/width.h"

namespace hone::cli {
namespace {

constexpr std::size_t page_columns = 80;
constexpr std::size_t description_column = 30;

// The command the words before the first unknown one name, and that word (empty: none).
struct Walked {
  const CLI::App* command = nullptr;
  std::string path;
  std::string unknown;
};

Walked walk(const CLI::App& app, std::span<const std::string> arguments) {
  Walked at{&app, app.get_name(), {}};
  for (const std::string& word : arguments) {
    if (word.starts_with('-')) continue;
    const auto commands = at.command->get_subcommands({});
    if (commands.empty()) break;
    const auto next = std::find_if(commands.begin(), commands.end(),
                                   [&](const auto* command) { return command->get_name() == word; });
    if (next == commands.end()) {
      at.unknown = word;
      break;
    }
    at.command = *next;
    at.path += " " + word;
  }
  return at;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options({})) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string did_you_mean(const std::string& near) {
  return near.empty() ? ";" : fmt::format("; did you mean {}?", near);
}

// CLI11 prints the largest double as the end of "positive".
std::string without_largest(const std::string& what) {
  const std::size_t range = what.find(" not in range 0.000000 to 17976931348623157");
  const std::size_t value = what.find("Value ");
  if (range == std::string::npos || value > range) return what;
  return fmt::format("{}expected a positive number, found {}", what.substr(0, value),
                     what.substr(value + 6, range - value - 6));
}

std::string unknown_option(const CLI::App& command, std::span<const std::string> arguments) {
  const auto known = option_names(command);
  for (const std::string& word : arguments) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fmt::format("there is no option {}{}", printable(name), did_you_mean(data::nearest_name(name, known)));
  }
  return "";
}

// Breaks a help line after `page_columns`; what follows is set in under the description.
std::string wrapped_help_line(const std::string& line) {
  if (report::display_width(line) <= page_columns) return line + "\n";
  const bool is_entry = line.starts_with("  ");
  const std::size_t indent = is_entry ? description_column : 0;
  const std::string head = is_entry ? line.substr(0, description_column) : "";
  std::string out;
  for (const std::string& part : report::wrapped(line.substr(head.size()), page_columns - indent))
    out += (out.empty() ? head : std::string(indent, ' ')) + part + "\n";
  return out;
}

}  // namespace

Help::Help() { column_width(description_column); }

std::string Help::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::istringstream lines(CLI::Formatter::make_help(app, std::move(name), mode));
  std::string out;
  for (std::string line; std::getline(lines, line);) out += wrapped_help_line(line);
  return out;
}

std::string explain_parse_error(const CLI::App& app, std::span<const std::string> arguments,
                                const CLI::ParseError& error) {
  const Walked at = walk(app, arguments);
  const auto names = command_names(*at.command);
  const std::string help = fmt::format("`{} --help` shows what there is", at.path);
  if (!at.unknown.empty()) {
    return fmt::format("there is no command \"{}\"{} {}", printable(at.unknown),
                       did_you_mean(data::nearest_name(at.unknown, names)), help);
  }
  if (!names.empty())
    return fmt::format("{} what? One of: {}. {}", at.path, data::name_list(names, names.size()), help);
  if (const std::string unknown = unknown_option(*at.command, arguments); !unknown.empty())
    return fmt::format("{} {}", unknown, help);
  std::string what = printable(without_largest(error.what()));
  return fmt::format("{}{} {}", what, what.ends_with('.') ? "" : ";", help);
}

}  // namespace hone::cli
