#include "data/xml_reader.h"

#include <expat.h>

#include <algorithm>

namespace hone::data {
namespace {

constexpr int max_depth = 100;
constexpr std::int64_t longest_tag = std::int64_t{1} << 20;

std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

struct XmlReader::State {
  Handlers handlers;
  std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser{XML_ParserCreate(nullptr), &XML_ParserFree};
  int depth = 0;
  std::int64_t fed = 0;
  bool is_stopped = false;
  std::string why;

  void halt(std::string reason) {
    why = std::move(reason);
    XML_StopParser(parser.get(), XML_FALSE);
  }

  static void on_begin(void* self, const char* name, const char** attributes) {
    auto& state = *static_cast<State*>(self);
    if (++state.depth > max_depth) return state.halt("elements nested too deep");
    if (state.handlers.begin) state.handlers.begin(local_name(name), Attributes(attributes));
  }
  static void on_end(void* self, const char* name) {
    auto& state = *static_cast<State*>(self);
    --state.depth;
    if (state.handlers.end) state.handlers.end(local_name(name));
  }
  static void on_text(void* self, const char* text, int length) {
    auto& state = *static_cast<State*>(self);
    if (state.handlers.text) state.handlers.text({text, static_cast<std::size_t>(length)});
  }
  // Entities are how small files become large ones; no spreadsheet declares any.
  static void on_document_type(void* self, const char*, const char*, const char*, int) {
    static_cast<State*>(self)->halt("it declares a document type, which spreadsheets do not");
  }

  Result<void> parse(std::string_view bytes, int is_last) {
    if (is_stopped) return {};
    fed += static_cast<std::int64_t>(bytes.size());
    if (XML_Parse(parser.get(), bytes.data(), static_cast<int>(bytes.size()), is_last) == XML_STATUS_OK) {
      if (fed - XML_GetCurrentByteIndex(parser.get()) <= longest_tag) return {};
      why = "a tag of over 1 MiB";
    }
    if (is_stopped) return {};
    return bad_input("line {} of the XML: {}", XML_GetCurrentLineNumber(parser.get()),
                     why.empty() ? XML_ErrorString(XML_GetErrorCode(parser.get())) : why);
  }
};

std::string_view XmlReader::Attributes::find(std::string_view name) const {
  for (const char** at = list_; *at != nullptr; at += 2) {
    if (local_name(*at) == name) return at[1];
  }
  return {};
}

XmlReader::XmlReader(Handlers handlers) : state_(std::make_unique<State>()) {
  state_->handlers = std::move(handlers);
  XML_Parser parser = state_->parser.get();
  if (parser == nullptr) throw std::bad_alloc();
  XML_SetUserData(parser, state_.get());
  XML_SetElementHandler(parser, &State::on_begin, &State::on_end);
  XML_SetCharacterDataHandler(parser, &State::on_text);
  XML_SetStartDoctypeDeclHandler(parser, &State::on_document_type);
}

XmlReader::~XmlReader() = default;

Result<void> XmlReader::feed(std::string_view bytes) { return state_->parse(bytes, XML_FALSE); }
Result<void> XmlReader::finish() { return state_->parse({}, XML_TRUE); }

void XmlReader::stop() {
  state_->is_stopped = true;
  XML_StopParser(state_->parser.get(), XML_FALSE);
}

bool XmlReader::is_stopped() const { return state_->is_stopped; }

}  // namespace hone::data
