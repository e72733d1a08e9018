// Valmari 2012, "Fast brief practical DFA minimization": blocks of states and blocks of transitions refine each other,
// in time of about transitions times log(states), however long the chains are.
#include "text/regex_minimise.h"

#include <algorithm>
#include <numeric>

namespace hone::text {

namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// Sets of 0 to n - 1, each a stretch of `elements`; the marked ones stand first in their set.
class Partition {
 public:
  explicit Partition(std::size_t n) : elements(n), set_of(n, 0), place_(n), ends_{static_cast<int>(n)}, marked_{0} {
    std::iota(elements.begin(), elements.end(), 0);
    std::iota(place_.begin(), place_.end(), 0);
    begins_.push_back(0);
  }
  // One set a key, where `keys` are those of the elements.
  Partition(std::size_t n, const std::vector<std::int32_t>& keys) : Partition(n) {
    std::stable_sort(elements.begin(), elements.end(), [&](int a, int b) { return keys[at(a)] < keys[at(b)]; });
    for (std::size_t i = 0; i < n; ++i) {
      if (i > 0 && keys[at(elements[i])] != keys[at(elements[i - 1])]) {
        ends_.back() = static_cast<int>(i);
        begins_.push_back(static_cast<int>(i));
        ends_.push_back(static_cast<int>(n));
        marked_.push_back(0);
      }
      set_of[at(elements[i])] = static_cast<int>(begins_.size()) - 1;
      place_[at(elements[i])] = static_cast<int>(i);
    }
  }

  int sets() const { return static_cast<int>(begins_.size()); }
  int begin(int set) const { return begins_[at(set)]; }
  int end(int set) const { return ends_[at(set)]; }

  void mark(int element) {
    const int set = set_of[at(element)];
    const int from = place_[at(element)], to = begins_[at(set)] + marked_[at(set)];
    if (from < to) return;
    std::swap(elements[at(from)], elements[at(to)]);
    place_[at(elements[at(from)])] = from;
    place_[at(element)] = to;
    if (marked_[at(set)]++ == 0) touched_.push_back(set);
  }

  // Parts the marked from the others in every set that has both; the smaller part gets a new number.
  void split() {
    for (const int set : touched_) {
      const int middle = begins_[at(set)] + marked_[at(set)];
      marked_[at(set)] = 0;
      if (middle == ends_[at(set)]) continue;
      const int added = sets();
      const bool first_is_smaller = middle - begins_[at(set)] <= ends_[at(set)] - middle;
      begins_.push_back(first_is_smaller ? begins_[at(set)] : middle);
      ends_.push_back(first_is_smaller ? middle : ends_[at(set)]);
      marked_.push_back(0);
      (first_is_smaller ? begins_ : ends_)[at(set)] = middle;
      for (int i = begins_.back(); i < ends_.back(); ++i) set_of[at(elements[at(i)])] = added;
    }
    touched_.clear();
  }

  std::vector<int> elements;
  std::vector<int> set_of;

 private:
  std::vector<int> place_, begins_, ends_, marked_, touched_;
};

struct Transitions {
  std::vector<std::int32_t> from, to, letter;
  std::vector<int> into, into_begin;  // those into state s: into[into_begin[s], into_begin[s + 1])

  explicit Transitions(const ByteAutomaton& automaton) : into_begin(at(automaton.states()) + 1, 0) {
    for (int state = 0; state < automaton.states(); ++state) {
      for (int c = 0; c < automaton.classes; ++c) {
        const std::int32_t target = automaton.next[at(state) * at(automaton.classes) + at(c)];
        if (target == ByteAutomaton::dead) continue;
        from.push_back(state);
        to.push_back(target);
        letter.push_back(c);
        ++into_begin[at(target) + 1];
      }
    }
    std::partial_sum(into_begin.begin(), into_begin.end(), into_begin.begin());
    into.resize(to.size());
    std::vector<int> next = into_begin;
    for (std::size_t i = 0; i < to.size(); ++i) into[at(next[at(to[i])]++)] = static_cast<int>(i);
  }
};

}  // namespace

ByteAutomaton minimised(const ByteAutomaton& full) {
  const Transitions transitions(full);
  Partition states(at(full.states()));
  for (int state = 0; state < full.states(); ++state) {
    if (full.accepting[at(state)] != 0) states.mark(state);
  }
  states.split();
  Partition edges(transitions.to.size(), transitions.letter);
  int done = 1;  // sets of states whose incoming transitions are apart; one set needs none
  for (int set = 0; !edges.elements.empty() && set < edges.sets(); ++set) {
    for (int i = edges.begin(set); i < edges.end(set); ++i) states.mark(transitions.from[at(edges.elements[at(i)])]);
    states.split();
    for (; done < states.sets(); ++done) {
      for (int i = states.begin(done); i < states.end(done); ++i) {
        const std::size_t state = at(states.elements[at(i)]);
        for (int k = transitions.into_begin[state]; k < transitions.into_begin[state + 1]; ++k) {
          edges.mark(transitions.into[at(k)]);
        }
      }
      edges.split();
    }
  }
  // The start keeps number 0.
  const int start = states.set_of[0];
  const auto number = [&](int state) {
    const int set = states.set_of[at(state)];
    return set == start ? 0 : (set == 0 ? start : set);
  };
  ByteAutomaton small;
  small.class_of = full.class_of;
  small.classes = full.classes;
  small.accepting.resize(at(states.sets()));
  small.next.assign(at(states.sets()) * at(full.classes), ByteAutomaton::dead);
  for (int state = 0; state < full.states(); ++state) {
    small.accepting[at(number(state))] = full.accepting[at(state)];
  }
  for (std::size_t i = 0; i < transitions.to.size(); ++i) {
    const std::size_t row = at(number(transitions.from[i])) * at(full.classes);
    small.next[row + at(transitions.letter[i])] = number(transitions.to[i]);
  }
  return small;
}

}  // namespace hone::text
