#include "cli/input.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/terminal.h"

namespace hone::cli {

void for_each_line(const std::string& name,
                   const std::function<void(std::size_t number, const std::string& line)>& use) {
  std::ifstream file;
  std::error_code ignored;
  if (name != "-") {
    if (std::filesystem::is_directory(name, ignored))
      fail(ErrorCode::bad_input, "cannot read {}: it is a folder, a file is expected", printable(name));
    file.open(name, std::ios::binary);
    if (!file) fail(ErrorCode::bad_input, "cannot read {}: it is missing or not readable", printable(name));
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) use(number, line);
}

std::string standard_input() {
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

Result<std::vector<text::Message>> messages_from(const Json& json, const std::string& where) {
  const Json& list = json.is_object() && json.contains("messages") ? json.at("messages") : json;
  if (!list.is_array() || list.empty())
    return bad_input("{}: expected a list of messages, or an object with \"messages\"", where);
  std::vector<text::Message> messages;
  for (const auto& one : list) {
    Result<text::Message> message = text::message_from_json(one, where);
    if (!message) return tl::unexpected(message.error());
    messages.push_back(std::move(*message));
  }
  return messages;
}

}  // namespace hone::cli
