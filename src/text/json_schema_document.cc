#include "text/json_schema_document.h"

#include <set>

#include "base/terminal.h"

namespace hone::text {

namespace {

constexpr std::size_t most_bytes = 2'000'000;

// Looks for what readers of JSON differ in: a key that is given twice in one object, and whole numbers that not all
// keep exactly.
class Differences : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t& text) override {
    if (text.find_first_of(".eE") == std::string::npos) large_ = text;
    return true;
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    open_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (!open_.back().insert(name).second) twice_ = name;
    return true;
  }
  bool end_object() override {
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  void check() const {
    if (!twice_.empty()) {
      fail(ErrorCode::bad_input, "the schema gives the key \"{}\" twice in one object; keep one of them",
           printable(twice_));
    }
    if (!large_.empty()) {
      fail(ErrorCode::bad_input,
           "the schema has the whole number {}, but only those from -9223372036854775808 to 18446744073709551615 are "
           "kept exactly; use a smaller one, or write it as a decimal (1e30)",
           printable(large_.substr(0, 40)));
    }
  }

 private:
  std::vector<std::set<std::string>> open_;
  std::string twice_, large_;
};

std::string escaped(const std::string& key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : (c == '/' ? "~1" : std::string(1, c));
  return out;
}

// A reference token: %XX of the URI, then ~1 and ~0 of the JSON pointer.
std::string unescaped(const std::string& token) {
  std::string bytes, out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    unsigned value = 0;
    if (token[i] == '%' && i + 2 < token.size() && std::sscanf(token.c_str() + i + 1, "%2x", &value) == 1) {
      bytes += static_cast<char>(value);
      i += 2;
    } else {
      bytes += token[i];
    }
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool pair = bytes[i] == '~' && i + 1 < bytes.size() && (bytes[i + 1] == '0' || bytes[i + 1] == '1');
    out += pair ? (bytes[++i] == '1' ? '/' : '~') : bytes[i];
  }
  return out;
}

int draft_of(const Json& root) {
  if (!root.is_object() || !root.contains("$schema") || !root["$schema"].is_string()) return 2020;
  const auto name = root["$schema"].get<std::string>();
  if (name.find("draft-03") != std::string::npos || name.find("draft-04") != std::string::npos) return 4;
  if (name.find("draft-06") != std::string::npos) return 6;
  if (name.find("draft-07") != std::string::npos) return 7;
  return name.find("2019-09") != std::string::npos ? 2019 : 2020;
}

// `id` against the base it stands in: enough of RFC 3986 for documents that name their own parts.
std::string absolute(const std::string& base, const std::string& id) {
  if (id.empty()) return base;
  if (id.find("://") != std::string::npos || id.starts_with("urn:")) return id;
  const std::string without = base.substr(0, base.find('#'));
  if (id.starts_with('#')) return without + id;
  if (id.starts_with('/')) {
    const std::size_t host = without.find("://");
    const std::size_t slash = host == std::string::npos ? std::string::npos : without.find('/', host + 3);
    return host == std::string::npos ? id : without.substr(0, slash) + id;
  }
  const std::size_t slash = without.rfind('/');
  return (slash == std::string::npos ? "" : without.substr(0, slash + 1)) + id;
}

}  // namespace

SchemaPlace SchemaPlace::below(const std::string& key) const {
  return {&schema->at(key), pointer + "/" + escaped(key)};
}
SchemaPlace SchemaPlace::below(const std::string& key, std::size_t index) const {
  return {&schema->at(key).at(index), fmt::format("{}/{}/{}", pointer, escaped(key), index)};
}
SchemaPlace SchemaPlace::member(const std::string& key, const std::string& name) const {
  return {&schema->at(key).at(name), fmt::format("{}/{}/{}", pointer, escaped(key), escaped(name))};
}

SchemaDocument SchemaDocument::parse(std::string_view text) {
  if (text.size() > most_bytes) {
    fail(ErrorCode::bad_input, "the schema has {} bytes; at most {} are read: keep only what the answer needs",
         text.size(), most_bytes);
  }
  SchemaDocument document;
  document.root_ = std::make_shared<const Json>(value_or_throw(parse_json(text, "the schema")));
  Differences differences;
  Json::sax_parse(text, &differences);
  differences.check();
  document.draft_ = draft_of(*document.root_);
  document.index(document.root(), "");
  return document;
}

void SchemaDocument::index(const SchemaPlace& place, const std::string& base) {
  std::string here = base;
  if (place.schema->is_object()) {
    const char* const id_key = draft_ == 4 ? "id" : "$id";
    if (const auto id = place.schema->find(id_key); id != place.schema->end() && id->is_string()) {
      const auto name = id->get<std::string>();
      by_id_.emplace(absolute(base, name), place);
      if (!name.starts_with('#') && !name.empty()) {
        here = absolute(base, name);
        if (here.ends_with('#')) here.pop_back();
        by_id_.emplace(here, place);
        base_of_.emplace(place.pointer, here);
      }
    }
    for (const char* key : {"$anchor", "$dynamicAnchor"}) {
      const auto anchor = place.schema->find(key);
      if (anchor != place.schema->end() && anchor->is_string()) {
        by_id_.emplace(here + "#" + anchor->get<std::string>(), place);
      }
    }
    for (const auto& [key, value] : place.schema->items()) {
      if (key == "enum" || key == "const" || key == "default" || key == "examples") continue;
      index({&value, place.pointer + "/" + escaped(key)}, here);
    }
  } else if (place.schema->is_array()) {
    std::size_t i = 0;
    for (const Json& value : *place.schema) index({&value, fmt::format("{}/{}", place.pointer, i++)}, here);
  }
}

SchemaPlace SchemaDocument::follow(const SchemaPlace& start, const std::string& pointer) const {
  SchemaPlace place = start;
  std::size_t at = 0;
  while (at < pointer.size() && place.schema != nullptr) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    const std::string token = unescaped(pointer.substr(at + 1, end - at - 1));
    const Json* next = nullptr;
    if (place.schema->is_object() && place.schema->contains(token)) next = &place.schema->at(token);
    if (place.schema->is_array() && !token.empty() && token.find_first_not_of("0123456789") == std::string::npos) {
      const std::size_t index = std::strtoull(token.c_str(), nullptr, 10);
      if (index < place.schema->size()) next = &place.schema->at(index);
    }
    place = {next, place.pointer + "/" + escaped(token)};
    at = end;
  }
  return place;
}

SchemaPlace SchemaDocument::resolve(const std::string& ref, const SchemaPlace& from) const {
  // The innermost schema with an id around `from` is what the reference is relative to.
  std::string base;
  std::size_t length = 0;
  for (const auto& [pointer, id] : base_of_) {
    if ((from.pointer == pointer || from.pointer.starts_with(pointer + "/")) && pointer.size() >= length) {
      base = id;
      length = pointer.size();
    }
  }
  const std::string whole = absolute(base, ref);
  const std::size_t mark = std::min(whole.find('#'), whole.size());
  const std::string resource = whole.substr(0, mark);
  const std::string fragment = mark < whole.size() ? whole.substr(mark + 1) : "";
  if (const auto known = by_id_.find(whole); known != by_id_.end()) return known->second;
  const auto owner = by_id_.find(resource);
  if (fragment.empty() || fragment.starts_with('/')) {
    if (owner != by_id_.end() || resource.empty()) {
      const SchemaPlace found = follow(owner != by_id_.end() ? owner->second : root(), fragment);
      if (found.schema != nullptr) return found;
    }
    if (ref.starts_with('#')) {
      if (const SchemaPlace found = follow(root(), fragment); found.schema != nullptr) return found;
    }
  }
  if (!ref.starts_with('#') && owner == by_id_.end()) {
    fail(ErrorCode::unsupported,
         "$ref at {} points outside the schema (\"{}\"), which is never fetched; copy what it needs "
         "into $defs",
         from.pointer, printable(ref));
  }
  fail(ErrorCode::bad_input, "$ref at {} points to \"{}\", but nothing is there", from.pointer, printable(ref));
}

}  // namespace hone::text
