#include "data/output_schema.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace hone::data {
namespace {

constexpr std::size_t most_explained = 20;  // outputs whose keyword is looked for
constexpr std::size_t most_keywords = 200;  // of a schema in which one is looked for

// The value is what counts: it is spelled here, without blanks.
constexpr text::JsonSpelling compact = {.keys = text::JsonSpelling::Keys::any,
                                        .space = text::JsonSpelling::Space::none};

std::string below(const std::string& pointer, const std::string& key) {
  std::string out = pointer + "/";
  for (const char c : key) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// Spells a value byte by byte into a matcher, until one is refused.
class Walk {
 public:
  explicit Walk(text::JsonMatcher& matcher) : matcher_(matcher), state_(matcher.start()) {}

  bool whole(const Json& value) { return this->value(value, "") && (matcher_.accepts(state_) || refuse("")); }
  std::size_t read() const { return read_; }
  const std::string& refused() const { return refused_; }  // pointer of the value that was

 private:
  bool refuse(const std::string& pointer) {
    refused_ = pointer;
    return false;
  }

  bool take(const std::string& bytes, const std::string& pointer) {
    for (const char c : bytes) {
      state_ = matcher_.step(state_, static_cast<unsigned char>(c));
      if (state_ == text::JsonMatcher::dead) return refuse(pointer);
      ++read_;
    }
    return true;
  }

  // Whether anything that ends a number may follow: one that is refused only there is refused for itself.
  bool may_end() {
    const auto follows = [&](unsigned char byte) { return matcher_.step(state_, byte) != text::JsonMatcher::dead; };
    return matcher_.accepts(state_) || follows(',') || follows('}') || follows(']');
  }

  bool value(const Json& value, const std::string& pointer) {
    if (value.is_object()) return object(value, pointer);
    if (value.is_array()) return array(value, pointer);
    if (!value.is_number_float()) {
      return take(to_text(value), pointer) && (!value.is_number() || may_end() || refuse(pointer));
    }
    const double number = value.get<double>();
    const bool is_whole = std::abs(number) < 9e15 && std::trunc(number) == number;
    const std::string text = is_whole ? fmt::format("{}", static_cast<std::int64_t>(number)) : to_text(value);
    return take(text, pointer) && (may_end() || refuse(pointer));
  }

  bool object(const Json& value, const std::string& pointer) {
    if (!take("{", pointer)) return false;
    bool is_first = true;
    for (const auto& [key, member] : value.items()) {
      const std::string inside = below(pointer, key);
      if (!is_first && !take(",", pointer)) return false;
      if (!take(to_text(Json(key)), inside) || !take(":", inside) || !this->value(member, inside)) return false;
      is_first = false;
    }
    return take("}", pointer);
  }

  bool array(const Json& value, const std::string& pointer) {
    if (!take("[", pointer)) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0 && !take(",", pointer)) return false;
      if (!this->value(value[i], fmt::format("{}/{}", pointer, i))) return false;
    }
    return take("]", pointer);
  }

  text::JsonMatcher& matcher_;
  text::JsonMatcher::State state_;
  std::size_t read_ = 0;
  std::string refused_;
};

// Pointers of all members of all objects in a schema, those inside before what they stand in.
void list_members(const Json& schema, const std::string& pointer, std::vector<std::string>& members) {
  if (members.size() > most_keywords) return;
  if (schema.is_array()) {
    for (std::size_t i = 0; i < schema.size(); ++i) {
      list_members(schema[i], fmt::format("{}/{}", pointer, i), members);
    }
  }
  if (!schema.is_object()) return;
  for (const auto& [key, member] : schema.items()) {
    const std::string inside = below(pointer, key);
    list_members(member, inside, members);
    members.push_back(inside);
  }
}

std::optional<text::JsonSchema> without(const Json& schema, const Json::json_pointer& member) {
  Json rest = schema;
  rest[member.parent_pointer()].erase(member.back());
  Result<text::JsonSchema> compiled = text::JsonSchema::compile(to_text(rest));
  return compiled ? std::optional(std::move(*compiled)) : std::nullopt;
}

}  // namespace

text::JsonSpelling answer_spelling() {
  return {.keys = text::JsonSpelling::Keys::any, .space = text::JsonSpelling::Space::one};
}

OutputSchema::OutputSchema(std::string schema, const text::JsonSchema& compiled)
    : schema_(std::move(schema)), matcher_(std::make_unique<text::JsonMatcher>(compiled, compact)) {}

Result<OutputSchema> OutputSchema::compile(const std::string& schema) {
  const Result<text::JsonSchema> compiled = text::JsonSchema::compile(schema);
  if (!compiled) return tl::unexpected<Error>(compiled.error());
  return OutputSchema(schema, *compiled);
}

bool OutputSchema::allows(const std::string& output) {
  const Result<Json> json = parse_json(output, "output");
  return json && Walk(*matcher_).whole(*json);
}

std::optional<Breach> OutputSchema::breach(const std::string& output) {
  const Result<Json> json = parse_json(output, "output");
  if (!json) return Breach{};
  Walk walk(*matcher_);
  if (walk.whole(*json)) return std::nullopt;
  Breach breach;
  breach.pointer = walk.refused();
  if (++explained_ <= most_explained) name_keyword(*json, walk.read(), breach);
  return breach;
}

void OutputSchema::name_keyword(const Json& output, std::size_t read, Breach& breach) const {
  const Result<Json> schema = parse_json(schema_, "schema");
  if (!schema) return;
  std::vector<std::string> members;
  list_members(*schema, "", members);
  if (members.size() > most_keywords) return;
  const auto depth = [](const std::string& pointer) { return std::count(pointer.begin(), pointer.end(), '/'); };
  std::stable_sort(members.begin(), members.end(),
                   [&](const std::string& a, const std::string& b) { return depth(a) > depth(b); });
  for (const std::string& member : members) {
    const Json::json_pointer pointer(member);
    const std::optional<text::JsonSchema> rest = without(*schema, pointer);
    if (!rest) continue;
    text::JsonMatcher matcher(*rest, compact);
    Walk walk(matcher);
    const bool passes = walk.whole(output) || (walk.read() > read && walk.refused() != breach.pointer);
    if (!passes) continue;
    breach.keyword = pointer.back();
    breach.place = "#" + member;
    return;
  }
}

}  // namespace hone::data
