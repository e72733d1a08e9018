#include "text/regex_automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "text/regex_minimise.h"
#include "text/regex_utf8.h"

namespace hone::text {

namespace {

constexpr std::int32_t dead = ByteAutomaton::dead;
constexpr std::size_t most_literal_bytes = 500'000;
constexpr std::size_t most_listed_bytes = 2000;  // of a text of few_texts()

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// Fewest bytes from each state to an accepting one; -1 where there is no way.
std::vector<std::int32_t> distances(const ByteAutomaton& automaton) {
  std::vector<std::vector<std::int32_t>> before(at(automaton.states()));
  std::vector<std::int32_t> distance(at(automaton.states()), -1), queue;
  for (int state = 0; state < automaton.states(); ++state) {
    for (int c = 0; c < automaton.classes; ++c) {
      const std::int32_t to = automaton.next[at(state * automaton.classes + c)];
      if (to != dead) before[at(to)].push_back(state);
    }
    if (automaton.accepting[at(state)] != 0) {
      distance[at(state)] = 0;
      queue.push_back(state);
    }
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const std::int32_t from : before[at(queue[i])]) {
      if (distance[at(from)] >= 0) continue;
      distance[at(from)] = distance[at(queue[i])] + 1;
      queue.push_back(from);
    }
  }
  return distance;
}

// Keeps the states that are reached from the start and reach an accepting one, the start first.
ByteAutomaton trimmed(const ByteAutomaton& raw) {
  ByteAutomaton kept;
  kept.class_of = raw.class_of;
  kept.classes = raw.classes;
  const std::vector<std::int32_t> distance = distances(raw);
  if (raw.is_empty() || distance[0] < 0) return kept;
  std::vector<std::int32_t> place(at(raw.states()), dead), order = {0};
  place[0] = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (int c = 0; c < raw.classes; ++c) {
      const std::int32_t to = raw.next[at(order[i] * raw.classes + c)];
      if (to == dead || distance[at(to)] < 0) {
        kept.next.push_back(dead);
        continue;
      }
      if (place[at(to)] == dead) {
        place[at(to)] = static_cast<std::int32_t>(order.size());
        order.push_back(to);
      }
      kept.next.push_back(place[at(to)]);
    }
    kept.accepting.push_back(raw.accepting[at(order[i])]);
  }
  return kept;
}

// Bytes that do the same everywhere share a class.
void merge_classes(ByteAutomaton& automaton) {
  std::map<std::vector<std::int32_t>, int> known;
  std::vector<int> merged;
  for (int c = 0; c < automaton.classes; ++c) {
    std::vector<std::int32_t> column;
    for (int state = 0; state < automaton.states(); ++state) {
      column.push_back(automaton.next[at(state * automaton.classes + c)]);
    }
    merged.push_back(known.emplace(std::move(column), static_cast<int>(known.size())).first->second);
  }
  std::vector<std::int32_t> next(at(automaton.states()) * known.size(), dead);
  for (int state = 0; state < automaton.states(); ++state) {
    for (int c = 0; c < automaton.classes; ++c) {
      next[at(state) * known.size() + at(merged[at(c)])] = automaton.next[at(state * automaton.classes + c)];
    }
  }
  for (auto& c : automaton.class_of) c = static_cast<std::uint8_t>(merged[c]);
  automaton.classes = static_cast<int>(known.size());
  automaton.next = std::move(next);
}

enum class Keep { both, either, first_only };

// Whether a pair with dead sides can still lead anywhere.
bool useful(Keep keep, std::int32_t a, std::int32_t b) {
  if (keep == Keep::both) return a != dead && b != dead;
  return keep == Keep::either ? a != dead || b != dead : a != dead;
}

Automaton combined(const ByteAutomaton& a, const ByteAutomaton& b, Keep keep) {
  ByteAutomaton raw;
  std::map<std::pair<int, int>, int> joint;
  std::vector<unsigned char> example;
  for (int byte = 0; byte < 256; ++byte) {
    const std::pair<int, int> both(a.class_of[at(byte)], b.class_of[at(byte)]);
    const auto [known, is_new] = joint.emplace(both, static_cast<int>(joint.size()));
    if (is_new) example.push_back(static_cast<unsigned char>(byte));
    raw.class_of[at(byte)] = static_cast<std::uint8_t>(known->second);
  }
  raw.classes = static_cast<int>(joint.size());
  if (!useful(keep, a.start(), b.start())) return finish_automaton(std::move(raw));
  std::unordered_map<std::int64_t, std::int32_t> known;
  std::vector<std::pair<std::int32_t, std::int32_t>> order;
  const auto place = [&](std::int32_t x, std::int32_t y) {
    const auto [found, is_new] =
        known.emplace((static_cast<std::int64_t>(x) << 32) + y, static_cast<std::int32_t>(order.size()));
    if (is_new) order.emplace_back(x, y);
    return found->second;
  };
  place(a.start(), b.start());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order.size() > at(most_automaton_states)) {
      fail(ErrorCode::unsupported, "the patterns together need more than {} states", most_automaton_states);
    }
    const auto [x, y] = order[i];
    const bool in_a = x != dead && a.accepting[at(x)] != 0, in_b = y != dead && b.accepting[at(y)] != 0;
    const bool kept = keep == Keep::either ? in_a || in_b : in_a && in_b == (keep == Keep::both);
    raw.accepting.push_back(kept ? 1 : 0);
    for (const unsigned char byte : example) {
      const std::int32_t to_x = x == dead ? dead : a.step(x, byte), to_y = y == dead ? dead : b.step(y, byte);
      raw.next.push_back(useful(keep, to_x, to_y) ? place(to_x, to_y) : dead);
    }
  }
  return finish_automaton(std::move(raw));
}

}  // namespace

bool ByteAutomaton::accepts(std::string_view bytes) const {
  std::int32_t state = start();
  for (const char c : bytes) {
    if (state == dead) return false;
    state = step(state, static_cast<unsigned char>(c));
  }
  return state != dead && accepting[at(state)] != 0;
}

Automaton finish_automaton(ByteAutomaton raw) {
  ByteAutomaton kept = trimmed(raw);
  if (!kept.is_empty()) {
    kept = trimmed(minimised(kept));
    merge_classes(kept);
  }
  kept.to_accept = distances(kept);
  kept.work = static_cast<std::int64_t>(raw.states()) * raw.classes;
  return std::make_shared<const ByteAutomaton>(std::move(kept));
}

Automaton any_text() {
  // One state at a character's boundary, the others inside one: rows of first byte, last byte, state after it.
  struct Range {
    int from, first, last, to;
  };
  constexpr Range ranges[] = {{0, 0x00, 0x7F, 0}, {0, 0xC2, 0xDF, 1}, {0, 0xE0, 0xE0, 2}, {0, 0xE1, 0xEC, 3},
                              {0, 0xED, 0xED, 4}, {0, 0xEE, 0xEF, 3}, {0, 0xF0, 0xF0, 5}, {0, 0xF1, 0xF3, 6},
                              {0, 0xF4, 0xF4, 7}, {1, 0x80, 0xBF, 0}, {2, 0xA0, 0xBF, 1}, {3, 0x80, 0xBF, 1},
                              {4, 0x80, 0x9F, 1}, {5, 0x90, 0xBF, 3}, {6, 0x80, 0xBF, 3}, {7, 0x80, 0x8F, 3}};
  ByteAutomaton raw;
  raw.classes = 256;
  for (std::size_t byte = 0; byte < 256; ++byte) raw.class_of[byte] = static_cast<std::uint8_t>(byte);
  raw.accepting = {1, 0, 0, 0, 0, 0, 0, 0};
  raw.next.assign(8 * 256, dead);
  for (const Range& range : ranges) {
    for (int byte = range.first; byte <= range.last; ++byte) raw.next[at(range.from * 256 + byte)] = range.to;
  }
  return finish_automaton(std::move(raw));
}

Automaton literal_texts(std::span<const std::string> texts) {
  ByteAutomaton raw;
  std::array<bool, 256> used{};
  std::size_t bytes = 0;
  for (const std::string& text : texts) {
    bytes += text.size();
    for (const char c : text) used[static_cast<unsigned char>(c)] = true;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (used[byte]) raw.class_of[byte] = static_cast<std::uint8_t>(raw.classes++);
  }
  if (bytes > most_literal_bytes) {
    fail(ErrorCode::unsupported, "lists texts of {} bytes, more than {}", bytes, most_literal_bytes);
  }
  const auto add_state = [&] {
    raw.accepting.push_back(0);
    raw.next.insert(raw.next.end(), at(raw.classes), dead);
    return raw.states() - 1;
  };
  add_state();
  for (const std::string& text : texts) {
    std::int32_t state = 0;
    for (const char c : text) {
      const std::size_t edge = at(state * raw.classes + raw.class_of[static_cast<unsigned char>(c)]);
      if (raw.next[edge] == dead) {
        const std::int32_t added = add_state();
        raw.next[edge] = added;
      }
      state = raw.next[edge];
    }
    raw.accepting[at(state)] = 1;
  }
  return finish_automaton(std::move(raw));
}

Automaton intersect(const Automaton& a, const Automaton& b) { return a == b ? a : combined(*a, *b, Keep::both); }
Automaton unite(const Automaton& a, const Automaton& b) { return a == b ? a : combined(*a, *b, Keep::either); }
Automaton subtract(const Automaton& a, const Automaton& b) { return combined(*a, *b, Keep::first_only); }

std::optional<std::vector<std::string>> few_texts(const ByteAutomaton& automaton, std::size_t most) {
  std::vector<std::string> found;
  std::vector<std::pair<std::int32_t, std::string>> open;
  if (!automaton.is_empty()) open.emplace_back(0, "");
  // Breadth first; a trimmed automaton with a cycle has texts without end, and so passes any bound.
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto [state, text] = open[i];
    if (automaton.accepting[at(state)] != 0) found.push_back(text);
    if (found.size() > most || text.size() > std::min(at(automaton.states()), most_listed_bytes)) return std::nullopt;
    for (int byte = 0; byte < 256; ++byte) {
      const std::int32_t to = automaton.step(state, static_cast<unsigned char>(byte));
      if (to != dead) open.emplace_back(to, text + static_cast<char>(byte));
    }
    if (open.size() - i > 4 * most + 4 * 256) return std::nullopt;
  }
  return found;
}

}  // namespace hone::text
