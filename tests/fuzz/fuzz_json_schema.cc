// libFuzzer entry: a JSON Schema in the first line, text in the rest. Whatever compiles, every state met can be
// completed, and reading anew what was read decides alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "heap_bound.h"
#include "text/json_schema_matcher.h"
#include "text/regex.h"

namespace {

using namespace hone::text;

// What was read, as far as it could be, and its completion.
std::string completed(const JsonSchema& schema, JsonSpelling spelling, std::string_view text) {
  JsonMatcher matcher(schema, spelling);
  JsonMatcher::State state = matcher.start();
  std::string read;
  for (const char c : text) {
    const JsonMatcher::State next = matcher.step(state, static_cast<unsigned char>(c));
    if (next == JsonMatcher::dead) break;
    state = next;
    read += c;
  }
  const std::string closing = matcher.closing(state);
  for (const char c : closing) state = matcher.step(state, static_cast<unsigned char>(c));
  if (!matcher.accepts(state)) std::abort();
  return read + closing;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{384} << 20, 4096, size);
  const std::size_t line = bytes.find('\n');
  const std::string_view text = line == std::string_view::npos ? "" : bytes.substr(line + 1);
  (void)compile_regex(text.substr(0, 64));
  const auto schema = JsonSchema::compile(bytes.substr(0, line));
  if (!schema) return 0;
  for (const JsonSpelling::Keys keys : {JsonSpelling::Keys::any, JsonSpelling::Keys::schema}) {
    const JsonSpelling spelling = {keys, JsonSpelling::Space::any};
    const std::string whole = completed(*schema, spelling, text.substr(0, 512));
    if (completed(*schema, spelling, whole) != whole) std::abort();
  }
  return 0;
}
