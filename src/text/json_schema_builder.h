// From shapes to a grammar. Private to text/json_schema*.cc.
#pragma once

#include <map>

#include "text/json_schema_grammar.h"
#include "text/json_schema_reader.h"

namespace hone::text {

class GrammarBuilder {
 public:
  explicit GrammarBuilder(SchemaReader& reader) : reader_(reader) {}
  // Failure (bad_input) where no value satisfies the schema.
  JsonGrammar run();

 private:
  int value_of(Goal goal);
  void add_value(Goal goal, int id);
  void add_text(const StringSet& set, JsonGrammar::Value& value);
  void add_array(const ArraySet& set, JsonGrammar::Value& value);
  std::array<int, 4> options(Goal item, const std::vector<ArraySet::Contains>& contains);
  void add_object(const ObjectSet& set, JsonGrammar::Value& value);
  void find_costs();
  std::int64_t cost_of(const JsonGrammar::Value& value) const;
  std::int64_t cost_of(const JsonGrammar::Members& members) const;
  void prune();
  void prune(JsonGrammar::Items& items) const;
  void prune(JsonGrammar::Members& members) const;

  SchemaReader& reader_;
  JsonGrammar grammar_;
  std::int64_t length_entries_ = 0;  // of all tables of lengths
  std::map<Goal, int> ids_;
  std::vector<Goal> goals_;
};

}  // namespace hone::text
