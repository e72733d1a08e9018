// A model's own chat template (Jinja), rendered by a bounded interpreter that keeps each byte's origin.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "text/marked_text.h"
#include "text/message.h"

namespace hone::text {

struct RenderOptions {
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  std::string today;  // "2026-11-24": what strftime_now formats
  Json extra;         // further template variables, for instance {"enable_thinking": false}; object or null
};

class ChatTemplate {
 public:
  // An unknown construct is an error that names it and its line.
  static Result<ChatTemplate> parse(std::string_view source);
  // The documented default for models without one (ChatML).
  static ChatTemplate chatml();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // Renders `messages`. Contents of assistant turns are from_answer, other contents from_user, the rest from_template;
  // origins survive trim, split, replace and slicing. Bounded in steps, depth and output.
  Result<MarkedText> render(std::span<const Message> messages, const RenderOptions& options) const;
  const std::string& source() const;

 private:
  struct State;
  explicit ChatTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hone::text
