#include "text/chat_template.h"

#include <algorithm>

#include "text/jinja_render.h"
#include "text/jinja_tree.h"

namespace hone::text {
namespace {

using jinja::Value;

constexpr std::string_view chatml_source =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
// Far above any real template.
constexpr std::size_t longest_source = 1 << 20;

// A role is written by the template's own code path only where it is a plain word; anything else is outside text.
Origin role_origin(std::string_view role) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return std::all_of(role.begin(), role.end(), is_plain) ? Origin::from_template : Origin::from_user;
}

// What stands in the message's fields has the origin of its content.
Value message_value(const Message& message) {
  const Origin origin = message.role == "assistant" ? Origin::from_answer : Origin::from_user;
  std::vector<std::pair<Value, Value>> items;
  items.emplace_back(Value::literal("role"), Value(MarkedText(message.role, role_origin(message.role))));
  const bool has_fields = message.fields.is_object();
  if (!has_fields || !message.fields.contains("content")) {
    items.emplace_back(Value::literal("content"), Value(MarkedText(message.content, origin)));
  }
  if (has_fields) {
    for (const auto& [name, value] : message.fields.items()) {
      if (name == "role") continue;
      items.emplace_back(Value(MarkedText(name, origin)), Value::from_json(value, origin));
    }
  }
  return Value::mapping(std::move(items));
}

std::size_t bytes_of(const Message& message) {
  return message.role.size() + message.content.size() + (message.fields.is_null() ? 0 : to_text(message.fields).size());
}

}  // namespace

struct ChatTemplate::State {
  std::string source;
  jinja::Body body;
};

ChatTemplate::ChatTemplate(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  if (source.size() > longest_source) {
    return bad_input("the chat template is {} bytes long; at most {} are read", source.size(), longest_source);
  }
  try {
    auto state = std::make_unique<State>();
    state->source = source;
    state->body = jinja::parse(source);
    return ChatTemplate(std::move(state));
  } catch (const Failure& failure) {
    return tl::unexpected(Error{failure.code(), failure.what()});
  }
}

ChatTemplate ChatTemplate::chatml() { return value_or_throw(parse(chatml_source)); }

Result<MarkedText> ChatTemplate::render(std::span<const Message> messages, const RenderOptions& options) const {
  try {
    std::vector<Value> turns;
    std::size_t outside_bytes = 0;
    for (const Message& message : messages) {
      turns.push_back(message_value(message));
      outside_bytes += bytes_of(message);
    }
    if (!options.extra.is_null()) outside_bytes += to_text(options.extra).size();
    jinja::Renderer renderer(options.today, outside_bytes);
    // transformers always defines these two.
    renderer.define("tools", Value(Value::Storage(jinja::None{})));
    renderer.define("documents", Value(Value::Storage(jinja::None{})));
    renderer.define("bos_token", Value::literal(options.bos_token));
    renderer.define("eos_token", Value::literal(options.eos_token));
    renderer.define("add_generation_prompt", Value(Value::Storage(options.add_generation_prompt)));
    renderer.define("messages", Value::sequence(std::move(turns)));
    if (options.extra.is_object()) {
      for (const auto& [name, value] : options.extra.items()) {
        renderer.define(name, Value::from_json(value, Origin::from_user));
      }
    }
    return renderer.run(state_->body);
  } catch (const Failure& failure) {
    return tl::unexpected(Error{failure.code(), failure.what()});
  }
}

const std::string& ChatTemplate::source() const { return state_->source; }

}  // namespace hone::text
