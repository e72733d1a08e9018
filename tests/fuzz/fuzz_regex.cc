// libFuzzer entry: a pattern in the first line, text in the rest. Automata agree with each other about any text: what a
// pattern finds, its opposite doesn't, and both together are all texts.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "heap_bound.h"
#include "text/regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  using namespace hone::text;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{384} << 20, 4096, size);
  const std::size_t line = bytes.find('\n');
  const std::string_view text = line == std::string_view::npos ? "" : bytes.substr(line + 1);
  const auto found = compile_regex(bytes.substr(0, line));
  if (!found) return 0;
  const Automaton any = any_text();
  try {
    const Automaton others = subtract(any, *found);
    if (any->accepts(text) != ((*found)->accepts(text) != others->accepts(text))) std::abort();
    if (!intersect(*found, others)->is_empty()) std::abort();
    if (!subtract(any, unite(*found, others))->is_empty()) std::abort();
    (void)few_texts(**found, 64);
  } catch (const Failure&) {
    // Two automata together may be too large, with an error.
  }
  return 0;
}
