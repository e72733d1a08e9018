#include "text/json_schema_choices.h"

#include <algorithm>

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

// The value's text that begins `text`: a string, a number or a word.
std::string_view scalar_at(std::string_view text) {
  if (text.front() != '"') return text.substr(0, text.find_first_of(",]} \n\t"));
  std::size_t end = 1;
  while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return text.substr(0, end + 1);
}

// Finds what follows each of the values where they come at `state` and `text` goes on so; false where they are too
// much.
bool settle(JsonMatcher& matcher, JsonMatcher::State state, std::string_view text, JsonChoice& choice) {
  const std::size_t written = scalar_at(text).size();
  const char next = written < text.size() ? text[written] : ',';
  std::size_t bytes = 0;
  for (const std::string& value : choice.values) {
    JsonMatcher::State behind = state;
    for (const char c : value) behind = matcher.step(behind, static_cast<unsigned char>(c));
    const std::string candidates = {next, ',', '}'};
    const auto first = std::find_if(candidates.begin(), candidates.end(), [&](char c) {
      return matcher.step(behind, static_cast<unsigned char>(c)) != JsonMatcher::dead;
    });
    if (first == candidates.end()) return false;
    choice.behind.push_back(*first);
    bytes += value.size();
  }
  return bytes <= most_bytes;
}

}  // namespace

std::vector<JsonChoice> json_choices(JsonMatcher& matcher, std::string_view text, std::size_t most) {
  std::vector<JsonChoice> choices;
  JsonPlace place;
  JsonMatcher::State state = matcher.start();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_space = text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
    if (!is_space) {
      if (auto values = matcher.few_values(state, most)) {
        JsonChoice choice{place.pointer(), i, std::move(*values), {}};
        if (settle(matcher, state, text.substr(i), choice)) choices.push_back(std::move(choice));
      }
    }
    place.read(text[i]);
    state = matcher.step(state, static_cast<unsigned char>(text[i]));
    HONE_CHECK(state != JsonMatcher::dead);
  }
  return choices;
}

}  // namespace hone::text
