#include "text/json_schema_choices.h"

#include "base/json.h"

namespace hone::text {

namespace {

constexpr std::size_t most_bytes = 8192;  // of all values of a choice

std::string pointer_token(std::string_view name) {
  std::string token;
  for (const char c : name) {
    if (c == '~' || c == '/') {
      token += c == '~' ? "~0" : "~1";
    } else {
      token += c;
    }
  }
  return token;
}

// Follows valid JSON text byte by byte, and tells where in the document it stands.
class JsonPlace {
 public:
  void read(char byte) {
    if (in_string_) {
      read_in_string(byte);
    } else if (byte == '"') {
      in_string_ = true;
      string_.assign(1, byte);
    } else if (byte == '{' || byte == '[') {
      around_.push_back({byte == '{', true, 0, ""});
    } else if (byte == '}' || byte == ']') {
      around_.pop_back();
    } else if (byte == ':') {
      around_.back().key_comes = false;
    } else if (byte == ',') {
      around_.back().key_comes = true;
      ++around_.back().index;
    }
  }
  std::string pointer() const {
    std::string all;
    for (const Container& container : around_) {
      all += '/' + (container.is_object ? pointer_token(container.key) : std::to_string(container.index));
    }
    return all;
  }

 private:
  struct Container {
    bool is_object;
    bool key_comes;
    std::size_t index;
    std::string key;
  };

  void read_in_string(char byte) {
    string_ += byte;
    if (escaped_) {
      escaped_ = false;
    } else if (byte == '\\') {
      escaped_ = true;
    } else if (byte == '"') {
      in_string_ = false;
      if (around_.empty() || !around_.back().is_object || !around_.back().key_comes) return;
      around_.back().key = value_or_throw(parse_json(string_, "a key")).get<std::string>();
    }
  }

  std::vector<Container> around_;
  bool in_string_ = false;
  bool escaped_ = false;
  std::string string_;
};

}  // namespace

std::optional<FewValues> few_values(JsonMatcher& matcher, JsonMatcher::State state, std::size_t most) {
  std::optional<std::vector<std::string>> values = matcher.few_values(state, most);
  if (!values || values->empty()) return std::nullopt;
  FewValues few{std::move(*values), {}};
  std::size_t bytes = 0;
  for (const std::string& value : few.values) {
    bytes += value.size();
    if (bytes > most_bytes) return std::nullopt;
    JsonMatcher::State behind = state;
    for (const char c : value) behind = matcher.step(behind, static_cast<unsigned char>(c));
    std::string& next = few.behind.emplace_back();
    for (const char c : std::string_view(",} \n\t")) {
      if (matcher.step(behind, static_cast<unsigned char>(c)) != JsonMatcher::dead) next += c;
    }
    if (next.empty()) return std::nullopt;
  }
  return few;
}

std::vector<JsonChoice> json_choices(JsonMatcher& matcher, std::string_view text, std::size_t most) {
  std::vector<JsonChoice> choices;
  JsonPlace place;
  JsonMatcher::State state = matcher.start();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_space = text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
    if (!is_space && matcher.at_member_value(state)) {
      if (auto few = few_values(matcher, state, most)) choices.push_back({place.pointer(), i, state, std::move(*few)});
    }
    place.read(text[i]);
    state = matcher.step(state, static_cast<unsigned char>(text[i]));
    HONE_CHECK(state != JsonMatcher::dead);
  }
  return choices;
}

}  // namespace hone::text
