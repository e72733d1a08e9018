#include "text/regex.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/terminal.h"
#include "text/regex_tree.h"

namespace hone::text {

namespace {

using Kind = RegexNode::Kind;

constexpr std::size_t most_states = 60000;     // of the nondeterministic automaton
constexpr std::size_t most_work = 60'000'000;  // transitions looked at while making it deterministic

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// Thompson's construction, from the end to the beginning, over bytes.
class Nfa {
 public:
  struct State {
    enum class Kind { bytes, split, begin, end, found };
    Kind kind = Kind::split;
    ByteRange bytes;
    int to = -1;
    int other = -1;  // split only
  };

  explicit Nfa(const RegexNode& pattern) {
    // Once found, anything may follow.
    found_ = add({State::Kind::found, {}, -1, -1});
    const int after = add({State::Kind::split, {}, found_, -1});
    states_[at(after)].other = characters({{0, last_character}}, after);
    const int body = build(pattern, after);
    start_ = body;
    if (starts_anchored(pattern)) return;
    const int before = add({State::Kind::split, {}, body, -1});
    states_[at(before)].other = characters({{0, last_character}}, before);
    start_ = before;
  }

  const std::vector<State>& states() const { return states_; }
  int start() const { return start_; }
  int found() const { return found_; }

 private:
  int add(State state) {
    if (states_.size() >= most_states) fail(ErrorCode::unsupported, "repeats too much for an automaton");
    states_.push_back(state);
    return static_cast<int>(states_.size()) - 1;
  }

  int characters(const CharacterSet& set, int next) {
    std::map<std::tuple<int, int, int>, int> shared;  // equal ends of sequences
    int entry = -1;
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      int to = next;
      for (std::size_t i = sequence.size(); i-- > 0;) {
        const auto [known, is_new] = shared.emplace(std::tuple(sequence[i].first, sequence[i].last, to), -1);
        if (is_new) known->second = add({State::Kind::bytes, sequence[i], to, -1});
        to = known->second;
      }
      entry = entry < 0 ? to : add({State::Kind::split, {}, to, entry});
    }
    // No character at all: a state that nothing leaves.
    return entry < 0 ? add({State::Kind::split, {}, -1, -1}) : entry;
  }

  int build(const RegexNode& node, int next) {
    switch (node.kind) {
      case Kind::characters:
        return characters(node.characters, next);
      case Kind::begin:
        return add({State::Kind::begin, {}, next, -1});
      case Kind::end:
        return add({State::Kind::end, {}, next, -1});
      case Kind::sequence:
        for (std::size_t i = node.parts.size(); i-- > 0;) next = build(node.parts[i], next);
        return next;
      case Kind::choice: {
        int entry = build(node.parts.back(), next);
        for (std::size_t i = node.parts.size() - 1; i-- > 0;) {
          const int option = build(node.parts[i], next);
          entry = add({State::Kind::split, {}, option, entry});
        }
        return entry;
      }
      case Kind::repeat:
        return repeat(node, next);
    }
    return next;
  }

  int repeat(const RegexNode& node, int next) {
    const RegexNode& body = node.parts.front();
    int entry = next;
    if (node.most < 0) {
      entry = add({State::Kind::split, {}, next, -1});
      const int loop = build(body, entry);
      states_[at(entry)].other = loop;
    } else {
      for (int i = node.least; i < node.most; ++i) {
        const int once = build(body, entry);
        entry = add({State::Kind::split, {}, once, next});
      }
    }
    for (int i = 0; i < node.least; ++i) entry = build(body, entry);
    return entry;
  }

  // Whether every way through `node` begins with ^.
  static bool starts_anchored(const RegexNode& node) {
    if (node.kind == Kind::begin) return true;
    if (node.kind == Kind::sequence) return !node.parts.empty() && starts_anchored(node.parts.front());
    if (node.kind == Kind::choice) return std::all_of(node.parts.begin(), node.parts.end(), starts_anchored);
    return false;
  }

  std::vector<State> states_;
  int start_ = 0;
  int found_ = 0;
};

struct SetHash {
  std::size_t operator()(const std::vector<int>& values) const {
    std::size_t hash = 1469598103934665603ULL;
    for (const int value : values) hash = (hash ^ static_cast<std::uint32_t>(value)) * 1099511628211ULL;
    return hash;
  }
};

// The subset construction.
class Determiniser {
 public:
  explicit Determiniser(const Nfa& nfa) : nfa_(nfa), seen_(nfa.states().size(), 0) { set_classes(); }

  Automaton run() {
    place(closure({nfa_.start()}, Anchors::begin));
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (sets_.size() > at(most_automaton_states)) {
        fail(ErrorCode::unsupported, "needs an automaton of more than {} states", most_automaton_states);
      }
      const std::vector<int> set = sets_[i];
      raw_.accepting.push_back(accepts(set, i == 0 ? Anchors::both : Anchors::end) ? 1 : 0);
      add_edges(set);
    }
    return finish_automaton(std::move(raw_));
  }

 private:
  enum class Anchors { none, begin, end, both };  // which may be passed here

  void set_classes() {
    std::array<bool, 257> starts{};
    for (const Nfa::State& state : nfa_.states()) {
      if (state.kind != Nfa::State::Kind::bytes) continue;
      starts[state.bytes.first] = true;
      starts[at(state.bytes.last) + 1] = true;
    }
    raw_.classes = 1;
    first_of_ = {0};
    for (std::size_t byte = 1; byte < 256; ++byte) {
      if (starts[byte]) {
        ++raw_.classes;
        first_of_.push_back(static_cast<int>(byte));
      }
      raw_.class_of[byte] = static_cast<std::uint8_t>(raw_.classes - 1);
    }
  }

  // The states reached without reading: those that read a byte, ends, and found. Once found, nothing else matters.
  std::vector<int> closure(std::vector<int> open, Anchors anchors) {
    ++stamp_;
    std::vector<int> kept;
    while (!open.empty()) {
      const int state = open.back();
      open.pop_back();
      if (state < 0 || seen_[at(state)] == stamp_) continue;
      seen_[at(state)] = stamp_;
      const Nfa::State& it = nfa_.states()[at(state)];
      using StateKind = Nfa::State::Kind;
      if (it.kind == StateKind::split) {
        open.push_back(it.to);
        open.push_back(it.other);
      } else if (it.kind == StateKind::begin) {
        if (anchors == Anchors::begin || anchors == Anchors::both) open.push_back(it.to);
      } else {
        kept.push_back(state);
        if (it.kind == StateKind::end && (anchors == Anchors::end || anchors == Anchors::both)) open.push_back(it.to);
      }
    }
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  bool accepts(const std::vector<int>& set, Anchors anchors) {
    const std::vector<int> all = closure(set, anchors);
    return std::binary_search(all.begin(), all.end(), nfa_.found());
  }

  std::int32_t place(std::vector<int> set) {
    if (set.empty()) return ByteAutomaton::dead;
    if (std::binary_search(set.begin(), set.end(), nfa_.found()) && set.size() > found_set_.size()) {
      if (found_set_.empty()) found_set_ = closure({nfa_.found() + 1}, Anchors::none);
      if (std::includes(set.begin(), set.end(), found_set_.begin(), found_set_.end())) set = found_set_;
    }
    const auto [known, is_new] = known_.emplace(std::move(set), static_cast<std::int32_t>(sets_.size()));
    if (is_new) sets_.push_back(known->first);
    return known->second;
  }

  void add_edges(const std::vector<int>& set) {
    std::vector<std::vector<int>> targets(at(raw_.classes));
    for (const int state : set) {
      const Nfa::State& it = nfa_.states()[at(state)];
      if (it.kind != Nfa::State::Kind::bytes) continue;
      for (int c = raw_.class_of[it.bytes.first]; c <= raw_.class_of[it.bytes.last]; ++c)
        targets[at(c)].push_back(it.to);
    }
    for (std::vector<int>& reached : targets) {
      work_ += 1 + 8 * reached.size();
      if (reached.empty()) {
        raw_.next.push_back(ByteAutomaton::dead);
        continue;
      }
      std::vector<int> set_after = closure(std::move(reached), Anchors::none);
      work_ += 4 * set_after.size();
      raw_.next.push_back(place(std::move(set_after)));
    }
    if (work_ > most_work) fail(ErrorCode::unsupported, "takes too long to turn into an automaton");
  }

  const Nfa& nfa_;
  ByteAutomaton raw_;
  std::vector<int> first_of_;
  std::vector<std::uint32_t> seen_;
  std::uint32_t stamp_ = 0;
  std::unordered_map<std::vector<int>, std::int32_t, SetHash> known_;
  std::vector<std::vector<int>> sets_;
  std::vector<int> found_set_;
  std::size_t work_ = 0;
};

// `wrap` makes of the pattern's tree what is searched for.
template <class Wrap>
Result<Automaton> compile(std::string_view pattern, const Wrap& wrap) {
  std::optional<RegexNode> tree;
  try {
    tree = wrap(parse_regex(pattern));
  } catch (const Failure& failure) {
    return tl::unexpected(Error{failure.code(), failure.what()});
  }
  try {
    const Nfa nfa(*tree);
    return Determiniser(nfa).run();
  } catch (const Failure& failure) {
    return tl::unexpected(Error{
        failure.code(), fmt::format("the pattern \"{}\" {}; write a simpler one", printable(pattern), failure.what())});
  }
}

}  // namespace

Result<Automaton> compile_regex(std::string_view pattern) {
  return compile(pattern, [](RegexNode tree) { return tree; });
}

Result<Automaton> compile_whole_regex(std::string_view pattern) {
  return compile(pattern, [](RegexNode tree) {
    RegexNode whole;
    for (const Kind kind : {Kind::begin, Kind::sequence, Kind::end}) {
      whole.parts.emplace_back();
      whole.parts.back().kind = kind;
    }
    whole.parts[1].parts.push_back(std::move(tree));
    return whole;
  });
}

}  // namespace hone::text
