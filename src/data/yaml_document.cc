#include "data/yaml_document.h"

#include <yaml-cpp/yaml.h>

#include "base/terminal.h"

namespace hone::data {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20;
constexpr std::size_t most_values = 1'000'000;
constexpr std::size_t most_text = std::size_t{256} << 20;  // bytes, references written out
constexpr int max_depth = 64;

class Converter {
 public:
  explicit Converter(YamlDocument& document) : document_(document) {}

  Json convert(const YAML::Node& node, const std::string& pointer, int depth) {
    if (++values_ > most_values) fail(ErrorCode::bad_input, "over {} values, references written out", most_values);
    if (depth > max_depth) fail(ErrorCode::bad_input, "nested deeper than {} levels", max_depth);
    if (!node.Mark().is_null()) document_.lines[pointer] = static_cast<std::size_t>(node.Mark().line) + 1;
    if (node.IsSequence()) {
      Json list = Json::array();
      for (const YAML::Node& item : node) {
        list.push_back(convert(item, fmt::format("{}/{}", pointer, list.size()), depth + 1));
      }
      return list;
    }
    if (node.IsMap()) {
      Json object = Json::object();
      for (const auto& member : node) {
        const std::string key = member.first.IsScalar() ? member.first.Scalar() : "?";
        object[key] = convert(member.second, pointer + "/" + key, depth + 1);
      }
      return object;
    }
    return node.IsScalar() ? scalar(node) : Json();
  }

 private:
  Json scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    text_bytes_ += text.size();
    if (text_bytes_ > most_text) fail(ErrorCode::bad_input, "over {} bytes, references written out", most_text);
    const std::string& tag = node.Tag();
    if (tag.size() > 1 && tag.starts_with('!')) return Json{{tag, text}};
    if (tag == "!") return text;  // it stands in quotes
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    if (text == "true" || text == "false") return text == "true";
    // What JSON calls a number, and nothing else: 010 and 1_000 stay texts.
    if (text.size() < 300 && Json::accept(text)) {
      Json number = Json::parse(text);
      if (number.is_number()) return number;
    }
    return text;
  }

  YamlDocument& document_;
  std::size_t values_ = 0;
  std::size_t text_bytes_ = 0;
};

}  // namespace

std::size_t YamlDocument::line(const std::string& pointer) const {
  const auto found = lines.find(pointer);
  return found == lines.end() ? 1 : found->second;
}

Result<YamlDocument> read_yaml(std::string_view text, const std::string& name) {
  if (text.size() > most_bytes)
    return bad_input("{}: {} bytes; YAML files of over {} are not read", name, text.size(), most_bytes);
  std::size_t bad_at = 0;
  if (!is_utf8(text, &bad_at)) return bad_input("{}: not UTF-8 (byte {}); save the file as UTF-8", name, bad_at + 1);
  YamlDocument document;
  try {
    document.json = Converter(document).convert(YAML::Load(std::string(text)), "", 0);
    return document;
  } catch (const YAML::Exception& error) {
    return bad_input("{}:{}: not valid YAML: {}", name, error.mark.line + 1, printable(error.msg));
  } catch (const Failure& failure) {
    return bad_input("{}: {}", name, failure.what());
  }
}

}  // namespace hone::data
