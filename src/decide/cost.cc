#include "decide/cost.h"

#include "decide/wording.h"

namespace hone::decide {
namespace {

constexpr double months = 12;           // over which the one-off work is spread
constexpr double monitoring_usd = 100;  // a month, watching quality
constexpr double one_off_usd = 1000;    // labelling, training and setting up
constexpr double hours_to_retrain = 2;  // of an engineer
constexpr double seconds_per_month = 365.25 * 86400 / 12;

double retrainings_a_month(const std::string& changes) {
  if (changes == "weekly") return 52.0 / 12;
  return changes == "monthly" ? 1 : 0;
}

// With the fewest prompt tokens: what was asked without examples, where anything was.
const eval::ContenderResult* shortest_asked(const DecisionInput& input) {
  const eval::ContenderResult* found = nullptr;
  for (const eval::ContenderResult& contender : input.contenders) {
    const bool is_asked =
        contender.kind == eval::ContenderKind::prompted || contender.kind == eval::ContenderKind::tuned;
    if (!is_asked || contender.mean_prompt_tokens <= 0) continue;
    if (found == nullptr || contender.mean_prompt_tokens < found->mean_prompt_tokens) found = &contender;
  }
  return found;
}

std::size_t machines_for(double requests, double per_machine) {
  if (per_machine <= 0) return 1;
  return static_cast<std::size_t>(std::max(1.0, std::ceil(requests / per_machine)));
}

std::string machines_text(std::size_t machines) {
  return machines == 1 ? "a machine of your own" : fmt::format("{} machines of your own", machines);
}

// All that the break-even is worked out from, but for the API's price.
BreakEvenInput own_costs(const DecisionInput& input, const eval::ContenderResult* served) {
  const double retrain =
      retrainings_a_month(input.task->circumstances.changes) * hours_to_retrain * input.prices.engineer_usd_per_hour;
  return {.host_usd_per_month = input.prices.cpu_usd_per_month,
          .upkeep_usd_per_month = monitoring_usd + retrain,
          .one_off_usd = one_off_usd,
          .months = months,
          .prompted_usd = 0,
          .served_usd = 0,
          .requests_per_machine =
              served == nullptr ? 0 : requests_per_machine(served->latency.p50_ms, input.prices.utilisation)};
}

void note_break_even(const BreakEvenInput& costs, const Price& price, BreakEven& result) {
  const double full = costs.requests_per_machine;
  if (!result.requests_per_month) {
    if (full <= 0) return;
    result.notes.push_back(fmt::format(
        "Against {} ({} for a million requests) a machine of your own never pays: all the about {} requests a "
        "month that it can answer would cost {} there, less than its rent of {}.",
        price.id, usd(1e6 * costs.prompted_usd), about(full), usd(full * costs.prompted_usd),
        usd(costs.host_usd_per_month)));
    return;
  }
  BreakEvenInput rent_alone = costs;
  rent_alone.upkeep_usd_per_month = rent_alone.one_off_usd = 0;
  const std::size_t machines = machines_for(*result.requests_per_month, full);
  result.notes.push_back(fmt::format(
      "Against {} ({} for a million requests) {} {} from about {} requests a month on, {} counting the rent alone.",
      price.id, usd(1e6 * costs.prompted_usd), machines_text(machines), machines == 1 ? "pays" : "pay",
      about(*result.requests_per_month), about(break_even_requests(rent_alone).value_or(0))));
}

void note_volume(const DecisionInput& input, const Bill& bill, BreakEven& result) {
  const bool api_is_cheaper = bill.api_usd < bill.own_usd;
  result.notes.push_back(fmt::format(
      "At your {} requests a month the API would bill {}, {} {}: on cost alone {} cheaper.",
      grouped(*input.task->circumstances.requests_per_month), usd(bill.api_usd), machines_text(bill.machines),
      usd(bill.own_usd),
      api_is_cheaper ? "the API is" : (bill.machines == 1 ? "your own machine is" : "your own machines are")));
}

void note_speed(const DecisionInput& input, const eval::ContenderResult* served, BreakEven& result) {
  if (served == nullptr || served->latency.n == 0) return;
  const double full = requests_per_machine(served->latency.p50_ms, input.prices.utilisation);
  result.notes.push_back(fmt::format(
      "One machine ({} a month, busy {:.0f} % of the time: both assumed) answers about {} requests a month with "
      "{}, at {} each.",
      usd(input.prices.cpu_usd_per_month), 100 * input.prices.utilisation, about(full), shown_name(served->name),
      milliseconds_text(served->latency.p50_ms)));
}

void note_assumptions(const BreakEvenInput& costs, const RequestSize& size, BreakEven& result) {
  result.notes.push_back(fmt::format(
      "Assumed, not measured: {} a month for each machine, {} a month to watch and retrain, {} once, "
      "spread over {:.0f} months; no cached tokens, and the same quality. {:.0f} prompt and {:.0f} answer "
      "tokens a request, {}.",
      usd(costs.host_usd_per_month), usd(costs.upkeep_usd_per_month), usd(costs.one_off_usd), months,
      size.prompt_tokens, size.completion_tokens, size.is_measured ? "as measured" : "estimated from your rows"));
}

void note_unlisted(const DecisionInput& input, BreakEven& result) {
  std::vector<std::string> known;
  for (const Price& listed : input.prices.api) known.push_back(listed.id);
  result.notes.push_back(fmt::format("No price of \"{}\" is listed, so there is no break-even; listed are {}.",
                                     shown_name(input.task->circumstances.compare_price), fmt::join(known, ", ")));
}

}  // namespace

double requests_per_machine(double p50_ms, double utilisation) {
  HONE_CHECK(utilisation > 0 && utilisation <= 1);
  return p50_ms <= 0 ? 0 : utilisation * seconds_per_month * 1000 / p50_ms;
}

double local_usd_per_million(double p50_ms, double usd_per_month, double utilisation) {
  const double full = requests_per_machine(p50_ms, utilisation);
  return full <= 0 ? 0 : 1e6 * usd_per_month / full;
}

double api_usd_per_million(const Price& price, double prompt_tokens, double completion_tokens) {
  return prompt_tokens * price.input + completion_tokens * price.output;
}

double usd_per_million(const eval::ContenderResult& contender, const PriceList& prices) {
  if (contender.kind != eval::ContenderKind::api) {
    return local_usd_per_million(contender.latency.p50_ms, prices.cpu_usd_per_month, prices.utilisation);
  }
  const Price* price = find_price(prices, contender.price_id);
  if (price == nullptr) return 0;
  return api_usd_per_million(*price, contender.mean_prompt_tokens, contender.mean_completion_tokens);
}

std::optional<double> break_even_requests(const BreakEvenInput& input) {
  HONE_CHECK(input.months > 0);
  const double saved = input.prompted_usd - input.served_usd;
  if (saved <= 0) return std::nullopt;
  const double steady = input.upkeep_usd_per_month + input.one_off_usd / input.months;
  const double full = input.requests_per_machine;
  if (full <= 0) return (input.host_usd_per_month + steady) / saved;
  const double gained = full * saved - input.host_usd_per_month;  // by a machine that is always answering
  if (gained <= 0) return std::nullopt;
  const double machines = std::max(1.0, std::ceil(steady / gained));
  // Where the last machine pays at once, from its first request on.
  return std::max((machines * input.host_usd_per_month + steady) / saved, (machines - 1) * full + 1);
}

const eval::ContenderResult* api_contender(const DecisionInput& input) {
  const eval::ContenderResult* found = nullptr;
  for (const eval::ContenderResult& contender : input.contenders) {
    if (contender.kind != eval::ContenderKind::api) continue;
    if (find_price(input.prices, contender.price_id) != nullptr) return &contender;
    if (found == nullptr) found = &contender;
  }
  return found;
}

const Price* large_model_price(const DecisionInput& input) {
  const eval::ContenderResult* contender = api_contender(input);
  if (contender != nullptr) {
    if (const Price* price = find_price(input.prices, contender->price_id)) return price;
  }
  return find_price(input.prices, input.task->circumstances.compare_price);
}

std::optional<RequestSize> request_size(const DecisionInput& input) {
  const eval::ContenderResult* measured = api_contender(input);
  if (measured == nullptr || measured->mean_prompt_tokens <= 0) measured = shortest_asked(input);
  if (measured != nullptr) {
    return RequestSize{measured->mean_prompt_tokens, std::max(1.0, measured->mean_completion_tokens)};
  }
  if (input.trial.rows == 0) return std::nullopt;
  const auto rows = static_cast<double>(input.trial.rows);
  return RequestSize{.prompt_tokens = input.trial.prompt_tokens / rows,
                     .completion_tokens = input.trial.completion_tokens / rows,
                     .is_measured = false};
}

std::optional<Bill> bill_of(const DecisionInput& input, const eval::ContenderResult* served) {
  const std::optional<double> volume = input.task->circumstances.requests_per_month;
  const Price* price = large_model_price(input);
  const std::optional<RequestSize> size = request_size(input);
  if (!volume || price == nullptr || !size) return std::nullopt;
  const BreakEvenInput costs = own_costs(input, served);
  const std::size_t machines = machines_for(*volume, costs.requests_per_machine);
  return Bill{.api_usd = *volume * api_usd_per_million(*price, size->prompt_tokens, size->completion_tokens) / 1e6,
              .own_usd = static_cast<double>(machines) * costs.host_usd_per_month + costs.upkeep_usd_per_month +
                         costs.one_off_usd / costs.months,
              .machines = machines};
}

BreakEven break_even_of(const DecisionInput& input, const eval::ContenderResult* served) {
  BreakEven result;
  const Price* price = large_model_price(input);
  if (price == nullptr) {
    note_unlisted(input, result);
    note_speed(input, served, result);
    return result;
  }
  result.notes = price_warnings(*price, input.today);
  const std::optional<RequestSize> size = request_size(input);
  if (!size) {
    result.notes.push_back("No prompted contender was measured, so the tokens of a request and its price are unknown.");
    note_speed(input, served, result);
    return result;
  }
  BreakEvenInput costs = own_costs(input, served);
  costs.prompted_usd = api_usd_per_million(*price, size->prompt_tokens, size->completion_tokens) / 1e6;
  result.requests_per_month = break_even_requests(costs);
  note_break_even(costs, *price, result);
  if (const auto bill = bill_of(input, served)) note_volume(input, *bill, result);
  note_speed(input, served, result);
  note_assumptions(costs, *size, result);
  return result;
}

}  // namespace hone::decide
