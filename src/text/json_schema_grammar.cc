#include "text/json_schema_grammar.h"

#include <algorithm>

namespace hone::text {

std::int32_t JsonGrammar::Text::characters_left(std::int32_t state, std::int64_t need) const {
  if (any) return static_cast<std::int32_t>(need);
  return fewest[static_cast<std::size_t>(need * texts->states() + state)];
}

std::optional<JsonGrammar::Counts> JsonGrammar::counted(const Items& items, Counts counts, unsigned set) {
  for (std::size_t i = 0; i < items.contains.size(); ++i) {
    if ((set >> i & 1U) == 0) continue;
    const Items::Contains& contains = items.contains[i];
    if (contains.most != without_end && counts[i] >= contains.most) return std::nullopt;
    // Counted no further than matters.
    const std::int64_t enough = contains.most != without_end ? contains.most : contains.least;
    counts[i] = std::min(counts[i] + 1, enough);
  }
  return counts;
}

std::int64_t JsonGrammar::cost_to_close(const Items& items, std::int64_t place, Counts counts) const {
  std::int64_t missing = 0;
  for (std::size_t i = 0; i < items.contains.size(); ++i) {
    missing = std::max(missing, items.contains[i].least - counts[i]);
  }
  std::int64_t cost = 0;
  while (place < items.least || missing > 0) {
    if (items.most != without_end && place >= items.most) return never;
    if (missing > 0) break;
    // Without contains, or none missing: the cheapest that still may be counted.
    std::int64_t best = never;
    for (unsigned set = 0; set < 4; ++set) {
      if (items.at(place)[set] >= 0 && counted(items, counts, set)) {
        best = std::min(best, cost_of(items.at(place)[set]));
      }
    }
    if (best >= never) return never;
    cost += best + 1;
    ++place;
  }
  if (missing <= 0) return cost;
  std::int64_t best = never;
  for (unsigned set = 0; set < 4; ++set) {
    const int value = items.at(place)[set];
    const std::optional<Counts> after = counted(items, counts, set);
    if (value < 0 || !after || cost_of(value) >= never) continue;
    // An item that helps nothing only passes a place of the prefix.
    if (*after == counts && place + 1 >= static_cast<std::int64_t>(items.options.size())) continue;
    best = std::min(best, cost_of(value) + 1 + cost_to_close(items, place + 1, *after));
  }
  return std::min(best + cost, never);
}

}  // namespace hone::text
