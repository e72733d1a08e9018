// A short completion of JSON text begun under a schema.
#include <algorithm>
#include <map>

#include "base/json.h"
#include "text/json_schema_matcher.h"

namespace hone::text {

namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// Bytes in the order in which they are put into texts that must be made up.
std::string made_order() {
  std::string order = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    if (order.find(static_cast<char>(byte)) == std::string::npos) order += static_cast<char>(byte);
  }
  return order;
}

const std::string& plain_first() {
  static const std::string order = made_order();
  return order;
}

// As it stands inside a JSON string; what is no whole character is left as it is.
std::string escaped(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

class JsonCloser {
 public:
  using State = JsonMatcher::State;
  using Kind = JsonMatcher::Kind;
  using Phase = JsonMatcher::Phase;
  using Thread = JsonMatcher::Thread;
  using Level = JsonMatcher::Level;

  explicit JsonCloser(JsonMatcher& matcher) : matcher_(matcher), grammar_(matcher.grammar_), order_(plain_first()) {}

  std::string close(State state) const {
    const Level& level = matcher_.level(state);
    std::optional<std::string> best;
    for (const Thread& thread : level.threads) take(best, close(level, thread));
    HONE_CHECK(best);
    return *best;
  }

 private:
  static void take(std::optional<std::string>& best, std::optional<std::string> other) {
    if (other && (!best || other->size() < best->size())) best = std::move(other);
  }

  std::optional<std::string> close(const Level& level, const Thread& thread) const {
    switch (level.kind) {
      case Kind::root:
        return level.phase == Phase::value ? "" : value(grammar_.root);
      case Kind::array:
        return after(array(thread, level.phase), level.parent, thread);
      case Kind::object:
        return after(object(thread, level.phase), level.parent, thread);
      case Kind::text:
        return after(text(grammar_.texts[at(thread.form)], thread.a, thread.b) + "\"", level.parent, thread);
      case Kind::number:
        return after(number(*grammar_.numbers[at(thread.form)], thread.a), level.parent, thread);
      case Kind::word: {
        constexpr std::array<std::string_view, 3> words = {"null", "true", "false"};
        return after(std::string(words[at(level.word)].substr(level.digits)), level.parent, thread);
      }
      case Kind::key:
        return key(level, thread);
    }
    return std::nullopt;
  }

  // `own` and then what completes the container around, by whichever of its threads is shortest.
  std::optional<std::string> after(const std::string& own, State around, const Thread& thread) const {
    const Level& container = matcher_.level(around);
    Level done = container;
    done.phase = Phase::value;
    std::optional<std::string> best;
    for (const int parent : thread.parents) take(best, close(done, advanced(container, parent)));
    if (best) best->insert(0, own);
    return best;
  }

  // The container's thread once its value is read.
  Thread advanced(const Level& container, int parent) const {
    const Thread& before = container.threads[at(parent / 4)];
    Thread done = *matcher_.after_value(container, before, parent % 4);
    if (container.kind == Kind::object) done = with_member(before);
    return done;
  }

  Thread with_member(const Thread& before) const {
    const JsonGrammar::Members& members = grammar_.objects[at(before.form)];
    Thread done = before;
    if (before.c >= 0) done.a = matcher_.seen_with(members, before.a, before.c);
    done.c = 0;
    if (members.counts()) ++done.b;
    return done;
  }

  std::string array(Thread thread, Phase phase) const {
    const JsonGrammar::Items& items = grammar_.arrays[at(thread.form)];
    std::string out;
    bool comma = phase == Phase::value;
    bool needs_one = phase == Phase::comma;
    Level level;
    level.kind = Kind::array;
    while (needs_one || !matcher_.may_close(Kind::array, thread)) {
      std::optional<Thread> next;
      std::int64_t best = JsonGrammar::never;
      int chosen = -1;
      for (int option = 0; option < 4; ++option) {
        const auto done = matcher_.after_value(level, thread, option);
        if (!done) continue;
        // Without contains what is left costs the same whichever is chosen.
        const std::int64_t later =
            items.contains.empty() ? 0 : grammar_.cost_to_close(items, done->a, {done->b & 0xFFF, done->b >> 12});
        const std::int64_t cost = grammar_.cost_of(items.at(thread.a)[at(option)]) + later;
        if (cost >= best) continue;
        best = cost;
        next = done;
        chosen = items.at(thread.a)[at(option)];
      }
      HONE_CHECK(next);
      out += (comma ? "," : "") + value(chosen);
      thread = *next;
      comma = true;
      needs_one = false;
    }
    return out + "]";
  }

  std::string object(Thread thread, Phase phase) const {
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    std::string out;
    if (phase == Phase::key || phase == Phase::colon) {
      const int inside =
          thread.c >= 0 ? members.properties[at(thread.c)].value : members.others[at(-2 - thread.c)].value;
      out = (phase == Phase::key ? ":" : "") + value(inside);
      thread = with_member(thread);
      phase = Phase::value;
    }
    bool needs_one = phase == Phase::comma;
    bool comma = phase == Phase::value;
    while (needs_one || !matcher_.may_close(Kind::object, thread)) {
      out += (comma ? "," : "") + member(thread);
      comma = true;
      needs_one = false;
    }
    return out + "}";
  }

  // Adds the next member: a required one where one is missing, else the cheapest.
  std::string member(Thread& thread) const {
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    const bool missing = matcher_.facts(thread).required > 0;
    std::int64_t best = JsonGrammar::never, best_order = 0;
    thread.c = -1;
    for (std::size_t i = 0; i < members.properties.size(); ++i) {
      const JsonGrammar::Members::Property& property = members.properties[i];
      if (!matcher_.may_have(thread, static_cast<int>(i)) || (missing && !property.required)) continue;
      const std::int64_t cost = grammar_.cost_of(property.value) + static_cast<std::int64_t>(property.name.size());
      const bool better = missing ? thread.c < 0 || property.order < best_order : cost < best;
      if (!better) continue;
      best = cost;
      best_order = property.order;
      thread.c = static_cast<int>(i);
    }
    std::string name;
    int inside = -1;
    if (thread.c >= 0) {
      name = members.properties[at(thread.c)].name;
      inside = members.properties[at(thread.c)].value;
    } else {
      HONE_CHECK(matcher_.may_have_others(thread));
      std::tie(name, inside) = other_name(members, thread);
    }
    thread = with_member(thread);
    return "\"" + escaped(name) + "\":" + value(inside);
  }

  // A name that isn't listed.
  std::pair<std::string, int> other_name(const JsonGrammar::Members& members, Thread& thread) const {
    const JsonGrammar::Members::Others& others = members.others.front();
    thread.c = -2;
    if (!others.any) return {number(*others.names, 0), others.value};
    std::string name = "a";
    while (std::any_of(members.properties.begin(), members.properties.end(),
                       [&](const auto& property) { return property.name == name; })) {
      name += 'a';
    }
    return {name, others.value};
  }

  std::optional<std::string> key(const Level& level, const Thread& thread) const {
    const Level& around = matcher_.level(level.parent);
    const JsonGrammar::Members& members = grammar_.objects[at(thread.form)];
    std::optional<std::string> best;
    for (const int parent : thread.parents) {
      Thread object_thread = around.threads[at(parent / 4)];
      if (thread.a >= 0) {
        object_thread.c = -2 - thread.a;
        const auto rest = after(object(object_thread, Phase::key), around.parent, object_thread);
        if (rest) take(best, escaped(name_rest(members, thread)) + "\"" + *rest);
        continue;
      }
      const JsonGrammar::Members::Node& node = members.tree[at(thread.c)];
      for (int property = node.first; property < node.last; ++property) {
        if (!matcher_.may_have(object_thread, property)) continue;
        object_thread.c = property;
        const auto rest = after(object(object_thread, Phase::key), around.parent, object_thread);
        if (rest)
          take(best, escaped(members.properties[at(property)].name.substr(depth(members, thread.c))) + "\"" + *rest);
      }
    }
    return best;
  }

  // How many bytes of a name the node stands for.
  static std::size_t depth(const JsonGrammar::Members& members, int node) {
    std::size_t depth = 0;
    const std::string& name = members.properties[at(members.tree[at(node)].first)].name;
    for (int here = 0; here != node; ++depth) {
      const auto byte = static_cast<unsigned char>(name[depth]);
      const auto& next = members.tree[at(here)].next;
      here = std::find_if(next.begin(), next.end(), [&](const auto& edge) { return edge.first == byte; })->second;
    }
    return depth;
  }

  // What completes another name: no listed one.
  std::string name_rest(const JsonGrammar::Members& members, const Thread& thread) const {
    const JsonGrammar::Members::Others& others = members.others[at(thread.a)];
    std::string rest = number(*others.names, thread.b);
    if (!others.any) return rest;
    // Letters are added until the name is off the tree or between its names.
    int node = thread.c;
    const auto go = [&](unsigned char byte) {
      if (node < 0) return;
      const auto& next = members.tree[at(node)].next;
      const auto edge = std::find_if(next.begin(), next.end(), [&](const auto& e) { return e.first == byte; });
      node = edge == next.end() ? -1 : edge->second;
    };
    for (const char c : rest) go(static_cast<unsigned char>(c));
    while (node >= 0 && members.tree[at(node)].property >= 0) {
      rest += 'a';
      go('a');
    }
    return rest;
  }

  std::string number(const ByteAutomaton& automaton, std::int32_t state) const {
    std::string out;
    while (automaton.to_accept[at(state)] > 0) {
      for (const char c : order_) {
        const std::int32_t to = automaton.step(state, static_cast<unsigned char>(c));
        if (to == ByteAutomaton::dead || automaton.to_accept[at(to)] >= automaton.to_accept[at(state)]) continue;
        out += c;
        state = to;
        break;
      }
    }
    return out;
  }

  std::string text(const JsonGrammar::Text& text, std::int32_t state, std::int64_t count) const {
    std::string out;
    const auto need = [&](std::int64_t so_far) { return std::max<std::int64_t>(0, text.least - so_far); };
    while (text.texts->accepting[at(state)] == 0 || need(count) > 0) {
      std::int32_t best = -1, best_to = -1;
      char chosen = 0;
      for (const char c : order_) {
        const auto byte = static_cast<unsigned char>(c);
        const std::int32_t to = text.texts->step(state, byte);
        if (to == ByteAutomaton::dead) continue;
        const bool is_lead = (byte & 0xC0) != 0x80;
        const std::int32_t left = text.characters_left(to, need(count + (is_lead ? 1 : 0)));
        if (left < 0) continue;
        const std::int32_t whole = left + (is_lead ? 1 : 0);
        if (best >= 0 && whole >= best) continue;
        best = whole;
        best_to = to;
        chosen = c;
      }
      HONE_CHECK(best >= 0);
      out += chosen;
      state = best_to;
      if ((static_cast<unsigned char>(chosen) & 0xC0) != 0x80) ++count;
    }
    return escaped(out);
  }

  std::string value(int id) const {
    const JsonGrammar::Value& value = grammar_.values[at(id)];
    if (value.null) return "null";
    if (value.yes) return "true";
    if (value.no) return "false";
    std::optional<std::string> best;
    for (const int form : value.numbers) take(best, number(*grammar_.numbers[at(form)], 0));
    for (const int form : value.texts) take(best, "\"" + text(grammar_.texts[at(form)], 0, 0) + "\"");
    if (best) return *best;
    // Of arrays and objects the one that costs no more than the value: the costs inside it are less, so this ends.
    for (const int form : value.arrays) {
      if (2 + grammar_.cost_to_close(grammar_.arrays[at(form)], 0, {}) > value.cost) continue;
      return "[" + array({form, 0, 0, 0, {}}, Phase::open);
    }
    for (const int form : value.objects) {
      if (grammar_.objects[at(form)].cost > value.cost) continue;
      Thread thread{form, 0, 0, 0, {}};
      thread.a = matcher_.none_seen(form);
      return "{" + object(thread, Phase::open);
    }
    bug("a value without a form", __FILE__, __LINE__);
  }

  JsonMatcher& matcher_;
  const JsonGrammar& grammar_;
  const std::string& order_;
};

std::string JsonMatcher::closing(State state) {
  std::string begun;
  // An escape begun is ended first: every byte that is allowed leads on.
  while (level(state).escape != Escape::none) {
    for (const char c : std::string_view("0123456789abcdefnu\\\"/bfrt")) {
      const State next = step(state, static_cast<unsigned char>(c));
      if (next == dead) continue;
      begun += c;
      state = next;
      break;
    }
  }
  return begun + JsonCloser(*this).close(state);
}

}  // namespace hone::text
