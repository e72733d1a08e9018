#include "text/json_schema_reader.h"

#include <algorithm>

#include "base/terminal.h"

namespace hone::text {

namespace {

constexpr int most_probing = 3;  // levels that impossible() looks into values
constexpr std::size_t most_goals = 20000;

template <class Set>
struct Leave {
  Set& open;
  int id;
  ~Leave() { open.erase(id); }
};

}  // namespace

SchemaReader::SchemaReader(const SchemaDocument& document)
    : document_(document),
      algebra_(goals_, {[this](Goal goal) { return impossible(goal); }, [this](Goal goal) { return opposite(goal); }}) {
}

int SchemaReader::literal_for(const Json* key, const Source& source) {
  const auto [known, is_new] =
      literals_.emplace(std::pair(key, source.constant != nullptr ? 1 : 0), static_cast<int>(sources_.size()));
  if (is_new) sources_.push_back(source);
  return known->second;
}

Goal SchemaReader::goal_of_constant(const Json& value) {
  Source source;
  source.constant = &value;
  return goals_.of(2 * literal_for(&value, source));
}

// Either way to a goal's complement: the one literal turned round, or the union of all turned round.
Goal SchemaReader::opposite(Goal goal) {
  if (goal == Goals::anything) return Goals::nothing;
  if (goal == Goals::nothing) return Goals::anything;
  const std::vector<int> literals = goals_.literals(goal);
  if (literals.size() == 1) return goals_.of(literals.front() ^ 1);
  const auto known = opposites_.find(goal);
  if (known != opposites_.end()) return known->second;
  Source source;
  for (const int literal : literals) source.any_of.push_back(goals_.of(literal ^ 1));
  sources_.push_back(std::move(source));
  return opposites_.emplace(goal, goals_.of(2 * (static_cast<int>(sources_.size()) - 1))).first->second;
}

const Shape& SchemaReader::shape_of_literal(int id) {
  const auto known = literal_shapes_.find(id);
  if (known != literal_shapes_.end()) return known->second;
  const Source source = sources_[static_cast<std::size_t>(id)];
  if (!open_.insert(id).second) {
    if (depth_ > 0) throw InProgress{};
    fail(ErrorCode::bad_input,
         "the schema at {} needs itself without end: its $ref, allOf, anyOf, oneOf or not leads "
         "back to it with no property or item between",
         source.place.pointer);
  }
  const Leave<std::set<int>> leave{open_, id};
  return literal_shapes_.emplace(id, read(source)).first->second;
}

Shape SchemaReader::read(const Source& source) {
  if (source.constant != nullptr) return constant(*source.constant);
  if (source.place.schema != nullptr) return read_schema(source.place);
  Shape shape;
  for (const Goal goal : source.any_of) shape = algebra_.unite(std::move(shape), shape_of(goal));
  return shape;
}

const Shape& SchemaReader::shape_of(Goal goal) {
  const auto known = goal_shapes_.find(goal);
  if (known != goal_shapes_.end()) return known->second;
  if (goals_.count() > most_goals) {
    fail(ErrorCode::unsupported, "the schema combines into more than {} different requirements", most_goals);
  }
  Shape shape;
  if (goal != Goals::nothing) {
    const std::vector<int> literals = goals_.literals(goal);
    shape = algebra_.everything();
    for (const int literal : literals) {
      if (literal % 2 == 0) shape = algebra_.intersect(shape, shape_of_literal(literal / 2));
    }
    for (const int literal : literals) {
      if (literal % 2 == 1) shape = without(shape, literal / 2);
    }
  }
  return goal_shapes_.emplace(goal, std::move(shape)).first->second;
}

// `shape` without what a schema allows; an error names the schema.
Shape SchemaReader::without(const Shape& shape, int literal) {
  const Shape& other = shape_of_literal(literal);
  try {
    return algebra_.subtract(shape, other);
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    const SchemaPlace& place = sources_[static_cast<std::size_t>(literal)].place;
    if (what.find('#') != std::string::npos || place.schema == nullptr) throw;
    fail(failure.code(), "the schema at {} must not hold, and it {}", place.pointer, what);
  }
}

bool SchemaReader::impossible(Goal goal) {
  if (goal == Goals::nothing) return true;
  if (goal == Goals::anything || depth_ >= most_probing) return false;
  struct Deeper {
    int& depth;
    explicit Deeper(int& d) : depth(d) { ++depth; }
    ~Deeper() { --depth; }
  } deeper(depth_);
  try {
    return algebra_.is_empty(shape_of(goal));
  } catch (const InProgress&) {
    return false;
  }
}

}  // namespace hone::text
