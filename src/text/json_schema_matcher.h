// Reads JSON text byte by byte under a compiled schema. States are numbered as they are met, so that reading on from a
// known state by a known byte is one look-up.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/json_schema.h"
#include "text/json_schema_grammar.h"

namespace hone::text {

// Not for several threads at once.
class JsonMatcher {
 public:
  using State = std::int32_t;
  static constexpr State dead = -1;

  JsonMatcher(const JsonSchema& schema, JsonSpelling spelling);

  State start() const { return 0; }
  // Every state but `dead` can be completed.
  State step(State state, unsigned char byte);
  bool accepts(State state);
  // A short text that completes what was read.
  std::string closing(State state);

  // Where a state stands in a string, which decides what may follow but for what ends the string.
  struct TextPlace {
    enum class Kind { outside, any, pattern };  // any: every text of up to `characters` more may follow
    Kind kind = Kind::outside;
    std::int64_t characters = 0;
    std::string name;  // of pattern: equal names are followed by the same; empty: only here
  };
  // `longest`: more characters than this don't matter.
  TextPlace text_place(State state, int longest) const;
  // Inside a string with no escape begun: the ways to read on, each by an automaton over the string's bytes. Bytes that
  // are neither quote nor backslash nor below a blank may follow where any of them reads them, or a listed name has
  // them. Reading along them makes no states.
  struct TextWay {
    const ByteAutomaton* automaton = nullptr;
    std::int32_t at = 0;
    std::int64_t characters = 0;           // read so far, no more than matter
    std::int64_t least = 0, most = 0;      // of them in the whole text; most may be without_end
    const std::int32_t* fewest = nullptr;  // as JsonGrammar::Text::fewest; null: as many as are missing

    bool counts() const { return most != without_end || characters < least; }
    // Whether a text may go on from the automaton's state `to` when `count` characters were read.
    bool may_stand(std::int32_t to, std::int64_t count) const {
      const std::int64_t need = count < least ? least - count : 0;
      const std::int64_t left = fewest == nullptr ? need : fewest[need * automaton->states() + to];
      return left >= 0 && (most == without_end || count + left <= most);
    }
  };
  std::vector<TextWay> text_ways(State state) const;
  // Inside a member's name: what is left of each listed name that may come.
  std::vector<std::string> names_left(State state) const;
  // Behind the colon of a member: the JSON texts of its values, as json.dumps writes them without ensure_ascii, where
  // they are at most `most` and all words, numbers or strings. Nothing elsewhere.
  std::optional<std::vector<std::string>> few_values(State state, std::size_t most) const;
  // Whether the value of a member comes next: behind its colon, and blanks there.
  bool at_member_value(State state) const {
    const Level& here = level(state);
    return here.kind == Kind::object && here.phase == Phase::colon;
  }
  // Inside a string: characters read, one begun as an escape included.
  int characters_read(State state) const;

  std::size_t states() const { return levels_.size(); }
  // About the memory that the states met so far take. They are never given up: a reader for days begins anew.
  std::size_t bytes() const { return bytes_; }

 private:
  friend class JsonCloser;

  enum class Kind : std::uint8_t { root, array, object, key, text, number, word };
  // Of root, array and object: what has been read of them.
  enum class Phase : std::uint8_t { open, value, comma, key, colon };
  // Of an escape inside a string.
  enum class Escape : std::uint8_t { none, backslash, unit, pair_backslash, pair_u, pair_unit };

  // One way to read on. Of array: form, places so far, counts of contains. Of object: form, properties seen, members
  // counted, the member whose value comes (-2 - i: others[i]). Of key: form, -1 or which of others, its automaton's
  // state, node of the tree of names. Of text and number: form, automaton's state, characters.
  struct Thread {
    int form = 0, a = 0, b = 0, c = 0;
    std::vector<int> parents;  // threads of the level around it: 4 index + option
  };
  struct Level {
    Kind kind = Kind::root;
    Phase phase = Phase::open;
    Escape escape = Escape::none;
    std::uint8_t spaces = 0;
    std::uint8_t digits = 0;  // hexadecimal ones read of a \uXXXX
    std::uint32_t unit = 0;   // their value
    std::uint32_t high = 0;   // the first of a pair
    int word = 0;
    State parent = dead;
    std::vector<Thread> threads;
  };
  struct Node {
    Level level;
    std::unique_ptr<std::array<State, 256>> next;  // -2: not known yet
  };
  struct Wanted {
    int value;
    int parent;
  };

  int seen_id(std::vector<bool> properties);
  const std::optional<std::vector<std::string>>& few_numbers(int form, std::size_t most) const;
  const Level& level(State state) const { return levels_[static_cast<std::size_t>(state)].level; }
  State intern(Level level);
  State compute(State state, unsigned char byte);
  State step_container(State state, unsigned char byte);
  State step_array(State state, unsigned char byte);
  State step_object(State state, unsigned char byte);
  bool may_space(const Level& level, unsigned char byte) const;
  std::vector<Wanted> wanted(const Level& level) const;
  State start_value(State state, unsigned char byte);
  State start_container(State state, const std::vector<Wanted>& values, unsigned char byte);
  State start_key(State state);
  State close_container(State state);
  State value_done(State container, std::vector<int> survivors);
  std::optional<Thread> after_value(const Level& level, const Thread& thread, int option) const;
  bool may_close(Kind kind, const Thread& thread) const;
  bool may_go_on(Kind kind, const Thread& thread) const;

  State step_string(State state, unsigned char byte);
  State step_escape(State state, unsigned char byte);
  State hex_digit(Level next, unsigned char byte);
  State read_character(Level next, std::uint32_t code);
  State read_byte(State state, unsigned char byte);
  State close_string(State state);
  State close_key(State state);
  State keep_escapable(Level next);
  TextWay text_way(const Thread& thread) const;
  std::optional<Thread> read(Kind kind, const Level& around, const Thread& before, unsigned char byte) const;
  bool can_read(const Level& level, const Thread& thread) const;
  bool text_ends(const Thread& thread) const;

  // Members of an object.
  int none_seen(int form);
  int seen_with(const JsonGrammar::Members& members, int seen, int property);
  bool may_have(const Thread& object, int property) const;
  bool may_have_others(const Thread& object) const;
  bool may_have_some(const Thread& object, int first, int last) const;
  // What an object's members so far leave.
  struct SeenFacts {
    std::int64_t required = 0;                             // required properties to come
    int first_required = std::numeric_limits<int>::max();  // the first of them in the schema
    std::vector<int> open;                                 // places of those that may come at all
  };
  const SeenFacts& facts(const Thread& object) const;

  JsonSchema schema_;
  const JsonGrammar& grammar_;
  JsonSpelling spelling_;
  std::deque<Node> levels_;
  std::unordered_map<std::string, State> known_;
  // Sets of properties seen, by name; all up to the last one where the order is the schema's.
  std::vector<std::vector<bool>> seen_;
  std::map<std::vector<bool>, int> seen_ids_;
  mutable std::map<std::pair<int, int>, SeenFacts> facts_;  // by form and set of properties
  // Of few_values(), by form of number and `most`.
  mutable std::map<std::pair<int, std::size_t>, std::optional<std::vector<std::string>>> few_numbers_;
  mutable std::size_t bytes_ = 0;
};

}  // namespace hone::text
