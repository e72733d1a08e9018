#include "decide/cost.h"

#include "decide/wording.h"

namespace hone::decide {
namespace {

constexpr double months = 12;           // over which the one-off work is spread
constexpr double monitoring_usd = 100;  // a month, watching quality
constexpr double one_off_usd = 1000;    // labelling, training and setting up
constexpr double hours_to_retrain = 2;  // of an engineer

double retrainings_a_month(const std::string& changes) {
  if (changes == "weekly") return 52.0 / 12;
  return changes == "monthly" ? 1 : 0;
}

const eval::ContenderResult* prompted_contender(const DecisionInput& input) {
  const eval::ContenderResult* found = nullptr;
  for (const eval::ContenderResult& contender : input.contenders) {
    if (contender.mean_prompt_tokens <= 0) continue;
    const bool is_prompted = contender.kind == eval::ContenderKind::prompted;
    if (is_prompted && contender.name == input.best_untuned) return &contender;
    if (found == nullptr || (is_prompted && found->kind != eval::ContenderKind::prompted)) found = &contender;
  }
  return found;
}

void note_volume(const DecisionInput& input, double api_usd, double own_usd, BreakEven& result) {
  const std::optional<double> volume = input.task->circumstances.requests_per_month;
  if (!volume) return;
  const double api_bill = *volume * api_usd;
  result.notes.push_back(
      fmt::format("At your {} requests a month the API would bill {}, a machine of your own {}: on cost "
                  "alone {} is cheaper.",
                  grouped(*volume), usd(api_bill), usd(own_usd), api_bill < own_usd ? "the API" : "your own machine"));
}

}  // namespace

double local_usd_per_million(double p50_ms, double usd_per_month, double utilisation) {
  HONE_CHECK(utilisation > 0 && utilisation <= 1);
  constexpr double seconds_per_month = 365.25 * 86400 / 12;
  const double requests_per_month = utilisation * seconds_per_month * 1000 / std::max(p50_ms, 1e-9);
  return p50_ms <= 0 ? 0 : 1e6 * usd_per_month / requests_per_month;
}

double api_usd_per_million(const Price& price, double prompt_tokens, double completion_tokens) {
  return prompt_tokens * price.input + completion_tokens * price.output;
}

std::optional<double> break_even_requests(const BreakEvenInput& input) {
  const double saved = input.prompted_usd - input.served_usd;
  if (saved <= 0) return std::nullopt;
  HONE_CHECK(input.months > 0);
  return (input.host_usd_per_month + input.upkeep_usd_per_month + input.one_off_usd / input.months) / saved;
}

std::optional<RequestSize> request_size(const DecisionInput& input) {
  const eval::ContenderResult* contender = prompted_contender(input);
  if (contender == nullptr) return std::nullopt;
  return RequestSize{contender->mean_prompt_tokens, std::max(1.0, contender->mean_completion_tokens)};
}

BreakEven break_even_of(const DecisionInput& input) {
  BreakEven result;
  const std::string& id = input.task->circumstances.compare_price;
  const Price* price = find_price(input.prices, id);
  if (price == nullptr) {
    std::vector<std::string> known;
    for (const Price& listed : input.prices.api) known.push_back(listed.id);
    result.notes.push_back(fmt::format("No price of \"{}\" is listed, so there is no break-even; listed are {}.",
                                       shown_name(id), fmt::join(known, ", ")));
    return result;
  }
  result.notes = price_warnings(*price, input.today);
  const std::optional<RequestSize> size = request_size(input);
  if (!size) {
    result.notes.push_back("No prompted contender was measured, so the tokens of a request and its price are unknown.");
    return result;
  }
  const double api_usd = api_usd_per_million(*price, size->prompt_tokens, size->completion_tokens) / 1e6;
  const double retrain =
      retrainings_a_month(input.task->circumstances.changes) * hours_to_retrain * input.prices.engineer_usd_per_hour;
  BreakEvenInput costs{.host_usd_per_month = input.prices.cpu_usd_per_month,
                       .upkeep_usd_per_month = monitoring_usd + retrain,
                       .one_off_usd = one_off_usd,
                       .months = months,
                       .prompted_usd = api_usd,
                       .served_usd = 0};
  result.requests_per_month = break_even_requests(costs);
  const auto hosting_alone =
      break_even_requests({.host_usd_per_month = costs.host_usd_per_month, .prompted_usd = api_usd});
  if (hosting_alone) {
    result.notes.push_back(
        fmt::format("Against {} ({} for a million requests) a machine of your own pays from {} requests a "
                    "month on, {} counting its rent alone.",
                    price->id, usd(1e6 * api_usd), grouped(*result.requests_per_month), grouped(*hosting_alone)));
  }
  note_volume(input, api_usd, costs.host_usd_per_month + costs.upkeep_usd_per_month + one_off_usd / months, result);
  result.notes.push_back(
      fmt::format("Assumed, not measured: {} a month for the machine, {} a month to watch and retrain it, {} once, "
                  "spread over {:.0f} "
                  "months; {:.0f} prompt and {:.0f} answer tokens a request, no cached tokens, and the same quality.",
                  usd(costs.host_usd_per_month), usd(costs.upkeep_usd_per_month), usd(one_off_usd), months,
                  size->prompt_tokens, size->completion_tokens));
  return result;
}

}  // namespace hone::decide
