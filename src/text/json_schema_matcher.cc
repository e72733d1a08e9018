#include "text/json_schema_matcher.h"

#include <algorithm>

#include "base/json.h"
#include "text/regex.h"

namespace hone::text {

namespace {

constexpr int most_spaces = 24;
constexpr std::size_t entry_bytes = 64;  // of a hash table, about
constexpr std::array<const char*, 3> words = {"null", "true", "false"};

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }
bool is_number_byte(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
}
// The option of an array's contains counts, two counts in one number.
JsonGrammar::Counts unpacked(int counts) { return {counts & 0xFFF, counts >> 12}; }
int packed(const JsonGrammar::Counts& counts) { return static_cast<int>(counts[0] + (counts[1] << 12)); }

}  // namespace

JsonMatcher::JsonMatcher(const JsonSchema& schema, JsonSpelling spelling)
    : schema_(schema), grammar_(*schema_.grammar()), spelling_(spelling) {
  Level root;
  root.threads.emplace_back();
  intern(std::move(root));
}

JsonMatcher::State JsonMatcher::intern(Level level) {
  if (level.threads.empty()) return dead;
  const auto order = [](const Thread& x, const Thread& y) {
    return std::tie(x.form, x.a, x.b, x.c) < std::tie(y.form, y.a, y.b, y.c);
  };
  std::sort(level.threads.begin(), level.threads.end(), order);
  std::vector<Thread> merged;
  for (Thread& thread : level.threads) {
    if (merged.empty() || order(merged.back(), thread)) {
      merged.push_back(std::move(thread));
      continue;
    }
    std::vector<int>& parents = merged.back().parents;
    parents.insert(parents.end(), thread.parents.begin(), thread.parents.end());
  }
  std::string name;
  const auto put = [&name](std::uint32_t value) { name.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(static_cast<std::uint32_t>(level.kind) | static_cast<std::uint32_t>(level.phase) << 8 |
      static_cast<std::uint32_t>(level.escape) << 16 | static_cast<std::uint32_t>(level.spaces) << 24);
  put(level.unit | static_cast<std::uint32_t>(level.digits) << 16 | static_cast<std::uint32_t>(level.word) << 24);
  put(level.high);
  put(static_cast<std::uint32_t>(level.parent));
  for (Thread& thread : merged) {
    std::sort(thread.parents.begin(), thread.parents.end());
    thread.parents.erase(std::unique(thread.parents.begin(), thread.parents.end()), thread.parents.end());
    for (const int value : {thread.form, thread.a, thread.b, thread.c, static_cast<int>(thread.parents.size())}) {
      put(static_cast<std::uint32_t>(value));
    }
    for (const int parent : thread.parents) put(static_cast<std::uint32_t>(parent));
  }
  const auto [known, is_new] = known_.emplace(std::move(name), static_cast<State>(levels_.size()));
  if (is_new) {
    bytes_ += sizeof(Node) + known->first.capacity() + entry_bytes;
    for (const Thread& thread : merged) bytes_ += sizeof(Thread) + thread.parents.capacity() * sizeof(int);
    level.threads = std::move(merged);
    levels_.push_back({std::move(level), nullptr});
  }
  return known->second;
}

JsonMatcher::State JsonMatcher::step(State state, unsigned char byte) {
  if (state == dead) return dead;
  Node& node = levels_[at(state)];
  if (!node.next) {
    node.next = std::make_unique<std::array<State, 256>>();
    node.next->fill(-2);
    bytes_ += sizeof *node.next;
  }
  State& next = (*node.next)[byte];
  if (next == -2) next = compute(state, byte);
  return next;
}

JsonMatcher::State JsonMatcher::compute(State state, unsigned char byte) {
  const Level& here = level(state);
  switch (here.kind) {
    case Kind::root:
    case Kind::array:
    case Kind::object:
      return step_container(state, byte);
    case Kind::key:
    case Kind::text:
      return step_string(state, byte);
    case Kind::word: {
      const char* const word = words[at(here.word)];
      if (static_cast<unsigned char>(word[here.digits]) != byte) return dead;
      Level next = here;
      if (word[++next.digits] != '\0') return intern(std::move(next));
      return value_done(here.parent, here.threads.front().parents);
    }
    case Kind::number:
      break;
  }
  if (is_number_byte(byte)) {
    Level next = here;
    for (Thread& thread : next.threads) thread.a = grammar_.numbers[at(thread.form)]->step(thread.a, byte);
    std::erase_if(next.threads, [](const Thread& thread) { return thread.a == ByteAutomaton::dead; });
    return intern(std::move(next));
  }
  if (std::string_view(",]} \n\t").find(static_cast<char>(byte)) == std::string_view::npos) return dead;
  std::vector<int> survivors;
  for (const Thread& thread : here.threads) {
    if (!grammar_.numbers[at(thread.form)]->accepting[at(thread.a)]) continue;
    survivors.insert(survivors.end(), thread.parents.begin(), thread.parents.end());
  }
  return step(value_done(here.parent, std::move(survivors)), byte);
}

bool JsonMatcher::accepts(State state) {
  if (state == dead) return false;
  const Level& here = level(state);
  if (here.kind == Kind::root) return here.phase == Phase::value;
  if (here.kind != Kind::number || level(here.parent).kind != Kind::root) return false;
  return std::any_of(here.threads.begin(), here.threads.end(), [&](const Thread& thread) {
    return grammar_.numbers[at(thread.form)]->accepting[at(thread.a)] != 0;
  });
}

bool JsonMatcher::may_space(const Level& here, unsigned char byte) const {
  if (spelling_.space == JsonSpelling::Space::none || here.kind == Kind::root) return false;
  if (spelling_.space == JsonSpelling::Space::one) {
    return byte == ' ' && here.spaces == 0 && (here.phase == Phase::comma || here.phase == Phase::colon);
  }
  return (byte == ' ' || byte == '\n' || byte == '\t') && here.spaces < most_spaces;
}

JsonMatcher::State JsonMatcher::step_container(State state, unsigned char byte) {
  const Level& here = level(state);
  if (may_space(here, byte)) {
    Level next = here;
    ++next.spaces;
    return intern(std::move(next));
  }
  if (here.kind == Kind::root) return here.phase == Phase::open ? start_value(state, byte) : dead;
  return here.kind == Kind::array ? step_array(state, byte) : step_object(state, byte);
}

JsonMatcher::State JsonMatcher::step_array(State state, unsigned char byte) {
  const Level& here = level(state);
  if (byte == ']' && here.phase != Phase::comma) return close_container(state);
  if (here.phase != Phase::value) return start_value(state, byte);
  if (byte != ',') return dead;
  Level next = here;
  next.phase = Phase::comma;
  next.spaces = 0;
  std::erase_if(next.threads, [&](const Thread& thread) { return !may_go_on(Kind::array, thread); });
  return intern(std::move(next));
}

JsonMatcher::State JsonMatcher::step_object(State state, unsigned char byte) {
  const Level& here = level(state);
  if (here.phase == Phase::colon) return start_value(state, byte);
  if (byte == '}' && (here.phase == Phase::open || here.phase == Phase::value)) return close_container(state);
  if (byte == '"' && (here.phase == Phase::open || here.phase == Phase::comma)) return start_key(state);
  if (byte != ':' && byte != ',') return dead;
  Level next = here;
  next.spaces = 0;
  if (byte == ':' && here.phase == Phase::key) {
    next.phase = Phase::colon;
    return intern(std::move(next));
  }
  if (byte != ',' || here.phase != Phase::value) return dead;
  next.phase = Phase::comma;
  std::erase_if(next.threads, [&](const Thread& thread) { return !may_go_on(Kind::object, thread); });
  return intern(std::move(next));
}

// The values that may come here, each with the thread and option it continues.
std::vector<JsonMatcher::Wanted> JsonMatcher::wanted(const Level& here) const {
  std::vector<Wanted> values;
  for (std::size_t i = 0; i < here.threads.size(); ++i) {
    const Thread& thread = here.threads[i];
    const int parent = 4 * static_cast<int>(i);
    if (here.kind == Kind::root) values.push_back({grammar_.root, parent});
    if (here.kind == Kind::object) {
      const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
      const int value =
          thread.c >= 0 ? members.properties[at(thread.c)].value : members.others[at(-2 - thread.c)].value;
      values.push_back({value, parent});
    }
    if (here.kind != Kind::array) continue;
    const JsonGrammar::Items& items = grammar_.arrays[at(thread.form)];
    for (int option = 0; option < 4; ++option) {
      if (after_value(here, thread, option)) values.push_back({items.at(thread.a)[at(option)], parent + option});
    }
  }
  return values;
}

namespace {

// Each number once: no point without need, no exponent.
const Automaton& shortest_numbers() {
  static const Automaton numbers = value_or_throw(compile_regex("^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\\.[0-9]*[1-9])$"));
  return numbers;
}

}  // namespace

const std::optional<std::vector<std::string>>& JsonMatcher::few_numbers(int form, std::size_t most) const {
  const auto [known, is_new] = few_numbers_.try_emplace({form, most});
  if (is_new) {
    known->second = few_texts(*intersect(grammar_.numbers[at(form)], shortest_numbers()), most);
    if (known->second && known->second->empty()) known->second.reset();
    bytes_ += entry_bytes + (known->second ? known->second->size() * entry_bytes : 0);
  }
  return known->second;
}

std::optional<std::vector<std::string>> JsonMatcher::few_values(State state, std::size_t most) const {
  const Level& here = level(state);
  if (here.kind != Kind::object || here.phase != Phase::colon) return std::nullopt;
  std::vector<std::string> found;
  const auto add = [&](std::string text) {
    if (std::find(found.begin(), found.end(), text) == found.end()) found.push_back(std::move(text));
  };
  for (const Wanted& want : wanted(here)) {
    const JsonGrammar::Value& value = grammar_.values[at(want.value)];
    if (!value.arrays.empty() || !value.objects.empty()) return std::nullopt;
    if (value.null) add("null");
    if (value.yes) add("true");
    if (value.no) add("false");
    for (const int number : value.numbers) {
      const auto& few = few_numbers(number, most);
      if (!few) return std::nullopt;
      std::for_each(few->begin(), few->end(), add);
    }
    for (const int text : value.texts) {
      const JsonGrammar::Text& form = grammar_.texts[at(text)];
      const auto few = form.any ? std::nullopt : few_texts(*form.texts, most);
      if (!few) return std::nullopt;
      for (const std::string& one : *few) {
        const auto length = std::count_if(one.begin(), one.end(), [](char c) { return (c & 0xC0) != 0x80; });
        if (length >= form.least && (form.most == without_end || length <= form.most)) add(to_text(Json(one)));
      }
    }
    if (found.size() > most) return std::nullopt;
  }
  return found;
}

JsonMatcher::State JsonMatcher::start_value(State state, unsigned char byte) {
  if (std::string_view("\"[{-0123456789ntf").find(static_cast<char>(byte)) == std::string_view::npos) return dead;
  const std::vector<Wanted> values = wanted(level(state));
  if (byte == '[' || byte == '{') return start_container(state, values, byte);
  Level next;
  next.parent = state;
  if (byte == '"') {
    next.kind = Kind::text;
    for (const Wanted& want : values) {
      for (const int text : grammar_.values[at(want.value)].texts)
        next.threads.push_back({text, 0, 0, 0, {want.parent}});
    }
  } else if (byte == '-' || (byte >= '0' && byte <= '9')) {
    next.kind = Kind::number;
    for (const Wanted& want : values) {
      for (const int number : grammar_.values[at(want.value)].numbers) {
        const std::int32_t to = grammar_.numbers[at(number)]->step(0, byte);
        if (to != ByteAutomaton::dead) next.threads.push_back({number, to, 0, 0, {want.parent}});
      }
    }
  } else if (byte == 'n' || byte == 't' || byte == 'f') {
    next.kind = Kind::word;
    next.word = byte == 'n' ? 0 : (byte == 't' ? 1 : 2);
    next.digits = 1;
    for (const Wanted& want : values) {
      const JsonGrammar::Value& value = grammar_.values[at(want.value)];
      if (byte == 'n' ? value.null : (byte == 't' ? value.yes : value.no)) {
        next.threads.push_back({0, 0, 0, 0, {want.parent}});
      }
    }
  }
  return intern(std::move(next));
}

JsonMatcher::State JsonMatcher::start_container(State state, const std::vector<Wanted>& values, unsigned char byte) {
  Level next;
  next.parent = state;
  next.kind = byte == '[' ? Kind::array : Kind::object;
  for (const Wanted& want : values) {
    const JsonGrammar::Value& value = grammar_.values[at(want.value)];
    for (const int form : byte == '[' ? value.arrays : value.objects) {
      Thread thread{form, 0, 0, 0, {want.parent}};
      if (byte == '{') thread.a = none_seen(form);
      next.threads.push_back(std::move(thread));
    }
  }
  return intern(std::move(next));
}

bool JsonMatcher::may_close(Kind kind, const Thread& thread) const {
  if (kind == Kind::object) {
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    return thread.b >= members.least && facts(thread).required == 0;
  }
  const JsonGrammar::Items& items = grammar_.arrays[at(thread.form)];
  const JsonGrammar::Counts counts = unpacked(thread.b);
  for (std::size_t i = 0; i < items.contains.size(); ++i) {
    if (counts[i] < items.contains[i].least) return false;
  }
  return thread.a >= items.least;
}

bool JsonMatcher::may_go_on(Kind kind, const Thread& thread) const {
  if (kind == Kind::object) {
    const int last = static_cast<int>(grammar_.objects[at(thread.form)].properties.size());
    return may_have_others(thread) || may_have_some(thread, 0, last);
  }
  Level level;
  level.kind = Kind::array;
  level.threads.push_back(thread);
  return !wanted(level).empty();
}

JsonMatcher::State JsonMatcher::close_container(State state) {
  const Level& here = level(state);
  std::vector<int> survivors;
  for (const Thread& thread : here.threads) {
    if (may_close(here.kind, thread)) survivors.insert(survivors.end(), thread.parents.begin(), thread.parents.end());
  }
  return value_done(here.parent, std::move(survivors));
}

// The thread of a container when a value, taken as `option`, has been read; nothing where it may not be.
std::optional<JsonMatcher::Thread> JsonMatcher::after_value(const Level& here, const Thread& thread, int option) const {
  Thread after = thread;
  if (here.kind == Kind::object) after.c = 0;
  if (here.kind != Kind::array) return after;
  const JsonGrammar::Items& items = grammar_.arrays[at(thread.form)];
  if (items.at(thread.a)[at(option)] < 0 || (items.most != without_end && thread.a >= items.most)) return std::nullopt;
  const auto counts = JsonGrammar::counted(items, unpacked(thread.b), static_cast<unsigned>(option));
  if (!counts) return std::nullopt;
  // Counted as far as it matters.
  const std::int64_t enough =
      std::max<std::int64_t>({items.least, static_cast<std::int64_t>(items.options.size()), items.most});
  after.a = static_cast<int>(std::min<std::int64_t>(thread.a + 1, enough));
  after.b = packed(*counts);
  if (!items.contains.empty() && grammar_.cost_to_close(items, after.a, *counts) >= JsonGrammar::never) {
    return std::nullopt;
  }
  return after;
}

JsonMatcher::State JsonMatcher::value_done(State container, std::vector<int> survivors) {
  const Level& around = level(container);
  Level next = around;
  next.phase = Phase::value;
  next.spaces = 0;
  next.threads.clear();
  std::sort(survivors.begin(), survivors.end());
  survivors.erase(std::unique(survivors.begin(), survivors.end()), survivors.end());
  for (const int survivor : survivors) {
    const Thread& thread = around.threads[at(survivor / 4)];
    Thread after = *after_value(around, thread, survivor % 4);
    if (around.kind == Kind::object) {
      const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
      if (thread.c >= 0) after.a = seen_with(members, thread.a, thread.c);
      if (members.counts()) {
        const std::int64_t enough = members.most == without_end ? members.least : members.most;
        after.b = static_cast<int>(std::min<std::int64_t>(thread.b + 1, enough));
      }
    }
    next.threads.push_back(std::move(after));
  }
  return intern(std::move(next));
}

}  // namespace hone::text
