#include "base/shell.h"
#include "decide/cost.h"
#include "decide/decide.h"
#include "decide/rules.h"
#include "decide/wording.h"

namespace hone::decide {
namespace {

using eval::ContenderKind;
using eval::ContenderResult;

std::string price_text(const Price& price) {
  return fmt::format("price of {}, checked {}", price.effective_from, price.checked);
}

void add_speed(const Facts& facts, Recommendation& result) {
  const ContenderResult* use = contender_named(*facts.input, result.use);
  if (use == nullptr || use->latency.n == 0) return;
  std::string line = fmt::format("{} answers in {} (half of all requests) to {} (95 of 100)", shown_name(use->name),
                                 milliseconds_text(use->latency.p50_ms), milliseconds_text(use->latency.p95_ms));
  const double million = usd_per_million(*use, facts.input->prices);
  if (million > 0) line += fmt::format("; a million requests cost about {}", usd(million));
  const Price* price = use->kind == ContenderKind::api ? find_price(facts.input->prices, use->price_id) : nullptr;
  if (price != nullptr) line += fmt::format(" ({}, {})", price->id, price_text(*price));
  result.reasons.push_back(line + ".");
  if (!too_slow(*use, *facts.task)) return;
  const auto& all = facts.input->contenders;
  const bool none_keeps =
      std::all_of(all.begin(), all.end(), [&](const ContenderResult& c) { return too_slow(c, *facts.task); });
  result.caveats.push_back(fmt::format("That is slower than your limit of {}{}.",
                                       milliseconds_text(*facts.task->circumstances.latency_ms),
                                       none_keeps ? ", which nothing tried keeps" : ""));
}

// What one try on validation and test rows would send and cost.
std::string trial_text(const DecisionInput& input, const Price& price) {
  const Trial& trial = input.trial;
  const double once = (trial.prompt_tokens * price.input + trial.completion_tokens * price.output) / 1e6;
  return fmt::format(
      "on your {} validation and test rows that costs about {} (about {} tokens to read, {} to write; {})",
      grouped(static_cast<double>(trial.rows)), usd(once), about(trial.prompt_tokens), about(trial.completion_tokens),
      price_text(price));
}

// Hone has tried no large model here, so it says so wherever a reader could take the verdict for an answer about one.
void add_large_model_caveat(const Facts& facts, Recommendation& result) {
  if (api_contender(*facts.input) != nullptr) return;
  const std::string& model = facts.task->circumstances.compare_price;
  const std::string folder = facts.input->folder.empty() ? "." : facts.input->folder;
  std::string line = fmt::format(
      "No large model was among the contenders, so this says nothing about prompting one. To try {}: `hone prompt {} "
      "--model {}`",
      shown_name(model), shell_word(folder), shell_word(model));
  const Price* price = find_price(facts.input->prices, model);
  if (price != nullptr && facts.input->trial.rows > 0) {
    line += "; " + trial_text(*facts.input, *price);
  } else if (price == nullptr) {
    line += "; no price of it is listed";
  }
  line += ". It says what it would send and asks for --yes; its key is read from HONE_API_KEY (or OPENAI_API_KEY).";
  if (facts.task->circumstances.is_private) {
    line +=
        " The task is private, and these rows would leave this machine: `private` in hone.toml has to be changed "
        "first.";
  }
  result.caveats.push_back(std::move(line));
  const auto size = request_size(*facts.input);
  if (price == nullptr || !size) return;
  result.caveats.push_back(
      fmt::format("Asked so, without examples ({:.0f} prompt and {:.0f} answer tokens a request), {} would cost {} for "
                  "a million requests.",
                  size->prompt_tokens, size->completion_tokens, price->id,
                  usd(api_usd_per_million(*price, size->prompt_tokens, size->completion_tokens))));
}

void add_unpriced_caveat(const Facts& facts, Recommendation& result) {
  for (const ContenderResult& contender : facts.input->contenders) {
    if (contender.kind != ContenderKind::api) continue;
    const Price* price = find_price(facts.input->prices, contender.price_id);
    if (price == nullptr) {
      result.caveats.push_back(
          fmt::format("No price is known for {}, so its cost is left out.", shown_name(contender.name)));
    } else if (price != large_model_price(*facts.input)) {  // that one's warnings stand with the break-even
      for (std::string& warning : price_warnings(*price, facts.input->today)) {
        result.caveats.push_back(std::move(warning));
      }
    }
  }
}

void add_few_rows_caveat(const Facts& facts, Recommendation& result) {
  if (facts.input->data_poor && facts.input->test_rows > 0 && (facts.input->primary || facts.task->metric != "chrf")) {
    const std::string line = smallest_text(facts);
    if (std::find(result.reasons.begin(), result.reasons.end(), line) == result.reasons.end()) {
      result.caveats.push_back(line + " There are under 400 rows in all.");
    }
  }
  constexpr std::size_t few = 150;
  if (facts.input->test_rows == 0 || facts.input->test_rows >= few) return;
  result.caveats.push_back(
      fmt::format("Only {} test rows: {} or more make the figures steadier.", facts.input->test_rows, few));
}

// What would run on machines of one's own: the recommended contender, or where that one runs elsewhere the best that
// does not.
const ContenderResult* served(const Facts& facts, const Recommendation& result) {
  const ContenderResult* use = contender_named(*facts.input, result.use);
  if (use != nullptr && use->kind != ContenderKind::api) return use;
  for (const ContenderResult& contender : facts.input->contenders) {
    if (contender.kind != ContenderKind::api && !is_floor(contender)) return &contender;
  }
  return nullptr;
}

}  // namespace

const char* name_of(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::keep_prompting:
      return "keep prompting";
    case VerdictKind::prompt_for_now:
      return "prompt for now";
    case VerdictKind::plain_classifier:
      return "a plain classifier is enough";
    case VerdictKind::retrieve:
      return "retrieve";
    case VerdictKind::fine_tune:
      return "fine-tune";
    case VerdictKind::cascade:
      return "cascade";
    case VerdictKind::collect_data:
      return "collect data first";
    case VerdictKind::too_hard:
      return "too hard for the small models tried";
    case VerdictKind::not_decidable:
      return "not decidable";
  }
  return "";
}

Recommendation choose(const DecisionInput& input) {
  const Facts facts = facts_of(input);
  Recommendation result = by_rules(facts);
  add_speed(facts, result);
  add_large_model_caveat(facts, result);
  add_unpriced_caveat(facts, result);
  add_few_rows_caveat(facts, result);
  result.break_even = break_even_of(input, served(facts, result));
  return result;
}

Json to_json(const Recommendation& recommendation) {
  Json requests;
  if (recommendation.break_even.requests_per_month) requests = *recommendation.break_even.requests_per_month;
  return Json{
      {"verdict", name_of(recommendation.verdict)},
      {"use", recommendation.use},
      {"headline", recommendation.headline},
      {"reasons", recommendation.reasons},
      {"caveats", recommendation.caveats},
      {"break_even", {{"requests_per_month", std::move(requests)}, {"notes", recommendation.break_even.notes}}}};
}

}  // namespace hone::decide
