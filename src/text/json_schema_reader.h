// From schemas to shapes: what each keyword allows. Private to text/json_schema*.cc.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "text/json_schema_document.h"
#include "text/json_schema_shape.h"

namespace hone::text {

class SchemaReader {
 public:
  explicit SchemaReader(const SchemaDocument& document);

  Goals& goals() { return goals_; }
  const ShapeAlgebra& algebra() const { return algebra_; }
  Goal root() { return goal_at(document_.root()); }
  // Failure (unsupported, bad_input) names the keyword and its place.
  const Shape& shape_of(Goal goal);
  Goal opposite(Goal goal);
  // Notes that no draft knows, by their place.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  struct Source {
    SchemaPlace place;               // a schema; or
    const Json* constant = nullptr;  // a value that alone is allowed; or
    std::vector<Goal> any_of;        // the union of goals
  };
  struct InProgress {};  // thrown where a shape needs itself

  int literal_for(const Json* key, const Source& source);
  Goal goal_at(const SchemaPlace& place);
  Goal goal_of_constant(const Json& value);
  const Shape& shape_of_literal(int id);
  Shape read(const Source& source);
  Shape without(const Shape& shape, int literal);
  bool impossible(Goal goal);

  Shape read_schema(const SchemaPlace& place);
  void check_keywords(const SchemaPlace& place);
  Shape in_place(const SchemaPlace& place);
  Shape types(const SchemaPlace& place) const;
  Shape constant(const Json& value);
  Shape constants(const SchemaPlace& place, const std::string& key);
  void numbers(const SchemaPlace& place, Shape& shape) const;
  void strings(const SchemaPlace& place, Shape& shape);
  void arrays(const SchemaPlace& place, Shape& shape);
  void contains(const SchemaPlace& place, ArraySet& set);
  void objects(const SchemaPlace& place, Shape& shape);
  void patterns(const SchemaPlace& place, ObjectSet& set);
  void required(const SchemaPlace& place, Shape& shape) const;
  void property_names(const SchemaPlace& place, Shape& shape);
  Shape combine(const SchemaPlace& place, Shape shape);
  Shape one_of(const SchemaPlace& place, const Shape& shape);
  Shape condition(const SchemaPlace& place, const Shape& shape);
  Shape dependencies(const SchemaPlace& place, Shape shape);
  Shape depends(const Shape& shape, const std::string& name, const Shape& then) const;
  Automaton pattern_at(const SchemaPlace& place, const std::string& pattern);
  Automaton format_at(const SchemaPlace& place, const std::string& name);

  const SchemaDocument& document_;
  Goals goals_;
  ShapeAlgebra algebra_;
  std::vector<Source> sources_;
  std::map<std::pair<const Json*, int>, int> literals_;
  std::map<Goal, Goal> opposites_;
  std::map<int, Shape> literal_shapes_;
  std::map<Goal, Shape> goal_shapes_;
  std::set<int> open_;  // literals being read
  int depth_ = 0;       // of impossible()
  std::map<std::string, Automaton> patterns_, formats_;
  std::vector<std::string> ignored_;
};

// The texts of a format that JSON Schema defines; null where no such format is defined (then it asserts nothing).
// Failure (unsupported) for defined ones that aren't enforced.
Automaton format_texts(const std::string& name);
// The most characters of a format's texts where its automaton doesn't count them; else without_end.
std::int64_t format_length(const std::string& name);

// A count or bound from a schema; Failure (bad_input) names the place where it isn't one.
std::int64_t count_at(const SchemaPlace& place, const std::string& key);

}  // namespace hone::text
