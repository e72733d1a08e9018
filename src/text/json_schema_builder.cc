#include "text/json_schema_builder.h"

#include <algorithm>
#include <deque>
#include <set>

namespace hone::text {

namespace {

constexpr std::size_t most_values = 20000;
constexpr std::int64_t most_length_table = 4'000'000;  // entries in all
constexpr std::int64_t most_items = 100'000;           // or characters, that must come
constexpr std::size_t most_names = 64;                 // of a pattern that are listed one by one
constexpr std::int64_t never = JsonGrammar::never;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

struct Letter {
  unsigned char byte = 0;
  std::int32_t characters = 0;  // that begin with it: 1 for a first byte, 0 inside a character
};

// One byte for each thing that bytes can do.
std::vector<Letter> letters_of(const ByteAutomaton& automaton) {
  std::vector<Letter> letters;
  std::set<std::pair<int, bool>> known;
  for (int byte = 0; byte < 256; ++byte) {
    const bool lead = (byte & 0xC0) != 0x80;
    if (!known.emplace(automaton.class_of[at(byte)], lead).second) continue;
    letters.push_back({static_cast<unsigned char>(byte), lead ? 1 : 0});
  }
  return letters;
}

// Fewest characters from each state to an accepting one, by breadth-first search from those.
std::vector<std::int32_t> shortest_ends(const ByteAutomaton& automaton, const std::vector<Letter>& letters) {
  std::vector<std::vector<std::pair<std::int32_t, std::int32_t>>> before(at(automaton.states()));
  std::vector<std::int32_t> left(at(automaton.states()), -1);
  std::deque<std::pair<std::int32_t, std::int32_t>> open;  // state, characters
  for (int state = 0; state < automaton.states(); ++state) {
    for (const Letter& letter : letters) {
      const std::int32_t to = automaton.step(state, letter.byte);
      if (to != ByteAutomaton::dead) before[at(to)].emplace_back(state, letter.characters);
    }
    if (automaton.accepting[at(state)] != 0) open.emplace_back(state, 0);
  }
  while (!open.empty()) {
    const auto [state, characters] = open.front();
    open.pop_front();
    if (left[at(state)] >= 0) continue;
    left[at(state)] = characters;
    for (const auto& [from, more] : before[at(state)]) {
      if (left[at(from)] >= 0) continue;
      more == 0 ? open.emplace_front(from, characters) : open.emplace_back(from, characters + 1);
    }
  }
  return left;
}

// See JsonGrammar::Text::characters_left: layer j from layer j - 1, where a character counts by its first byte.
void fill_lengths(JsonGrammar::Text& text) {
  const ByteAutomaton& automaton = *text.texts;
  const int states = automaton.states();
  const std::vector<Letter> letters = letters_of(automaton);
  text.fewest = shortest_ends(automaton, letters);
  text.fewest.resize(at((text.least + 1) * states), -1);
  for (std::int64_t need = 1; need <= text.least; ++need) {
    std::int32_t* const layer = text.fewest.data() + need * states;
    // Three passes more than one: inside a character up to three bytes lead to its end within the layer.
    for (int pass = 0; pass < 4; ++pass) {
      for (int state = 0; state < states; ++state) {
        for (const Letter& letter : letters) {
          const std::int32_t to = automaton.step(state, letter.byte);
          if (to == ByteAutomaton::dead) continue;
          const std::int32_t left = letter.characters == 1 ? layer[to - states] : layer[to];
          if (left < 0) continue;
          const std::int32_t count = left + letter.characters;
          if (layer[state] < 0 || layer[state] > count) layer[state] = count;
        }
      }
    }
  }
  text.most_fewest = *std::max_element(text.fewest.begin(), text.fewest.end());
}

// The tree of the names of sorted properties.
std::vector<JsonGrammar::Members::Node> name_tree(const std::vector<JsonGrammar::Members::Property>& properties) {
  std::vector<JsonGrammar::Members::Node> tree(1);
  tree[0].last = static_cast<int>(properties.size());
  for (std::size_t i = 0; i < properties.size(); ++i) {
    int node = 0;
    for (const char c : properties[i].name) {
      const auto byte = static_cast<unsigned char>(c);
      if (tree[at(node)].next.empty() || tree[at(node)].next.back().first != byte) {
        tree[at(node)].next.emplace_back(byte, static_cast<int>(tree.size()));
        tree.emplace_back().first = static_cast<int>(i);
      }
      node = tree[at(node)].next.back().second;
      tree[at(node)].last = static_cast<int>(i) + 1;
    }
    tree[at(node)].property = static_cast<int>(i);
  }
  return tree;
}

}  // namespace

int GrammarBuilder::value_of(Goal goal) {
  if (goal == Goals::nothing) return -1;
  const auto [known, is_new] = ids_.emplace(goal, static_cast<int>(goals_.size()));
  if (is_new) {
    if (goals_.size() >= most_values) {
      fail(ErrorCode::unsupported, "the schema combines into more than {} different values", most_values);
    }
    goals_.push_back(goal);
  }
  return known->second;
}

JsonGrammar GrammarBuilder::run() {
  grammar_.root = value_of(reader_.root());
  for (std::size_t i = 0; i < goals_.size(); ++i) add_value(goals_[i], static_cast<int>(i));
  find_costs();
  if (grammar_.cost_of(grammar_.root) >= never) {
    fail(ErrorCode::bad_input,
         "no value satisfies the schema: its requirements contradict each other, or it needs values inside values "
         "without end");
  }
  prune();
  return std::move(grammar_);
}

void GrammarBuilder::add_value(Goal goal, int id) {
  const Shape shape = reader_.shape_of(goal);
  JsonGrammar::Value value;
  value.null = shape.null;
  value.yes = shape.yes;
  value.no = shape.no;
  for (const NumberSet& set : shape.numbers) {
    Automaton texts = reader_.algebra().counted(number_texts(set));
    if (texts->is_empty()) continue;
    value.numbers.push_back(static_cast<int>(grammar_.numbers.size()));
    grammar_.numbers.push_back(std::move(texts));
  }
  for (const StringSet& set : shape.strings) add_text(set, value);
  for (const ArraySet& set : shape.arrays) add_array(set, value);
  for (const ObjectSet& set : shape.objects) add_object(set, value);
  grammar_.values.resize(std::max(grammar_.values.size(), at(id) + 1));
  grammar_.values[at(id)] = std::move(value);
}

void GrammarBuilder::add_text(const StringSet& set, JsonGrammar::Value& value) {
  if (set.least > most_items) fail(ErrorCode::unsupported, "minLength {} is more than {}", set.least, most_items);
  JsonGrammar::Text text{set.texts, set.least, set.most, set.texts == reader_.algebra().any(), {}, 0};
  if (!text.any) {
    length_entries_ += (text.least + 1) * text.texts->states();
    if (length_entries_ > most_length_table) {
      fail(ErrorCode::unsupported,
           "patterns together with minLength {} are too large to enforce; use a lower minLength", text.least);
    }
    fill_lengths(text);
    const std::int32_t fewest = text.characters_left(0, text.least);
    if (fewest < 0 || (text.most != without_end && fewest > text.most)) return;
  }
  value.texts.push_back(static_cast<int>(grammar_.texts.size()));
  grammar_.texts.push_back(std::move(text));
}

std::array<int, 4> GrammarBuilder::options(Goal item, const std::vector<ArraySet::Contains>& contains) {
  std::array<int, 4> found = {-1, -1, -1, -1};
  for (unsigned set = 0; set < 1U << contains.size(); ++set) {
    Goal goal = item;
    for (std::size_t i = 0; i < contains.size(); ++i) {
      const bool counts = (set >> i & 1U) != 0;
      if (counts) goal = reader_.goals().both(goal, contains[i].goal);
      // What is uncounted matters only where too many are forbidden.
      if (!counts && contains[i].most != without_end) {
        goal = reader_.goals().both(goal, reader_.opposite(contains[i].goal));
      }
    }
    found[set] = value_of(goal);
  }
  return found;
}

void GrammarBuilder::add_array(const ArraySet& set, JsonGrammar::Value& value) {
  JsonGrammar::Items items;
  items.least = set.least;
  items.most = set.most;
  if (set.contains.size() > 2) fail(ErrorCode::unsupported, "more than two contains meet in one array");
  if (set.least > most_items)
    fail(ErrorCode::unsupported, "an array must have {} items, more than {}", set.least, most_items);
  for (const ArraySet::Contains& contains : set.contains) {
    if (contains.least > 100 || contains.most > 100) fail(ErrorCode::unsupported, "contains counts beyond 100");
    items.contains.push_back({contains.least, contains.most});
  }
  for (std::size_t i = 0; i < set.prefix.size() && (set.most == without_end || static_cast<std::int64_t>(i) < set.most);
       ++i) {
    items.options.push_back(options(set.prefix[i], set.contains));
  }
  const bool full = set.most != without_end && set.most <= static_cast<std::int64_t>(set.prefix.size());
  items.options.push_back(options(full ? Goals::nothing : set.rest, set.contains));
  value.arrays.push_back(static_cast<int>(grammar_.arrays.size()));
  grammar_.arrays.push_back(std::move(items));
}

void GrammarBuilder::add_object(const ObjectSet& set, JsonGrammar::Value& value) {
  JsonGrammar::Members members;
  members.least = set.least;
  members.most = set.most;
  ObjectSet listed = set;
  std::vector<ObjectSet::Names> others;
  for (const ObjectSet::Names& names : set.others) {
    const bool any = names.names == reader_.algebra().any();
    const auto few = any ? std::nullopt : few_texts(*names.names, most_names);
    if (!few) {
      others.push_back(names);
      continue;
    }
    for (const std::string& name : *few) {
      if (set.find(name) == nullptr) listed.properties.push_back({name, names.goal, false});
    }
  }
  if (set.least > 1 && !others.empty()) {
    fail(ErrorCode::unsupported,
         "minProperties {} counts names that aren't listed, and one of them could be written twice; list them in "
         "properties and set additionalProperties to false",
         set.least);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < listed.properties.size(); ++i) {
    const ObjectSet::Property& property = listed.properties[i];
    members.properties.push_back({property.name, value_of(property.goal), property.required, static_cast<int>(i)});
    names.push_back(property.name);
  }
  std::sort(members.properties.begin(), members.properties.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  members.tree = name_tree(members.properties);
  for (const ObjectSet::Names& other : others) {
    const bool any = other.names == reader_.algebra().any();
    Automaton left =
        any || names.empty() ? other.names : reader_.algebra().counted(subtract(other.names, literal_texts(names)));
    if (!left->is_empty()) members.others.push_back({std::move(left), any, value_of(other.goal)});
  }
  value.objects.push_back(static_cast<int>(grammar_.objects.size()));
  grammar_.objects.push_back(std::move(members));
}

}  // namespace hone::text
