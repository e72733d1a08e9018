// What an API would cost for this task, and from how many requests on machines of one's own pay.
#pragma once

#include <optional>

#include "decide/decide.h"

namespace hone::decide {

// Mean tokens of a request.
struct RequestSize {
  double prompt_tokens = 0;
  double completion_tokens = 0;
  bool is_measured = true;  // false: estimated from the rows' texts
};
// Of the best contender asked over an API, else of the local one that was asked without examples (the prompted or tuned
// one with the fewest prompt tokens), as `hone prompt` asks, else estimated from input.trial; none where nothing is
// known.
std::optional<RequestSize> request_size(const DecisionInput& input);

// The best contender that is asked over an API; null: none.
const eval::ContenderResult* api_contender(const DecisionInput& input);
// What prompting a large model is priced by: the entry of the contender asked over an API, else the one that the task
// names. Null: not listed.
const Price* large_model_price(const DecisionInput& input);

// Requests a month that one machine answers at p50 latency, kept busy at `utilisation`; 0 where the latency is unknown.
double requests_per_machine(double p50_ms, double utilisation);

// A month's bill at a volume.
struct Bill {
  double api_usd = 0;
  double own_usd = 0;  // rent of the machines it takes, upkeep and the one-off work's share
  std::size_t machines = 1;
};
// Of the task's volume, with `served` on machines of one's own; none where volume, price or request size are unknown.
std::optional<Bill> bill_of(const DecisionInput& input, const eval::ContenderResult* served);

// The break-even of serving `served` (may be null: its speed is then unknown) on machines of one's own against the
// large model, with every assumption in the notes.
BreakEven break_even_of(const DecisionInput& input, const eval::ContenderResult* served);

}  // namespace hone::decide
