#include "text/json_schema_shape.h"

#include <algorithm>

#include "text/regex.h"

namespace hone::text {

namespace {

constexpr std::size_t most_alternatives = 400;
constexpr std::size_t most_work = 100'000;  // alternatives made in all
constexpr std::int64_t most_automata_work = 20'000'000;
constexpr std::int64_t most_counted = 2000;  // characters that lengths are counted to in states

std::int64_t smaller_most(std::int64_t a, std::int64_t b) {
  if (a == without_end) return b;
  return b == without_end ? a : std::min(a, b);
}

template <class Set>
void limit(const std::vector<Set>& all) {
  if (all.size() > most_alternatives) {
    fail(ErrorCode::unsupported, "combines into more than {} alternatives", most_alternatives);
  }
}

}  // namespace

Goals::Goals() {
  place({});
  place({-1});
}

Goal Goals::place(std::vector<int> literals) {
  const auto [known, is_new] = known_.emplace(std::move(literals), static_cast<Goal>(sets_.size()));
  if (is_new) sets_.push_back(known->first);
  return known->second;
}

Goal Goals::of(int literal) { return place({literal}); }

Goal Goals::both(Goal a, Goal b) {
  if (a == b || b == anything) return a;
  if (a == anything) return b;
  if (a == nothing || b == nothing) return nothing;
  std::vector<int> all;
  const std::vector<int>&x = literals(a), &y = literals(b);
  std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(all));
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i] / 2 == all[i - 1] / 2) return nothing;
  }
  return place(std::move(all));
}

const ObjectSet::Property* ObjectSet::find(const std::string& name) const {
  const auto found =
      std::find_if(properties.begin(), properties.end(), [&](const Property& p) { return p.name == name; });
  return found == properties.end() ? nullptr : &*found;
}

Goal ObjectSet::goal_of(const std::string& name) const {
  if (const Property* property = find(name)) return property->goal;
  for (const Names& names : others) {
    if (names.names->accepts(name)) return names.goal;
  }
  return Goals::nothing;
}

ShapeAlgebra::ShapeAlgebra(Goals& goals, Oracle oracle) : goals_(goals), oracle_(std::move(oracle)), any_(any_text()) {}

void ShapeAlgebra::count_work() const {
  if (++work_ > most_work)
    fail(ErrorCode::unsupported, "combines its parts in too many ways; use fewer anyOf, oneOf or not");
}

Shape ShapeAlgebra::everything() const {
  Shape shape;
  shape.null = shape.yes = shape.no = true;
  shape.numbers.emplace_back();
  shape.strings.push_back({any_, 0, without_end});
  shape.arrays.emplace_back();
  ObjectSet object;
  object.others.push_back({any_, Goals::anything});
  shape.objects.push_back(std::move(object));
  return shape;
}

Automaton ShapeAlgebra::both_texts(const Automaton& a, const Automaton& b) const {
  if (a == any_) return b;
  return b == any_ || a == b ? a : counted(text::intersect(a, b));
}

Automaton ShapeAlgebra::counted(Automaton made) const {
  automata_work_ += made->work;
  if (automata_work_ > most_automata_work) {
    fail(ErrorCode::unsupported, "has patterns that are too large together; use fewer or simpler ones");
  }
  return made;
}

Automaton ShapeAlgebra::texts_of(const std::vector<StringSet>& strings) const {
  Automaton all = literal_texts({});
  for (const StringSet& set : strings) {
    Automaton texts = set.texts;
    if (set.least > 0 || set.most != without_end) {
      if (std::max(set.least, set.most) > most_counted) {
        fail(ErrorCode::unsupported, "counts more than {} characters of names", most_counted);
      }
      const std::string most = set.most == without_end ? "" : std::to_string(set.most);
      texts = both_texts(texts, value_or_throw(compile_regex(fmt::format("^[^]{{{},{}}}$", set.least, most))));
    }
    all = all->is_empty() ? texts : counted(text::unite(all, texts));
  }
  return all;
}

bool ShapeAlgebra::is_empty(const Shape& shape) const {
  return !shape.null && !shape.yes && !shape.no && shape.numbers.empty() && shape.strings.empty() &&
         shape.arrays.empty() && shape.objects.empty();
}

bool ShapeAlgebra::add(std::vector<StringSet>& all, const StringSet& a, const StringSet& b) const {
  count_work();
  StringSet set{both_texts(a.texts, b.texts), std::max(a.least, b.least), smaller_most(a.most, b.most)};
  if (set.texts->is_empty() || (set.most != without_end && set.least > set.most)) return false;
  all.push_back(std::move(set));
  return true;
}

// Cuts what can't be; false where nothing is left.
bool ShapeAlgebra::settle(ArraySet& set) const {
  for (std::size_t i = 0; i < set.prefix.size(); ++i) {
    if (set.most != without_end && static_cast<std::int64_t>(i) >= set.most) break;
    if (oracle_.impossible(set.prefix[i])) set.most = static_cast<std::int64_t>(i);
  }
  const auto length = static_cast<std::int64_t>(set.prefix.size());
  if ((set.most == without_end || set.most > length) && oracle_.impossible(set.rest)) set.most = length;
  for (const ArraySet::Contains& contains : set.contains) {
    if (contains.least > 0 && oracle_.impossible(contains.goal)) return false;
    if (contains.most != without_end && contains.least > contains.most) return false;
    set.least = std::max(set.least, contains.least);
  }
  return set.most == without_end || set.least <= set.most;
}

void ShapeAlgebra::add(std::vector<ArraySet>& all, const ArraySet& a, const ArraySet& b) const {
  count_work();
  ArraySet set;
  const auto item = [](const ArraySet& array, std::size_t i) {
    return i < array.prefix.size() ? array.prefix[i] : array.rest;
  };
  for (std::size_t i = 0; i < std::max(a.prefix.size(), b.prefix.size()); ++i) {
    set.prefix.push_back(goals_.both(item(a, i), item(b, i)));
  }
  set.rest = goals_.both(a.rest, b.rest);
  set.least = std::max(a.least, b.least);
  set.most = smaller_most(a.most, b.most);
  set.contains = a.contains;
  for (const ArraySet::Contains& more : b.contains) {
    const auto known = std::find_if(set.contains.begin(), set.contains.end(),
                                    [&](const ArraySet::Contains& c) { return c.goal == more.goal; });
    if (known == set.contains.end()) {
      set.contains.push_back(more);
    } else {
      known->least = std::max(known->least, more.least);
      known->most = smaller_most(known->most, more.most);
    }
  }
  if (settle(set)) all.push_back(std::move(set));
}

bool ShapeAlgebra::settle(ObjectSet& set) const {
  std::int64_t required = 0;
  for (ObjectSet::Property& property : set.properties) {
    if (property.goal != Goals::nothing && property.required && oracle_.impossible(property.goal)) return false;
    if (property.goal == Goals::nothing && property.required) return false;
    required += property.required ? 1 : 0;
  }
  return set.most == without_end || std::max(required, set.least) <= set.most;
}

void ShapeAlgebra::add(std::vector<ObjectSet>& all, const ObjectSet& a, const ObjectSet& b) const {
  count_work();
  ObjectSet set;
  for (const ObjectSet::Property& property : a.properties) {
    const ObjectSet::Property* other = b.find(property.name);
    set.properties.push_back({property.name, goals_.both(property.goal, b.goal_of(property.name)),
                              property.required || (other != nullptr && other->required)});
  }
  for (const ObjectSet::Property& property : b.properties) {
    if (a.find(property.name) != nullptr) continue;
    set.properties.push_back({property.name, goals_.both(a.goal_of(property.name), property.goal), property.required});
  }
  for (const ObjectSet::Names& x : a.others) {
    for (const ObjectSet::Names& y : b.others) {
      const Goal goal = goals_.both(x.goal, y.goal);
      if (goal == Goals::nothing) continue;
      Automaton names = both_texts(x.names, y.names);
      if (!names->is_empty()) set.others.push_back({std::move(names), goal});
    }
  }
  set.least = std::max(a.least, b.least);
  set.most = smaller_most(a.most, b.most);
  if (settle(set)) all.push_back(std::move(set));
}

Shape ShapeAlgebra::intersect(const Shape& a, const Shape& b) const {
  Shape shape;
  shape.null = a.null && b.null;
  shape.yes = a.yes && b.yes;
  shape.no = a.no && b.no;
  for (const NumberSet& x : a.numbers) {
    for (const NumberSet& y : b.numbers) {
      NumberSet set = text::intersect(x, y);
      if (!set.is_empty()) shape.numbers.push_back(std::move(set));
    }
  }
  for (const StringSet& x : a.strings) {
    for (const StringSet& y : b.strings) add(shape.strings, x, y);
  }
  for (const ArraySet& x : a.arrays) {
    for (const ArraySet& y : b.arrays) add(shape.arrays, x, y);
  }
  for (const ObjectSet& x : a.objects) {
    for (const ObjectSet& y : b.objects) add(shape.objects, x, y);
  }
  limit(shape.numbers);
  limit(shape.strings);
  limit(shape.arrays);
  limit(shape.objects);
  return shape;
}

Shape ShapeAlgebra::unite(Shape a, const Shape& b) const {
  a.null = a.null || b.null;
  a.yes = a.yes || b.yes;
  a.no = a.no || b.no;
  const auto append = [](auto& mine, const auto& theirs) {
    for (const auto& one : theirs) {
      if (std::find(mine.begin(), mine.end(), one) == mine.end()) mine.push_back(one);
    }
    limit(mine);
  };
  append(a.numbers, b.numbers);
  append(a.strings, b.strings);
  append(a.arrays, b.arrays);
  append(a.objects, b.objects);
  return a;
}

std::vector<NumberSet> ShapeAlgebra::complement(const NumberSet& set, const NumberSet&) const {
  return text::complement(set);
}

std::vector<StringSet> ShapeAlgebra::complement(const StringSet& set, const StringSet&) const {
  std::vector<StringSet> rest;
  if (set.texts != any_) rest.push_back({other_texts(set.texts), 0, without_end});
  if (set.least > 0) rest.push_back({any_, 0, set.least - 1});
  if (set.most != without_end) rest.push_back({any_, set.most + 1, without_end});
  return rest;
}

std::vector<ArraySet> ShapeAlgebra::complement(const ArraySet& set, const ArraySet& within) const {
  std::vector<ArraySet> rest;
  if (set.least > 0) rest.emplace_back().most = set.least - 1;
  if (set.most != without_end) rest.emplace_back().least = set.most + 1;
  for (std::size_t i = 0; i < set.prefix.size(); ++i) {
    if (set.prefix[i] == Goals::anything) continue;
    ArraySet& other = rest.emplace_back();
    other.prefix.assign(i + 1, Goals::anything);
    other.prefix[i] = oracle_.opposite(set.prefix[i]);
    other.least = static_cast<std::int64_t>(i) + 1;
  }
  const auto length = static_cast<std::int64_t>(set.prefix.size());
  const bool reaches_rest = within.most == without_end || within.most > length;
  if (set.rest == Goals::nothing && reaches_rest) {
    rest.emplace_back().least = length + 1;
  } else if (set.rest != Goals::anything && reaches_rest) {
    if (!set.prefix.empty())
      fail(ErrorCode::unsupported, "is the opposite of items behind others, which isn't enforced");
    rest.emplace_back().contains.push_back({oracle_.opposite(set.rest), 1, without_end});
  }
  for (const ArraySet::Contains& contains : set.contains) {
    if (contains.least > 0) rest.emplace_back().contains.push_back({contains.goal, 0, contains.least - 1});
    if (contains.most != without_end) {
      rest.emplace_back().contains.push_back({contains.goal, contains.most + 1, without_end});
    }
  }
  std::erase_if(rest, [&](ArraySet& other) { return !settle(other); });
  return rest;
}

// Whether no other name that `within` allows breaks what `set` says of other names.
bool ShapeAlgebra::covers_others(const ObjectSet& set, const ObjectSet& within) const {
  for (const ObjectSet::Names& names : within.others) {
    Automaton left = names.names;
    for (const ObjectSet::Names& known : set.others) {
      // A goal with more literals is the narrower one.
      if (goals_.both(known.goal, names.goal) != names.goal) continue;
      if (known.names == any_ || known.names == left) {
        left = nullptr;
        break;
      }
      left = counted(text::subtract(left, known.names));
    }
    if (left != nullptr && !left->is_empty()) {
      // Names that are properties of `set` have their say there.
      std::vector<std::string> properties;
      for (const ObjectSet::Property& property : set.properties) properties.push_back(property.name);
      if (!text::subtract(left, literal_texts(properties))->is_empty()) return false;
    }
  }
  return true;
}

std::vector<ObjectSet> ShapeAlgebra::complement(ObjectSet set, const ObjectSet& within) const {
  std::vector<ObjectSet> rest;
  const auto open = [&]() -> ObjectSet& {
    ObjectSet& other = rest.emplace_back();
    other.others.push_back({any_, Goals::anything});
    return other;
  };
  for (const ObjectSet::Property& property : within.properties) {
    if (set.find(property.name) == nullptr) {
      set.properties.push_back({property.name, set.goal_of(property.name), false});
    }
  }
  if (set.least > 0) open().most = set.least - 1;
  if (set.most != without_end) open().least = set.most + 1;
  for (const ObjectSet::Property& property : set.properties) {
    if (property.required) open().properties.push_back({property.name, Goals::nothing, false});
    if (property.goal == Goals::anything) continue;
    open().properties.push_back({property.name, oracle_.opposite(property.goal), true});
  }
  if (!covers_others(set, within)) {
    fail(ErrorCode::unsupported,
         "is the opposite of additionalProperties, patternProperties or propertyNames, which isn't enforced");
  }
  return rest;
}

Shape ShapeAlgebra::subtract(const Shape& a, const Shape& b) const {
  Shape left = a;
  left.null = a.null && !b.null;
  left.yes = a.yes && !b.yes;
  left.no = a.no && !b.no;
  const auto without = [&](auto& mine, const auto& theirs, const auto& list) {
    for (const auto& one : theirs) {
      std::decay_t<decltype(mine)> kept;
      for (const auto& each : mine) {
        Shape x, other;
        list(x) = {each};
        list(other) = {one};
        if (!list(intersect(x, other)).empty()) {
          list(other) = complement(one, each);
          list(x) = list(intersect(x, other));
        }
        kept.insert(kept.end(), list(x).begin(), list(x).end());
      }
      limit(kept);
      mine = std::move(kept);
    }
  };
  without(left.numbers, b.numbers, [](auto&& shape) -> auto& { return shape.numbers; });
  without(left.strings, b.strings, [](auto&& shape) -> auto& { return shape.strings; });
  without(left.arrays, b.arrays, [](auto&& shape) -> auto& { return shape.arrays; });
  without(left.objects, b.objects, [](auto&& shape) -> auto& { return shape.objects; });
  return left;
}

}  // namespace hone::text
