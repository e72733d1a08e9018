// libFuzzer entry: a JSON Schema in the first line, text in the rest. Whatever compiles, every state met can be
// completed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/json_schema_matcher.h"
#include "text/regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone::text;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t line = bytes.find('\n');
  const std::string_view text = line == std::string_view::npos ? "" : bytes.substr(line + 1);
  (void)compile_regex(text.substr(0, 64));
  const auto schema = JsonSchema::compile(bytes.substr(0, line));
  if (!schema) return 0;
  JsonMatcher matcher(*schema, {JsonSpelling::Keys::any, JsonSpelling::Space::any});
  JsonMatcher::State state = matcher.start();
  for (const char c : text.substr(0, 512)) {
    const JsonMatcher::State next = matcher.step(state, static_cast<unsigned char>(c));
    if (next == JsonMatcher::dead) break;
    state = next;
  }
  for (const char c : matcher.closing(state)) state = matcher.step(state, static_cast<unsigned char>(c));
  if (!matcher.accepts(state)) std::abort();
  return 0;
}
