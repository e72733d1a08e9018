#include "formats/large_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/terminal.h"

namespace hone::formats {
namespace {

constexpr std::size_t max_depth = 64;

// Builds the value from the parser's events, appending to objects without looking for the key first.
// A Json member makes the analyser see throws in implicit members that only an exhausted memory brings.
// NOLINTNEXTLINE(bugprone-exception-escape)
class Builder : public nlohmann::json_sax<Json> {
 public:
  Json take() { return std::move(root_); }
  const std::string& why() const { return why_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    keys_.push_back(std::move(value));
    return true;
  }

  bool end_object() override {
    std::vector<const std::string*> names;
    for (const auto& [name, value] : members(open_.back())) names.push_back(&name);
    const auto before = [](const std::string* a, const std::string* b) { return *a < *b; };
    const auto equal = [](const std::string* a, const std::string* b) { return *a == *b; };
    std::sort(names.begin(), names.end(), before);
    const auto twice = std::adjacent_find(names.begin(), names.end(), equal);
    if (twice != names.end()) return refuse(fmt::format("the key '{}' stands twice", clipped(**twice, 80)));
    return close();
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string message = error.what();
    if (const auto end = message.find("] "); message.starts_with('[') && end != std::string::npos)
      message.erase(0, end + 2);
    return refuse(fmt::format("not valid JSON at byte {}: {}", position, printable(message)));
  }

 private:
  using Members = std::vector<std::pair<const std::string, Json>>;
  static Members& members(Json& object) { return object.get_ref<Json::object_t&>(); }

  bool refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }

  // Open values live in open_ until they are closed, when they are moved into their parent.
  bool open(Json value) {
    if (open_.size() >= max_depth) return refuse(fmt::format("JSON nested deeper than {} levels", max_depth));
    open_.push_back(std::move(value));
    return true;
  }

  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    return add(std::move(done));
  }

  bool add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_array()) {
      open_.back().get_ref<Json::array_t&>().push_back(std::move(value));
    } else {
      members(open_.back()).emplace_back(std::move(keys_.back()), std::move(value));
      keys_.pop_back();
    }
    return true;
  }

  Json root_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;  // of the open objects' members not yet closed
  std::string why_;
};

}  // namespace

Result<Json> parse_large_json(std::string_view text, std::string_view where) {
  Builder builder;
  if (!Json::sax_parse(text, &builder)) return bad_input("{}: {}", printable(where), builder.why());
  return builder.take();
}

}  // namespace hone::formats
