// Which values can be written at all, and about how short: the least fixed point over values inside values. What
// can't be is taken out of the grammar, so that nothing in it leads to a dead end.
#include <algorithm>

#include "text/json_schema_builder.h"

namespace hone::text {

namespace {

constexpr std::int64_t never = JsonGrammar::never;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

}  // namespace

std::int64_t GrammarBuilder::cost_of(const JsonGrammar::Members& members) const {
  std::int64_t cost = 2, count = 0;
  std::vector<std::int64_t> spare;
  for (const JsonGrammar::Members::Property& property : members.properties) {
    const std::int64_t one = grammar_.cost_of(property.value) + static_cast<std::int64_t>(property.name.size()) + 4;
    if (property.required) {
      cost += one;
      ++count;
    } else {
      spare.push_back(one);
    }
  }
  if (members.most != without_end && count > members.most) return never;
  for (const JsonGrammar::Members::Others& others : members.others) {
    spare.push_back(grammar_.cost_of(others.value) + others.names->to_accept[0] + 4);
  }
  std::sort(spare.begin(), spare.end());
  for (std::size_t i = 0; count < members.least; ++i, ++count) {
    if (i >= spare.size()) return never;
    cost += spare[i];
  }
  return std::min(cost, never);
}

std::int64_t GrammarBuilder::cost_of(const JsonGrammar::Value& value) const {
  std::int64_t cost = never;
  if (value.null || value.yes) cost = 4;
  if (value.no) cost = std::min<std::int64_t>(cost, 5);
  for (const int number : value.numbers)
    cost = std::min<std::int64_t>(cost, grammar_.numbers[at(number)]->to_accept[0]);
  for (const int text : value.texts) {
    const JsonGrammar::Text& set = grammar_.texts[at(text)];
    cost = std::min<std::int64_t>(cost, 2 + set.characters_left(0, set.least));
  }
  for (const int array : value.arrays) {
    cost = std::min(cost, 2 + grammar_.cost_to_close(grammar_.arrays[at(array)], 0, {}));
  }
  for (const int object : value.objects) cost = std::min(cost, cost_of(grammar_.objects[at(object)]));
  return std::min(cost, never);
}

void GrammarBuilder::find_costs() {
  for (bool changed = true; changed;) {
    changed = false;
    // Backwards: values inside were found after those around them.
    for (std::size_t i = grammar_.values.size(); i-- > 0;) {
      const std::int64_t cost = cost_of(grammar_.values[i]);
      if (cost >= grammar_.values[i].cost) continue;
      grammar_.values[i].cost = cost;
      changed = true;
    }
  }
}

void GrammarBuilder::prune(JsonGrammar::Items& items) const {
  for (std::size_t i = 0; i < items.options.size(); ++i) {
    bool some = false;
    for (int& value : items.options[i]) {
      if (grammar_.cost_of(value) >= never) value = -1;
      some = some || value >= 0;
    }
    if (!some && (items.most == without_end || items.most > static_cast<std::int64_t>(i))) {
      items.most = static_cast<std::int64_t>(i);
    }
  }
}

void GrammarBuilder::prune(JsonGrammar::Members& members) const {
  for (JsonGrammar::Members::Property& property : members.properties) {
    if (grammar_.cost_of(property.value) >= never) property.value = -1;
  }
  std::erase_if(members.others, [&](const auto& others) { return grammar_.cost_of(others.value) >= never; });
}

void GrammarBuilder::prune() {
  for (JsonGrammar::Value& value : grammar_.values) {
    std::erase_if(value.arrays,
                  [&](int array) { return grammar_.cost_to_close(grammar_.arrays[at(array)], 0, {}) >= never; });
    std::erase_if(value.objects, [&](int object) { return cost_of(grammar_.objects[at(object)]) >= never; });
  }
  for (JsonGrammar::Members& members : grammar_.objects) members.cost = cost_of(members);
  for (JsonGrammar::Items& items : grammar_.arrays) prune(items);
  for (JsonGrammar::Members& members : grammar_.objects) prune(members);
}

}  // namespace hone::text
