// What constraints that read their answer byte by byte share. Of a reader: step(state, byte), accepts(state) and
// `dead`.
#pragma once

#include <string>

namespace hone::generate {

inline constexpr std::size_t most_forced_bytes = 4096;  // looked ahead

// The one byte that may follow; -1 where there are several or none.
template <class Reader, class State>
int only_byte(Reader& reader, State state) {
  int only = -1;
  for (int byte = 0; byte < 256; ++byte) {
    if (reader.step(state, static_cast<unsigned char>(byte)) == std::remove_cvref_t<Reader>::dead) continue;
    if (only >= 0) return -1;
    only = byte;
  }
  return only;
}

// The bytes that must follow until there is a choice, or until the answer may end.
template <class Reader, class State>
std::string forced_bytes(Reader& reader, State state) {
  std::string bytes;
  while (bytes.size() < most_forced_bytes && !reader.accepts(state)) {
    const int only = only_byte(reader, state);
    if (only < 0) break;
    bytes += static_cast<char>(only);
    state = reader.step(state, static_cast<unsigned char>(only));
  }
  return bytes;
}

}  // namespace hone::generate
