// Templates given as text, for tests of what they render and refuse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"

namespace hone::text {

inline Result<MarkedText> rendered(std::string_view source, const std::vector<Message>& messages = {}) {
  const auto parsed = ChatTemplate::parse(source);
  if (!parsed) return tl::unexpected(parsed.error());
  return parsed->render(messages, {});
}

inline std::string error_of(std::string_view source, const std::vector<Message>& messages = {}) {
  const auto made = rendered(source, messages);
  return made ? "no error: " + made->text() : made.error().message;
}

}  // namespace hone::text
