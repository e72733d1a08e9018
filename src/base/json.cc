#include "base/json.h"

#include "base/terminal.h"

namespace hone {
namespace {

constexpr int max_depth = 512;

// Nesting depth is checked before parsing, so that the recursive destructor of deep values cannot exhaust the stack.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  if (too_deep(text)) return bad_input("{}: JSON nested deeper than {} levels", where, max_depth);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    std::string message = error.what();
    // "[json.exception.parse_error.101] parse error at ..." reads better without its bracketed id.
    if (const auto close = message.find("] "); message.starts_with('[') && close != std::string::npos) {
      message.erase(0, close + 2);
    }
    // It quotes what it last read, whatever bytes those are.
    return bad_input("{}: not valid JSON: {}", where, printable(message));
  }
}

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string to_pretty_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace hone
