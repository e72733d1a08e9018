// What the program says about itself: help within 80 columns, and command lines it does not understand.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace hone::cli {

// CLI11's help with descriptions wrapped in their column.
class Help : public CLI::Formatter {
 public:
  Help();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

// What is wrong with a command line that failed to parse, with the nearest command or option where one is near, and
// where help is.
std::string explain_parse_error(const CLI::App& app, std::span<const std::string> arguments,
                                const CLI::ParseError& error);

}  // namespace hone::cli
