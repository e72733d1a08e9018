// The matcher inside strings: escapes, names of members, texts.
#include <algorithm>

#include "text/json_schema_matcher.h"
#include "text/regex_utf8.h"
#include "text/utf8.h"

namespace hone::text {

namespace {

constexpr std::size_t entry_bytes = 64;  // of a map, about

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// Characters are escaped as json.dumps escapes them, with or without ensure_ascii: printable ASCII stands for itself,
// so that names and values of enumerations have one spelling and are written without asking the model.
bool may_be_escaped_by_number(std::uint32_t code) { return code < 0x20 || code > 0x7E; }

// What stands for one character behind a backslash; 0: none.
char short_escape(unsigned char byte) {
  switch (byte) {
    case '"':
    case '\\':
      return static_cast<char>(byte);
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

int hex_value(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace

int JsonMatcher::seen_id(std::vector<bool> properties) {
  const auto [known, is_new] = seen_ids_.emplace(properties, static_cast<int>(seen_.size()));
  if (is_new) {
    bytes_ += properties.size() / 4 + entry_bytes;  // kept twice
    seen_.push_back(std::move(properties));
  }
  return known->second;
}

int JsonMatcher::none_seen(int form) {
  return seen_id(std::vector<bool>(grammar_.objects[at(form)].properties.size(), false));
}

int JsonMatcher::seen_with(const JsonGrammar::Members& members, int seen, int property) {
  std::vector<bool> properties = seen_[at(seen)];
  properties[at(property)] = true;
  if (spelling_.keys == JsonSpelling::Keys::schema) {
    const int order = members.properties[at(property)].order;
    for (std::size_t i = 0; i < properties.size(); ++i) properties[i] = members.properties[i].order <= order;
  }
  return seen_id(std::move(properties));
}

const JsonMatcher::SeenFacts& JsonMatcher::facts(const Thread& object) const {
  const auto [known, is_new] = facts_.try_emplace(std::pair(object.form, object.a));
  SeenFacts& facts = known->second;
  if (!is_new) return facts;
  const JsonGrammar::Members& members = grammar_.objects[at(object.form)];
  for (std::size_t i = 0; i < members.properties.size(); ++i) {
    const JsonGrammar::Members::Property& property = members.properties[i];
    if (seen_[at(object.a)][i]) continue;
    if (property.required) {
      ++facts.required;
      facts.first_required = std::min(facts.first_required, property.order);
    }
    if (property.value >= 0) facts.open.push_back(property.order);
  }
  std::sort(facts.open.begin(), facts.open.end());
  bytes_ += facts.open.capacity() * sizeof(int) + sizeof(SeenFacts) + entry_bytes;
  return facts;
}

bool JsonMatcher::may_have(const Thread& object, int property) const {
  const JsonGrammar::Members& members = grammar_.objects[at(object.form)];
  const JsonGrammar::Members::Property& it = members.properties[at(property)];
  if (it.value < 0 || seen_[at(object.a)][at(property)]) return false;
  const SeenFacts& now = facts(object);
  if (members.most != without_end && object.b + now.required + (it.required ? 0 : 1) > members.most) return false;
  const bool ordered = spelling_.keys == JsonSpelling::Keys::schema;
  if (ordered && it.order > now.first_required) return false;
  if (!members.others.empty() || members.least == 0) return true;
  // Enough must be left to reach the least count.
  const auto behind = ordered ? std::upper_bound(now.open.begin(), now.open.end(), it.order) : now.open.begin() + 1;
  return object.b + 1 + (now.open.end() - behind) >= members.least;
}

bool JsonMatcher::may_have_others(const Thread& object) const {
  const JsonGrammar::Members& members = grammar_.objects[at(object.form)];
  if (members.others.empty()) return false;
  const std::int64_t required = facts(object).required;
  if (spelling_.keys == JsonSpelling::Keys::schema && required > 0) return false;
  return members.most == without_end || object.b + 1 + required <= members.most;
}

bool JsonMatcher::may_have_some(const Thread& object, int first, int last) const {
  for (int property = first; property < last; ++property) {
    if (may_have(object, property)) return true;
  }
  return false;
}

JsonMatcher::State JsonMatcher::start_key(State state) {
  const Level& here = level(state);
  Level next;
  next.kind = Kind::key;
  next.parent = state;
  for (std::size_t i = 0; i < here.threads.size(); ++i) {
    const Thread& object = here.threads[i];
    const JsonGrammar::Members& members = grammar_.objects[at(object.form)];
    const int parent = 4 * static_cast<int>(i);
    if (may_have_some(object, 0, static_cast<int>(members.properties.size()))) {
      next.threads.push_back({object.form, -1, 0, 0, {parent}});
    }
    if (!may_have_others(object)) continue;
    for (std::size_t k = 0; k < members.others.size(); ++k) {
      next.threads.push_back({object.form, static_cast<int>(k), 0, 0, {parent}});
    }
  }
  return intern(std::move(next));
}

JsonMatcher::TextWay JsonMatcher::text_way(const Thread& thread) const {
  const JsonGrammar::Text& text = grammar_.texts[at(thread.form)];
  return {text.texts.get(), thread.a, thread.b, text.least, text.most, text.any ? nullptr : text.fewest.data()};
}

std::vector<JsonMatcher::TextWay> JsonMatcher::text_ways(State state) const {
  const Level& here = level(state);
  std::vector<TextWay> ways;
  for (const Thread& thread : here.threads) {
    if (here.kind == Kind::text) {
      ways.push_back(text_way(thread));
    } else if (thread.a >= 0) {
      const JsonGrammar::Members::Others& others = grammar_.objects[at(thread.form)].others[at(thread.a)];
      ways.push_back({others.names.get(), thread.b, 0, 0, without_end, nullptr});
    }
  }
  return ways;
}

std::vector<std::string> JsonMatcher::names_left(State state) const {
  const Level& here = level(state);
  const Level& around = level(here.parent);
  std::vector<std::string> left;
  for (const Thread& thread : here.threads) {
    if (thread.a >= 0 || thread.c < 0) continue;
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    const JsonGrammar::Members::Node& names = members.tree[at(thread.c)];
    for (int property = names.first; property < names.last; ++property) {
      const bool may_come = std::any_of(thread.parents.begin(), thread.parents.end(),
                                        [&](int parent) { return may_have(around.threads[at(parent / 4)], property); });
      if (!may_come) continue;
      const std::string& name = members.properties[at(property)].name;
      std::size_t read = 0;
      for (int node = 0; node != thread.c; ++read) {
        const auto& next = members.tree[at(node)].next;
        const auto byte = static_cast<unsigned char>(name[read]);
        node = std::lower_bound(next.begin(), next.end(), std::pair(byte, 0))->second;
      }
      left.push_back(name.substr(read));
    }
  }
  return left;
}

// One byte of a string's decoded text; nothing where no text goes on so.
std::optional<JsonMatcher::Thread> JsonMatcher::read(Kind kind, const Level& around, const Thread& before,
                                                     unsigned char byte) const {
  if (kind == Kind::text) {
    const TextWay way = text_way(before);
    const std::int32_t to = way.automaton->step(way.at, byte);
    if (to == ByteAutomaton::dead) return std::nullopt;
    std::int64_t count = way.characters + ((byte & 0xC0) != 0x80 ? 1 : 0);
    if (way.most == without_end) count = std::min(count, way.least);
    if (!way.may_stand(to, count)) return std::nullopt;
    return Thread{before.form, to, static_cast<int>(count), 0, before.parents};
  }
  const JsonGrammar::Members& members = grammar_.objects[at(before.form)];
  int node = -1;
  if (before.c >= 0) {
    const auto& next = members.tree[at(before.c)].next;
    const auto found = std::lower_bound(next.begin(), next.end(), std::pair(byte, 0));
    if (found != next.end() && found->first == byte) node = found->second;
  }
  if (before.a >= 0) {
    const std::int32_t to = members.others[at(before.a)].names->step(before.b, byte);
    if (to == ByteAutomaton::dead) return std::nullopt;
    return Thread{before.form, before.a, to, node, before.parents};
  }
  if (node < 0) return std::nullopt;
  Thread thread{before.form, before.a, before.b, node, before.parents};
  const JsonGrammar::Members::Node& names = members.tree[at(node)];
  std::erase_if(thread.parents,
                [&](int parent) { return !may_have_some(around.threads[at(parent / 4)], names.first, names.last); });
  return thread.parents.empty() ? std::nullopt : std::optional(thread);
}

JsonMatcher::State JsonMatcher::read_byte(State state, unsigned char byte) {
  const Level& here = level(state);
  const Level& around = level(here.parent);
  std::vector<Thread> threads;
  bool same = true;
  for (const Thread& thread : here.threads) {
    auto on = read(here.kind, around, thread, byte);
    same = same && on && on->a == thread.a && on->b == thread.b && on->c == thread.c && on->parents == thread.parents;
    if (on) threads.push_back(std::move(*on));
  }
  if (same) return state;  // most of the time, inside free text
  Level next = here;
  next.threads = std::move(threads);
  return intern(std::move(next));
}

bool JsonMatcher::text_ends(const Thread& thread) const {
  const JsonGrammar::Text& text = grammar_.texts[at(thread.form)];
  return text.texts->accepting[at(thread.a)] != 0 && thread.b >= text.least;
}

JsonMatcher::State JsonMatcher::close_string(State state) {
  const Level& here = level(state);
  if (here.kind == Kind::key) return close_key(state);
  std::vector<int> survivors;
  for (const Thread& thread : here.threads) {
    if (text_ends(thread)) survivors.insert(survivors.end(), thread.parents.begin(), thread.parents.end());
  }
  return value_done(here.parent, std::move(survivors));
}

JsonMatcher::State JsonMatcher::close_key(State state) {
  const Level& here = level(state);
  const Level& around = level(here.parent);
  Level next = around;
  next.phase = Phase::key;
  next.spaces = 0;
  next.threads.clear();
  for (const Thread& thread : here.threads) {
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    const int property = thread.c < 0 ? -1 : members.tree[at(thread.c)].property;
    if (thread.a < 0 && property < 0) continue;
    if (thread.a >= 0) {
      const bool ends = members.others[at(thread.a)].names->accepting[at(thread.b)] != 0;
      if (!ends || property >= 0) continue;  // a listed name is never another
    }
    for (const int parent : thread.parents) {
      Thread object = around.threads[at(parent / 4)];
      if (thread.a < 0 && !may_have(object, property)) continue;
      object.c = thread.a < 0 ? property : -2 - thread.a;
      next.threads.push_back(std::move(object));
    }
  }
  return intern(std::move(next));
}

JsonMatcher::State JsonMatcher::step_string(State state, unsigned char byte) {
  const Level& here = level(state);
  if (here.escape != Escape::none) return step_escape(state, byte);
  if (byte == '"') return close_string(state);
  if (byte < 0x20) return dead;
  if (byte != '\\') return read_byte(state, byte);
  Level next = here;
  next.escape = Escape::backslash;
  return keep_escapable(std::move(next));
}

JsonMatcher::State JsonMatcher::step_escape(State state, unsigned char byte) {
  Level next = level(state);
  switch (next.escape) {
    case Escape::backslash:
      if (byte == 'u') {
        next.escape = Escape::unit;
        return keep_escapable(std::move(next));
      }
      if (short_escape(byte) == 0) return dead;
      return read_character(std::move(next), static_cast<std::uint32_t>(short_escape(byte)));
    case Escape::pair_backslash:
      if (byte != '\\') return dead;
      next.escape = Escape::pair_u;
      return intern(std::move(next));
    case Escape::pair_u:
      if (byte != 'u') return dead;
      next.escape = Escape::pair_unit;
      return intern(std::move(next));
    default:
      return hex_digit(std::move(next), byte);
  }
}

JsonMatcher::State JsonMatcher::hex_digit(Level next, unsigned char byte) {
  const int value = hex_value(byte);
  if (value < 0) return dead;
  next.unit = next.unit * 16 + static_cast<std::uint32_t>(value);
  if (++next.digits < 4) return keep_escapable(std::move(next));
  const std::uint32_t unit = next.unit;
  const bool is_low = unit >= 0xDC00 && unit < 0xE000;
  if (next.escape == Escape::pair_unit) {
    if (!is_low) return dead;
    const std::uint32_t high = next.high;
    return read_character(std::move(next), 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
  }
  if (is_low) return dead;
  if (!may_be_escaped_by_number(unit)) return dead;
  if (unit < 0xD800 || unit >= 0xE000) return read_character(std::move(next), unit);
  next.high = unit;
  next.unit = 0;
  next.digits = 0;
  next.escape = Escape::pair_backslash;
  return keep_escapable(std::move(next));
}

JsonMatcher::State JsonMatcher::read_character(Level next, std::uint32_t code) {
  next.escape = Escape::none;
  next.unit = next.high = 0;
  next.digits = 0;
  std::string bytes;
  append_utf8(bytes, code);
  const Level& around = level(next.parent);
  std::vector<Thread> threads;
  for (const Thread& thread : next.threads) {
    std::optional<Thread> on = thread;
    for (const char c : bytes) {
      if (on) on = read(next.kind, around, *on, static_cast<unsigned char>(c));
    }
    if (on) threads.push_back(std::move(*on));
  }
  next.threads = std::move(threads);
  return intern(std::move(next));
}

// Keeps the threads that some completion of the escape begun lets go on.
JsonMatcher::State JsonMatcher::keep_escapable(Level next) {
  std::erase_if(next.threads, [&](const Thread& thread) { return !can_read(next, thread); });
  return intern(std::move(next));
}

bool JsonMatcher::can_read(const Level& here, const Thread& thread) const {
  CharacterSet set;
  const auto add_pairs = [&](std::uint32_t high, std::uint32_t low_first, std::uint32_t low_last) {
    const std::uint32_t base = 0x10000 + ((high - 0xD800) << 10);
    set.push_back({base + low_first - 0xDC00, base + low_last - 0xDC00});
  };
  const int open = 4 * (4 - here.digits);
  const std::uint32_t first = here.unit << open, last = first + (1U << open) - 1;
  if (here.escape == Escape::backslash) {
    set = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, last_character}};
  } else if (here.escape == Escape::unit) {
    if (first < 0x20) set.push_back({first, std::min(last, 0x1FU)});
    if (last > 0x7E) set.push_back({std::max(first, 0x7FU), last});
    const std::uint32_t high_first = std::max(first, 0xD800U), high_last = std::min(last, 0xDBFFU);
    if (high_first <= high_last) {
      add_pairs(high_first, 0xDC00, 0xDFFF);
      set.back().last += (high_last - high_first) << 10;
    }
  } else if (here.escape == Escape::pair_unit) {
    const std::uint32_t low_first = std::max(first, 0xDC00U), low_last = std::min(last, 0xDFFFU);
    if (low_first <= low_last) add_pairs(here.high, low_first, low_last);
  } else {
    add_pairs(here.high, 0xDC00, 0xDFFF);
  }
  const Level& around = level(here.parent);
  const auto reads = [&](const auto& self, const Thread& from, const ByteSequence& bytes, std::size_t i) -> bool {
    if (i == bytes.size()) return true;
    for (int byte = bytes[i].first; byte <= bytes[i].last; ++byte) {
      const auto on = read(here.kind, around, from, static_cast<unsigned char>(byte));
      if (on && self(self, *on, bytes, i + 1)) return true;
    }
    return false;
  };
  const std::vector<ByteSequence> sequences = utf8_sequences(set);
  return std::any_of(sequences.begin(), sequences.end(),
                     [&](const ByteSequence& bytes) { return reads(reads, thread, bytes, 0); });
}

int JsonMatcher::characters_read(State state) const {
  const Level& here = level(state);
  return here.threads.front().b + (here.escape != Escape::none ? 1 : 0);
}

JsonMatcher::TextPlace JsonMatcher::text_place(State state, int longest) const {
  using Place = TextPlace::Kind;
  const Level& here = level(state);
  TextPlace place;
  if (here.escape != Escape::none) return place;
  if (here.kind == Kind::key) {
    // Where any name may come, what is listed changes only what follows the closing quote.
    const bool any = std::any_of(here.threads.begin(), here.threads.end(), [&](const Thread& thread) {
      return thread.a >= 0 && thread.b == 0 && grammar_.objects[at(thread.form)].others[at(thread.a)].any;
    });
    const bool some = std::any_of(here.threads.begin(), here.threads.end(), [](const Thread& t) { return t.a >= 0; });
    if (any || some) place = {any ? Place::any : Place::pattern, longest, ""};
    return place;
  }
  if (here.kind != Kind::text) return place;
  place.kind = Place::any;
  for (const Thread& thread : here.threads) {
    const JsonGrammar::Text& text = grammar_.texts[at(thread.form)];
    const std::int64_t left = text.most == without_end ? longest : text.most - thread.b;
    if (text.any && thread.a == 0) {
      place.characters = std::max(place.characters, std::min<std::int64_t>(left, longest));
      place.name += "any";  // its length is the place's; not told here
      continue;
    }
    const bool far = text.most == without_end || left >= text.most_fewest + text.least + longest;
    const std::int64_t count = far ? std::min<std::int64_t>(thread.b, text.least) : thread.b;
    place.name += fmt::format(",{} {} {}", text.any ? -1 : thread.form, thread.a, text.any ? left : count);
    place.kind = Place::pattern;
  }
  // Where all else may follow too, the narrower texts add nothing.
  if (place.characters >= longest) place.kind = Place::any;
  if (place.kind == Place::pattern) place.name += fmt::format(" {}", place.characters);
  return place;
}

}  // namespace hone::text
