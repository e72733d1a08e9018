// JSON text put together by hand where a tree of values would cost too much.
#pragma once

#include <string>
#include <string_view>

namespace hone::data {

// `text` in quotes, escaped as to_text() does; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);

}  // namespace hone::data
