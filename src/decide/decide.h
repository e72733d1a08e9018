// The cost model, the break-even and the recommendation: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/task.h"
#include "eval/compare.h"
#include "eval/contender.h"

namespace hone::decide {

struct Price {
  std::string id;
  double input = 0, cached = 0, output = 0;     // USD per million tokens
  std::string effective_from, source, checked;  // dates as YYYY-MM-DD (effective_from may be YYYY-MM)
  std::optional<std::string> shutdown;
};
struct PriceList {
  std::vector<Price> api;
  double cpu_usd_per_month = 40;  // an always-on 2-core virtual machine; an assumption, marked as such
  double engineer_usd_per_hour = 60;
  std::string checked;
};
// The list built into the binary (src/decide/prices_data.cc), or a user's own file of the same form.
PriceList built_in_prices();
Result<PriceList> load_prices(const Path& file);
// An error for an unknown key, a wrong type, a negative price or a date of another form names the entry and `where`.
Result<PriceList> parse_prices(std::string_view json, std::string_view where);
const Price* find_price(const PriceList& prices, const std::string& id);  // null: not listed
// What to know before trusting `price` today: checked over 60 days ago, or a date on which the model is shut down.
std::vector<std::string> price_warnings(const Price& price, const std::string& today);

// Closed list.
enum class VerdictKind {
  keep_prompting,
  prompt_for_now,
  plain_classifier,
  retrieve,
  fine_tune,
  cascade,
  collect_data,
  too_hard,
  not_decidable,
};
const char* name_of(VerdictKind kind);  // "keep prompting", "a plain classifier is enough", ...

struct BreakEven {
  std::optional<double> requests_per_month;  // none: never
  std::vector<std::string> notes;            // assumptions, old prices
};

struct DecisionInput {
  const data::Task* task = nullptr;
  std::vector<eval::ContenderResult> contenders;
  std::size_t test_rows = 0;
  std::optional<eval::Comparison> primary;  // best tuned against best untuned, both chosen on validation
  std::string best_tuned, best_untuned;     // names
  bool data_poor = false;                   // under 400 rows
  PriceList prices;
  std::string today;
};

struct Recommendation {
  VerdictKind verdict = VerdictKind::not_decidable;
  std::string use;                   // the contender to serve now
  std::string headline;              // one plain sentence
  std::vector<std::string> reasons;  // plain sentences with figures
  std::vector<std::string> caveats;  // e.g. no large model was among the contenders, command and price to try one
  BreakEven break_even;
};
// Rules, in this order:
//   nothing measured: prompt for now.
//   no contender beats the floor (majority class, or copying the input): collect data first where rows are few, else
//   too hard. a target is given and no contender reaches it: the same two. a target is given and an untuned contender's
//   whole interval lies above it: that one is enough. nothing was tuned: not decidable yet. tuned better by the primary
//   comparison: fine-tune, unless only the untuned one keeps the latency limit. undecided and tuned ahead by the margin
//   or more, or undecided with few rows: not decidable. else (worse, equivalent, or not ahead by the margin): the best
//   untuned one, by its kind.
// Where no large model was among the contenders the verdict never says fine-tuning beats prompting a large model.
Recommendation choose(const DecisionInput& input);
Json to_json(const Recommendation& recommendation);

// USD for a million requests served by this machine kept busy at `utilisation`, from p50 latency.
double local_usd_per_million(double p50_ms, double usd_per_month, double utilisation);
// USD for a million requests through an API.
double api_usd_per_million(const Price& price, double prompt_tokens, double completion_tokens);
// Requests a month from which serving costs less than prompting: N* = (H + M + F/A) / (c_p - c_s); none where c_p <=
// c_s. USD and months; c_* are USD a request.
struct BreakEvenInput {
  double host_usd_per_month = 0, upkeep_usd_per_month = 0, one_off_usd = 0, months = 12;
  double prompted_usd = 0, served_usd = 0;
};
std::optional<double> break_even_requests(const BreakEvenInput& input);

}  // namespace hone::decide
