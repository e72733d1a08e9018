// What JSON values a schema allows, as sets that can be intersected, united and complemented: of each type a union of
// simple alternatives. Values inside arrays and objects are named by goals (conjunctions of schemas), so that recursive
// schemas stay finite. Private to text/json_schema*.cc.
//
// The algebra follows Habib et al. 2021, "Finding data compatibility bugs with JSON subschema checking".
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "text/json_schema_number.h"

namespace hone::text {

// A conjunction of schemas and opposites of schemas, by number.
using Goal = int;

// Numbers the conjunctions. A schema is a literal: 2 n as it is, 2 n + 1 its opposite.
class Goals {
 public:
  static constexpr Goal anything = 0;
  static constexpr Goal nothing = 1;
  Goals();
  Goal of(int literal);
  Goal both(Goal a, Goal b);
  const std::vector<int>& literals(Goal goal) const { return sets_[static_cast<std::size_t>(goal)]; }
  std::size_t count() const { return sets_.size(); }

 private:
  Goal place(std::vector<int> literals);
  std::vector<std::vector<int>> sets_;
  std::map<std::vector<int>, Goal> known_;
};

inline constexpr std::int64_t without_end = -1;  // a `most` of none

struct StringSet {
  Automaton texts;         // of the decoded value, UTF-8
  std::int64_t least = 0;  // characters
  std::int64_t most = without_end;
  bool operator==(const StringSet&) const = default;
};

struct ArraySet {
  std::vector<Goal> prefix;
  Goal rest = Goals::anything;  // of items behind the prefix
  std::int64_t least = 0;
  std::int64_t most = without_end;
  struct Contains {
    Goal goal = Goals::anything;
    std::int64_t least = 1;
    std::int64_t most = without_end;
    bool operator==(const Contains&) const = default;
  };
  std::vector<Contains> contains;
  bool operator==(const ArraySet&) const = default;
};

struct ObjectSet {
  struct Property {
    std::string name;
    Goal goal = Goals::anything;
    bool required = false;
    bool operator==(const Property&) const = default;
  };
  struct Names {  // other names than the properties', apart from each other; names in none of them are forbidden
    Automaton names;
    Goal goal = Goals::anything;
    bool operator==(const Names&) const = default;
  };
  std::vector<Property> properties;  // in the order of the schema
  std::vector<Names> others;
  std::int64_t least = 0;
  std::int64_t most = without_end;

  bool operator==(const ObjectSet&) const = default;
  const Property* find(const std::string& name) const;
  // What a value under `name` must be.
  Goal goal_of(const std::string& name) const;
};

struct Shape {
  bool null = false, yes = false, no = false;
  std::vector<NumberSet> numbers;
  std::vector<StringSet> strings;
  std::vector<ArraySet> arrays;
  std::vector<ObjectSet> objects;
};

class ShapeAlgebra {
 public:
  // `impossible` says whether a goal has surely no value; `opposite` gives a goal's complement as a goal.
  struct Oracle {
    std::function<bool(Goal)> impossible;
    std::function<Goal(Goal)> opposite;
  };
  ShapeAlgebra(Goals& goals, Oracle oracle);

  const Automaton& any() const { return any_; }
  Shape everything() const;
  Shape intersect(const Shape& a, const Shape& b) const;
  Shape unite(Shape a, const Shape& b) const;
  // a without b.
  Shape subtract(const Shape& a, const Shape& b) const;
  bool is_empty(const Shape& shape) const;

  Automaton both_texts(const Automaton& a, const Automaton& b) const;
  Automaton other_texts(const Automaton& a) const { return counted(text::subtract(any_, a)); }
  // `made`, a new automaton; Failure (unsupported) where all that were made for the schema are too much work.
  Automaton counted(Automaton made) const;
  // The texts of `strings` as one automaton, lengths counted in states.
  Automaton texts_of(const std::vector<StringSet>& strings) const;

 private:
  bool add(std::vector<StringSet>& all, const StringSet& a, const StringSet& b) const;
  void add(std::vector<ArraySet>& all, const ArraySet& a, const ArraySet& b) const;
  void add(std::vector<ObjectSet>& all, const ObjectSet& a, const ObjectSet& b) const;
  bool settle(ArraySet& set) const;
  bool settle(ObjectSet& set) const;
  bool covers_others(const ObjectSet& set, const ObjectSet& within) const;
  // What isn't in `set`, right at least inside `within`.
  std::vector<NumberSet> complement(const NumberSet& set, const NumberSet& within) const;
  std::vector<StringSet> complement(const StringSet& set, const StringSet& within) const;
  std::vector<ArraySet> complement(const ArraySet& set, const ArraySet& within) const;
  std::vector<ObjectSet> complement(ObjectSet set, const ObjectSet& within) const;

  void count_work() const;

  Goals& goals_;
  mutable std::size_t work_ = 0;            // alternatives made
  mutable std::int64_t automata_work_ = 0;  // transitions of automata made
  Oracle oracle_;
  Automaton any_;
};

}  // namespace hone::text
