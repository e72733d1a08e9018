// The cost model, the break-even and the recommendation: pure functions.
#pragma once

#include <optional>
#include <string>
#include <utility>
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
  double utilisation = 0.3;  // share of its time that the machine answers, above 0 and at most 1; an assumption too
  std::string checked;
};
// The list built into the binary (src/decide/prices.json), or a user's own file of the same form.
PriceList built_in_prices();
Result<PriceList> load_prices(const Path& file);
// An error for an unknown key, a wrong type, a negative price or a date of another form names the entry and `where`.
Result<PriceList> parse_prices(std::string_view json, std::string_view where);
const Price* find_price(const PriceList& prices, const std::string& id);  // null: not listed
// Refuses (bad_input) a task whose compare_price is not listed, naming the nearest and the listed ones.
Result<void> check_compare_price(const data::Task& task, const PriceList& prices);
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

// Asking a large model for the validation and test rows once: estimates, in all.
struct Trial {
  std::size_t rows = 0;
  double prompt_tokens = 0;
  double completion_tokens = 0;
};

struct DecisionInput {
  const data::Task* task = nullptr;
  std::string folder;                             // the task's, as the user gave it: for commands
  std::vector<eval::ContenderResult> contenders;  // best first, by the task's metric on the validation rows
  std::size_t test_rows = 0;
  std::optional<eval::Comparison> primary;         // best tuned against best untuned, both chosen on validation
  std::vector<eval::NamedComparison> comparisons;  // all that are reported, Holm-adjusted; compared_pairs() among them
  std::string best_tuned, best_untuned;            // names, as leaders_of() gives them
  bool data_poor = false;                          // under 400 rows
  Trial trial;
  PriceList prices;
  std::string today;
};

// The best tuned and the best untuned contender by the validation rows, empty where there is none. Those whose p95
// keeps the task's latency limit go before those whose p95 does not.
struct Leaders {
  std::string tuned, untuned;
};
Leaders leaders_of(const std::vector<eval::ContenderResult>& contenders, const data::Task& task);
// The pairs, besides the primary one, whose comparison choose() reads: each leader against the floor (majority class,
// or copying the input), and the best untuned one against the best that is ten times faster.
std::vector<std::pair<std::string, std::string>> compared_pairs(const DecisionInput& input);

struct Recommendation {
  VerdictKind verdict = VerdictKind::not_decidable;
  std::string use;                   // the contender to serve now
  std::string headline;              // one plain sentence
  std::vector<std::string> reasons;  // plain sentences with figures
  std::vector<std::string> caveats;  // e.g. no large model was among the contenders, command and price to try one
  BreakEven break_even;
};
// By the rules that docs/numerics.md lists under "The verdict", in their order. Contenders are chosen by validation
// rows; test rows only judge the chosen ones. Where no large model (a contender asked over an API) was among the
// contenders the verdict never says that fine-tuning beats prompting one: a caveat says that none was tried, with the
// command and the price to try one.
Recommendation choose(const DecisionInput& input);
Json to_json(const Recommendation& recommendation);

// USD for a million requests served by this machine kept busy at `utilisation`, from p50 latency.
double local_usd_per_million(double p50_ms, double usd_per_month, double utilisation);
// USD for a million requests through an API.
double api_usd_per_million(const Price& price, double prompt_tokens, double completion_tokens);
// USD for a million requests to this contender: by its tokens and its listed price where it is asked over an API (0
// where none is listed), else by its latency.
double usd_per_million(const eval::ContenderResult& contender, const PriceList& prices);
// Requests a month from which serving costs less than prompting. One machine: N* = (H + M + F/A) / (c_p - c_s). Where
// a machine answers at most C requests a month, m of them are rented, and N* is the least N in ((m-1) C, m C] with
// N (c_p - c_s) >= m H + M + F/A. None where c_p <= c_s, or where a full machine saves less than its rent. USD and
// months; c_* are USD a request.
struct BreakEvenInput {
  double host_usd_per_month = 0, upkeep_usd_per_month = 0, one_off_usd = 0, months = 12;
  double prompted_usd = 0, served_usd = 0;
  double requests_per_machine = 0;  // a month; 0: no limit
};
std::optional<double> break_even_requests(const BreakEvenInput& input);

}  // namespace hone::decide
