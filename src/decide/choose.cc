#include "decide/cost.h"
#include "decide/decide.h"
#include "decide/wording.h"

namespace hone::decide {
namespace {

using eval::ContenderKind;
using eval::ContenderResult;

// The facts that the rules read.
struct Facts {
  const DecisionInput* input = nullptr;
  const data::Task* task = nullptr;
  const ContenderResult* tuned = nullptr;    // the best of the tuned
  const ContenderResult* untuned = nullptr;  // the best of all others
  const ContenderResult* floor = nullptr;    // majority class, or copying the input: what takes no skill
  bool beats_floor = true;
};

const ContenderResult* named(const DecisionInput& input, const std::string& name) {
  for (const ContenderResult& contender : input.contenders) {
    if (contender.name == name) return &contender;
  }
  return nullptr;
}

const eval::Interval& figure(const ContenderResult& contender, const data::Task& task) {
  static const eval::Interval none;
  const auto it = contender.test_metrics.named.find(task.metric);
  return it == contender.test_metrics.named.end() ? none : it->second;
}

bool is_floor(const ContenderResult& contender) {
  return contender.kind == ContenderKind::majority || contender.kind == ContenderKind::copy;
}

// Better than the floor by the task's metric. A contender that guesses has a better macro-F1 than the majority class,
// so classifying also takes an MCC above 0.
bool beats(const ContenderResult& contender, const ContenderResult& floor, const data::Task& task) {
  if (is_floor(contender)) return false;
  if (const auto mcc = contender.test_metrics.named.find("mcc"); mcc != contender.test_metrics.named.end()) {
    if (mcc->second.low <= 0) return false;
  }
  const auto comparison = eval::compare(contender.test, floor.test, task, task.seed);
  if (comparison) return comparison->verdict == eval::Verdict::a_better;
  return figure(contender, task).low > figure(floor, task).value;
}

Facts facts_of(const DecisionInput& input) {
  HONE_CHECK(input.task != nullptr);
  Facts facts{.input = &input, .task = input.task};
  facts.tuned = input.best_tuned.empty() ? nullptr : named(input, input.best_tuned);
  facts.untuned = input.best_untuned.empty() ? nullptr : named(input, input.best_untuned);
  for (const ContenderResult& contender : input.contenders) {
    if (is_floor(contender)) facts.floor = &contender;
  }
  if (facts.floor != nullptr) {
    const auto above = [&](const ContenderResult* contender) {
      return contender != nullptr && beats(*contender, *facts.floor, *facts.task);
    };
    facts.beats_floor = above(facts.tuned) || above(facts.untuned);
  }
  return facts;
}

// The better of the two by the metric on the test rows.
const ContenderResult* best_of(const Facts& facts) {
  if (facts.tuned == nullptr) return facts.untuned;
  if (facts.untuned == nullptr) return facts.tuned;
  return figure(*facts.tuned, *facts.task).value > figure(*facts.untuned, *facts.task).value ? facts.tuned
                                                                                             : facts.untuned;
}

VerdictKind verdict_by_kind(ContenderKind kind) {
  switch (kind) {
    case ContenderKind::knn:
    case ContenderKind::nearest:
    case ContenderKind::copy:
      return VerdictKind::retrieve;
    case ContenderKind::majority:
    case ContenderKind::ngram:
    case ContenderKind::probe:
      return VerdictKind::plain_classifier;
    case ContenderKind::prompted:
    case ContenderKind::api:
      return VerdictKind::keep_prompting;
    case ContenderKind::tuned:
      return VerdictKind::fine_tune;
  }
  return VerdictKind::not_decidable;
}

bool too_slow(const ContenderResult& contender, const data::Task& task) {
  const std::optional<double> limit = task.circumstances.latency_ms;
  return limit && contender.latency.n > 0 && contender.latency.p95_ms > *limit;
}

std::string scored(const ContenderResult& contender, const Facts& facts) {
  return fmt::format("{} scores {} in {}", shown_name(contender.name), points_text(figure(contender, *facts.task)),
                     metric_title(facts.task->metric));
}

// "2.3 points better than X (95 %: between 0.8 and 3.9)"; where the interval holds 0, "2.3 points ahead of X, somewhere
// from 0.5 behind to 8.1 ahead (95 %)".
std::string difference_text(const eval::Interval& difference, const std::string& other) {
  const bool ahead = difference.value >= 0;
  const double low = ahead ? difference.low : -difference.high;
  const double high = ahead ? difference.high : -difference.low;
  const std::string size = points(std::abs(difference.value));
  if (low > 0) {
    return fmt::format("{} points {} than {} (95 %: between {} and {})", size, ahead ? "better" : "worse",
                       shown_name(other), points(low), points(high));
  }
  return fmt::format("{} points {} {}, somewhere from {} {} to {} {} (95 %)", size, ahead ? "ahead of" : "behind",
                     shown_name(other), points(-low), ahead ? "behind" : "ahead", points(high),
                     ahead ? "ahead" : "behind");
}

// The smallest difference that the test rows can show, at the share of rows on which the two disagree.
double smallest_shown(const Facts& facts) {
  constexpr double least_share = 0.05;
  const eval::Comparison& primary = *facts.input->primary;
  const std::size_t n = primary.n > 0 ? primary.n : facts.input->test_rows;
  const double discordant = static_cast<double>(primary.only_a_right + primary.only_b_right);
  const double share = n > 0 ? discordant / static_cast<double>(n) : least_share;
  return eval::smallest_detectable(std::max(share, least_share), n);
}

std::string smallest_text(const Facts& facts) {
  return fmt::format("{} test rows show differences of about {} points or more with certainty enough to act on.",
                     facts.input->primary->n, points(smallest_shown(facts)));
}

std::string primary_text(const Facts& facts) {
  return fmt::format("{}; it is {}.", scored(*facts.tuned, facts),
                     difference_text(facts.input->primary->difference, facts.untuned->name));
}

std::string rights_text(const Facts& facts) {
  const eval::Comparison& primary = *facts.input->primary;
  return fmt::format("Of {} test rows, {} alone is right on {}, {} alone on {}.", primary.n,
                     shown_name(facts.tuned->name), primary.only_a_right, shown_name(facts.untuned->name),
                     primary.only_b_right);
}

Recommendation recommend(VerdictKind verdict, const ContenderResult* use, std::string headline) {
  Recommendation result;
  result.verdict = verdict;
  result.use = use != nullptr ? use->name : "";
  result.headline = std::move(headline);
  return result;
}

using Decided = std::optional<Recommendation>;

Decided nothing_measured(const Facts& facts) {
  if (facts.tuned != nullptr || facts.untuned != nullptr) return std::nullopt;
  auto result = recommend(VerdictKind::prompt_for_now, nullptr,
                          "Nothing has been measured yet: prompt a model for now, and "
                          "keep what it is asked and what it should have said.");
  result.reasons.push_back("Without scored rows there is no evidence for or against fine-tuning.");
  return result;
}

// With few rows more data may help; with enough of them the models tried are too small.
Recommendation no_success(const Facts& facts, const std::string& what) {
  const ContenderResult* best = best_of(facts);
  if (facts.input->data_poor) {
    return recommend(
        VerdictKind::collect_data, best,
        fmt::format("Collect more data first: {}, and there are under 400 rows to learn and judge from.", what));
  }
  return recommend(VerdictKind::too_hard, best, fmt::format("Too hard for the small models tried: {}.", what));
}

Decided below_floor(const Facts& facts) {
  if (facts.beats_floor) return std::nullopt;
  Recommendation result = no_success(facts, fmt::format("nothing does better than {}", shown_name(facts.floor->name)));
  result.reasons.push_back(scored(*facts.floor, facts) + ".");
  for (const ContenderResult* contender : {facts.tuned, facts.untuned}) {
    if (contender != nullptr && contender != facts.floor) result.reasons.push_back(scored(*contender, facts) + ".");
  }
  result.reasons.push_back(
      "Check that the answers follow from the inputs at all: `hone data check` lists rows to look at.");
  return result;
}

Decided target_missed(const Facts& facts) {
  if (!facts.task->target) return std::nullopt;
  bool may_reach = false;
  for (const ContenderResult& contender : facts.input->contenders) {
    if (figure(contender, *facts.task).value >= *facts.task->target) return std::nullopt;
    may_reach = may_reach || figure(contender, *facts.task).high >= *facts.task->target;
  }
  Recommendation result = no_success(facts, fmt::format("no contender reaches the target of {} in {}",
                                                        points(*facts.task->target), metric_title(facts.task->metric)));
  result.reasons.push_back(facts.input->primary ? primary_text(facts) : scored(*best_of(facts), facts) + ".");
  if (may_reach)
    result.reasons.push_back("The target lies within an interval: with more test rows it may turn out reached.");
  return result;
}

Decided target_reached_untuned(const Facts& facts) {
  if (!facts.task->target || facts.untuned == nullptr) return std::nullopt;
  if (figure(*facts.untuned, *facts.task).low < *facts.task->target || too_slow(*facts.untuned, *facts.task)) {
    return std::nullopt;
  }
  auto result =
      recommend(verdict_by_kind(facts.untuned->kind), facts.untuned,
                fmt::format("{} is enough: it reaches the target of {} in {}.", shown_name(facts.untuned->name),
                            points(*facts.task->target), metric_title(facts.task->metric)));
  result.reasons.push_back(fmt::format("{}: the whole interval lies above the target.", scored(*facts.untuned, facts)));
  if (facts.input->primary) result.reasons.push_back(primary_text(facts));
  return result;
}

Decided nothing_tuned(const Facts& facts) {
  if (facts.tuned != nullptr && facts.input->primary) return std::nullopt;
  const ContenderResult* best = best_of(facts);
  auto result = recommend(
      VerdictKind::not_decidable, best,
      fmt::format("Not decidable yet: no model was fine-tuned. So far {} is the best.", shown_name(best->name)));
  result.reasons.push_back(scored(*best, facts) + ".");
  return result;
}

Decided tuned_better(const Facts& facts) {
  const bool better = facts.input->primary->verdict == eval::Verdict::a_better;
  const bool only_tuned_fast = too_slow(*facts.untuned, *facts.task) && !too_slow(*facts.tuned, *facts.task);
  const bool not_worse = facts.input->primary->verdict == eval::Verdict::equivalent;
  if (!better && !(only_tuned_fast && not_worse)) return std::nullopt;
  if (better && too_slow(*facts.tuned, *facts.task) && !too_slow(*facts.untuned, *facts.task)) return std::nullopt;
  auto result = recommend(VerdictKind::fine_tune, facts.tuned,
                          fmt::format("Fine-tune: {} is {}.", shown_name(facts.tuned->name),
                                      difference_text(facts.input->primary->difference, facts.untuned->name)));
  result.reasons = {primary_text(facts), rights_text(facts)};
  if (!better) {
    result.headline =
        fmt::format("Fine-tune: {} is as good as {} and keeps the latency limit, which {} does not.",
                    shown_name(facts.tuned->name), shown_name(facts.untuned->name), shown_name(facts.untuned->name));
  } else if (facts.input->primary->difference.value < facts.task->margin) {
    result.caveats.push_back(
        fmt::format("The gain is certain but smaller than your margin of {} points: {} may be enough.",
                    points(facts.task->margin), shown_name(facts.untuned->name)));
  }
  return result;
}

Decided undecided(const Facts& facts) {
  const eval::Comparison& primary = *facts.input->primary;
  if (primary.verdict != eval::Verdict::undecided) return std::nullopt;
  const bool ahead = primary.difference.value >= facts.task->margin;
  if (!ahead && !facts.input->data_poor) return std::nullopt;
  auto result = recommend(VerdictKind::not_decidable, facts.untuned,
                          fmt::format("Not decidable with this much data: {} is {}.", shown_name(facts.tuned->name),
                                      difference_text(primary.difference, facts.untuned->name)));
  result.reasons = {primary_text(facts), smallest_text(facts), rights_text(facts)};
  result.reasons.push_back(
      fmt::format("Until more rows decide it, {} is the cheaper choice.", shown_name(facts.untuned->name)));
  return result;
}

// A contender that is at least ten times faster than the best untuned one, which is not shown to be better than it and
// is ahead by less than the margin. The best such by validation, or null.
const ContenderResult* faster_as_good(const Facts& facts) {
  constexpr double much = 10;
  const ContenderResult* found = nullptr;
  const auto validated = [&](const ContenderResult& contender) {
    const auto it = contender.validation_metrics.named.find(facts.task->metric);
    return it == contender.validation_metrics.named.end() ? 0 : it->second.value;
  };
  for (const ContenderResult& contender : facts.input->contenders) {
    if (contender.is_tuned() || is_floor(contender) || contender.latency.n == 0) continue;
    if (contender.latency.p50_ms * much > facts.untuned->latency.p50_ms) continue;
    const auto comparison = eval::compare(facts.untuned->test, contender.test, *facts.task, facts.task->seed);
    if (!comparison || comparison->verdict == eval::Verdict::a_better) continue;
    if (comparison->difference.value >= facts.task->margin) continue;
    if (found == nullptr || validated(contender) > validated(*found)) found = &contender;
  }
  return found;
}

// `faster` instead of the best untuned contender, with why.
void use_faster(const Facts& facts, const ContenderResult& faster, Recommendation& result) {
  const auto comparison =
      value_or_throw(eval::compare(facts.untuned->test, faster.test, *facts.task, facts.task->seed));
  const std::string dear = shown_name(facts.untuned->name);
  result.verdict = verdict_by_kind(faster.kind);
  result.use = faster.name;
  result.headline =
      fmt::format("{} is enough: {} is not shown to be better and takes {:.0f} times as long.", shown_name(faster.name),
                  dear, facts.untuned->latency.p50_ms / std::max(faster.latency.p50_ms, 1e-3));
  result.reasons.push_back(fmt::format("{} is {}.", dear, difference_text(comparison.difference, faster.name)));
  std::rotate(result.reasons.begin(), result.reasons.end() - 1, result.reasons.end());
}

Recommendation untuned_enough(const Facts& facts) {
  const std::string use = shown_name(facts.untuned->name);
  const std::string tuned = shown_name(facts.tuned->name);
  const eval::Verdict primary = facts.input->primary->verdict;
  const std::string why = primary == eval::Verdict::a_better     ? "is better but too slow for your latency limit"
                          : primary == eval::Verdict::b_better   ? "is worse"
                          : primary == eval::Verdict::equivalent ? "is no better, within your margin"
                                                                 : "is not shown to be better";
  const VerdictKind verdict = verdict_by_kind(facts.untuned->kind);
  std::string headline;
  if (verdict == VerdictKind::keep_prompting) {
    headline = fmt::format("Keep prompting ({}): {} {}.", use, tuned, why);
  } else if (verdict == VerdictKind::retrieve) {
    headline = fmt::format("Retrieve ({}): {} {}.", use, tuned, why);
  } else {
    headline = fmt::format("{} is enough: {} {}.", use, tuned, why);
  }
  auto result = recommend(verdict, facts.untuned, std::move(headline));
  result.reasons = {primary_text(facts), rights_text(facts)};
  if (primary == eval::Verdict::undecided) result.reasons.push_back(smallest_text(facts));
  if (const ContenderResult* faster = faster_as_good(facts)) use_faster(facts, *faster, result);
  return result;
}

void add_speed(const Facts& facts, Recommendation& result) {
  const ContenderResult* use = named(*facts.input, result.use);
  if (use == nullptr || use->latency.n == 0) return;
  std::string line = fmt::format("{} answers in {} (half of all requests) to {} (95 of 100)", shown_name(use->name),
                                 milliseconds_text(use->latency.p50_ms), milliseconds_text(use->latency.p95_ms));
  if (use->usd_per_million > 0) line += fmt::format("; a million requests cost about {}", usd(use->usd_per_million));
  result.reasons.push_back(line + ".");
  if (too_slow(*use, *facts.task)) {
    result.caveats.push_back(
        fmt::format("That is slower than your limit of {}.", milliseconds_text(*facts.task->circumstances.latency_ms)));
  }
}

// Hone has tried no large model here, so it says so wherever a reader could take the verdict for an answer about one.
void add_large_model_caveat(const Facts& facts, Recommendation& result) {
  std::string line =
      "No large model was among the contenders, so this says nothing about prompting one: Hone cannot prompt an API "
      "model "
      "yet, `hone prompt` is where that will come.";
  if (facts.task->circumstances.is_private)
    line += " The task is private as well: its rows must not leave the machine.";
  const Price* price = find_price(facts.input->prices, facts.task->circumstances.compare_price);
  const auto size = request_size(*facts.input);
  if (price != nullptr && size) {
    line += fmt::format(
        " At {:.0f} prompt and {:.0f} answer tokens a request {} would cost {} for a million requests (price "
        "of {}, checked {}).",
        size->prompt_tokens, size->completion_tokens, price->id,
        usd(api_usd_per_million(*price, size->prompt_tokens, size->completion_tokens)), price->effective_from,
        price->checked);
  } else if (price != nullptr) {
    line +=
        fmt::format(" {} costs {} for a million tokens read and {} for a million written (price of {}, checked {}).",
                    price->id, usd(price->input), usd(price->output), price->effective_from, price->checked);
  }
  result.caveats.push_back(std::move(line));
}

void add_few_rows_caveat(const Facts& facts, Recommendation& result) {
  if (facts.input->data_poor && facts.input->primary) {
    const std::string line = smallest_text(facts);
    if (std::find(result.reasons.begin(), result.reasons.end(), line) == result.reasons.end()) {
      result.caveats.push_back("Under 400 rows in all: " + line);
    }
  }
  constexpr std::size_t few = 150;
  if (facts.input->test_rows == 0 || facts.input->test_rows >= few) return;
  result.caveats.push_back(
      fmt::format("Only {} test rows: {} or more make the figures steadier.", facts.input->test_rows, few));
}

Recommendation by_rules(const Facts& facts) {
  for (const auto rule :
       {nothing_measured, below_floor, target_missed, target_reached_untuned, nothing_tuned, tuned_better, undecided}) {
    if (Decided decided = rule(facts)) return std::move(*decided);
  }
  return untuned_enough(facts);
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
  add_few_rows_caveat(facts, result);
  result.break_even = break_even_of(input);
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
