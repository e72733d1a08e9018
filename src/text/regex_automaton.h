// Deterministic automata over bytes: what regular expressions, enumerations, numbers and formats become, so that they
// can be intersected, united, subtracted and read byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace hone::text {

// State 0 is the start. Every state can reach an accepting one: what step() doesn't call dead can be completed. The
// empty language has no states.
struct ByteAutomaton {
  static constexpr std::int32_t dead = -1;
  std::array<std::uint8_t, 256> class_of{};
  int classes = 1;
  std::vector<std::int32_t> next;       // [states, classes]
  std::vector<std::uint8_t> accepting;  // [states]
  std::vector<std::int32_t> to_accept;  // [states] fewest bytes to an accepting state
  std::int64_t work = 0;                // transitions of the automaton that was reduced to this one

  int states() const { return static_cast<int>(accepting.size()); }
  bool is_empty() const { return accepting.empty(); }
  std::int32_t start() const { return is_empty() ? dead : 0; }
  std::int32_t step(std::int32_t state, unsigned char byte) const {
    return next[static_cast<std::size_t>(state * classes + class_of[byte])];
  }
  bool accepts(std::int32_t state) const { return accepting[static_cast<std::size_t>(state)] != 0; }
  bool accepts(std::string_view bytes) const;
};
using Automaton = std::shared_ptr<const ByteAutomaton>;

// More states than this end the operation with a Failure (unsupported).
inline constexpr int most_automaton_states = 20000;

// Reduces `raw` (any states, some perhaps unreachable or without a way to an accepting one) to its smallest equal.
Automaton finish_automaton(ByteAutomaton raw);

// All valid UTF-8 texts; one object a call.
Automaton any_text();
// Exactly these.
Automaton literal_texts(std::span<const std::string> texts);

Automaton intersect(const Automaton& a, const Automaton& b);
Automaton unite(const Automaton& a, const Automaton& b);
Automaton subtract(const Automaton& a, const Automaton& b);

// The texts of `automaton` where there are at most `most` of them, none longer than 2,000 bytes.
std::optional<std::vector<std::string>> few_texts(const ByteAutomaton& automaton, std::size_t most);

}  // namespace hone::text
