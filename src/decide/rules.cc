#include "decide/rules.h"

#include "base/shell.h"
#include "decide/cost.h"
#include "decide/wording.h"

namespace hone::decide {
namespace {

using eval::ContenderKind;
using eval::ContenderResult;
using eval::Verdict;

using Decided = std::optional<Recommendation>;

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

Recommendation recommend(VerdictKind verdict, const ContenderResult* use, std::string headline) {
  Recommendation result;
  result.verdict = verdict;
  result.use = use != nullptr ? use->name : "";
  result.headline = std::move(headline);
  return result;
}

// "Keep prompting (few-shot): WHY", "Retrieve (kNN): WHY", "plain classifier is enough: WHY".
Recommendation enough(const ContenderResult& use, const std::string& why) {
  const VerdictKind verdict = verdict_by_kind(use.kind);
  const std::string name = shown_name(use.name);
  const std::string headline = verdict == VerdictKind::keep_prompting
                                   ? fmt::format("Keep prompting ({}): {}.", name, why)
                               : verdict == VerdictKind::retrieve ? fmt::format("Retrieve ({}): {}.", name, why)
                                                                  : fmt::format("{} is enough: {}.", name, why);
  return recommend(verdict, &use, headline);
}

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
        fmt::format("Collect data first: {}, and there are under 400 rows to learn and judge from.", what));
  }
  return recommend(VerdictKind::too_hard, best, fmt::format("Too hard for the small models tried: {}.", what));
}

Decided below_floor(const Facts& facts) {
  if (facts.beats_floor) return std::nullopt;
  Recommendation result =
      no_success(facts, fmt::format("nothing is shown to do better than {}", shown_name(facts.floor->name)));
  result.reasons.push_back(scored(*facts.floor, facts) + ".");
  for (const ContenderResult* contender : {facts.tuned, facts.untuned}) {
    if (contender == nullptr || contender == facts.floor) continue;
    std::string line = scored(*contender, facts) + ".";
    const auto comparison = compared(*facts.input, contender->name, facts.floor->name);
    if (comparison && !comparison->note.empty()) line += " " + comparison->note;
    result.reasons.push_back(std::move(line));
  }
  const std::string& folder = facts.input->folder;
  result.reasons.push_back(
      fmt::format("Check that the answers follow from the inputs at all: `hone data check {}` lists rows to look at.",
                  shell_word(folder.empty() ? "." : folder)));
  return result;
}

bool reaches(const ContenderResult* contender, const Facts& facts) {
  return contender != nullptr && figure(*contender, *facts.task).value >= *facts.task->target;
}

bool surely_reaches(const ContenderResult* contender, const Facts& facts) {
  return contender != nullptr && figure(*contender, *facts.task).low >= *facts.task->target;
}

Decided target_missed(const Facts& facts) {
  if (!facts.task->target || reaches(facts.tuned, facts) || reaches(facts.untuned, facts)) return std::nullopt;
  const char* who = facts.tuned != nullptr && facts.untuned != nullptr ? "neither of the best two contenders reaches"
                                                                       : "the best contender does not reach";
  Recommendation result = no_success(facts, fmt::format("{} the target of {} in {}", who, points(*facts.task->target),
                                                        metric_title(facts.task->metric)));
  result.reasons.push_back(facts.input->primary ? primary_text(facts) : scored(*best_of(facts), facts) + ".");
  const auto may_reach = [&](const ContenderResult* contender) {
    return contender != nullptr && figure(*contender, *facts.task).high >= *facts.task->target;
  };
  if (may_reach(facts.tuned) || may_reach(facts.untuned))
    result.reasons.push_back("The target lies within an interval: with more test rows it may turn out reached.");
  return result;
}

Decided target_reached_untuned(const Facts& facts) {
  if (!facts.task->target || !surely_reaches(facts.untuned, facts) || too_slow(*facts.untuned, *facts.task)) {
    return std::nullopt;
  }
  auto result = enough(*facts.untuned, fmt::format("it reaches the target of {} in {}", points(*facts.task->target),
                                                   metric_title(facts.task->metric)));
  result.reasons.push_back(fmt::format("{}: the whole interval lies above the target.", scored(*facts.untuned, facts)));
  if (facts.input->primary) result.reasons.push_back(primary_text(facts));
  return result;
}

Decided nothing_tuned(const Facts& facts) {
  if (facts.tuned != nullptr && facts.untuned != nullptr && facts.input->primary) return std::nullopt;
  const ContenderResult* best = best_of(facts);
  auto result = recommend(
      VerdictKind::not_decidable, best,
      fmt::format("Not decidable yet: {}. So far {} is the best.",
                  facts.tuned == nullptr ? "no model was fine-tuned" : "there is nothing to compare the tuned one with",
                  shown_name(best->name)));
  result.reasons.push_back(scored(*best, facts) + ".");
  return result;
}

// Of the two leaders one keeps the latency limit and the other, with all of its sort, does not.
Decided one_is_fast_enough(const Facts& facts) {
  const bool tuned_slow = too_slow(*facts.tuned, *facts.task);
  if (tuned_slow == too_slow(*facts.untuned, *facts.task)) return std::nullopt;
  const std::string tuned = shown_name(facts.tuned->name);
  Recommendation result;
  if (tuned_slow) {
    const char* how = facts.input->primary->verdict == Verdict::a_better
                          ? "is better but too slow for your latency limit"
                          : "is too slow for your latency limit";
    result = enough(*facts.untuned, fmt::format("{} {}", tuned, how));
  } else {
    result =
        recommend(VerdictKind::fine_tune, facts.tuned,
                  fmt::format("Fine-tune: {} keeps your latency limit, which no other contender of use does.", tuned));
  }
  result.reasons = {primary_text(facts), rights_text(facts)};
  return result;
}

// What to use while nothing is decided: the one that took no training, unless the other alone reaches the target.
const ContenderResult* stopgap(const Facts& facts) {
  const bool tuned_alone = facts.task->target && reaches(facts.tuned, facts) && !reaches(facts.untuned, facts);
  return tuned_alone ? facts.tuned : facts.untuned;
}

Recommendation not_decidable(const Facts& facts) {
  const ContenderResult* use = stopgap(facts);
  auto result = recommend(VerdictKind::not_decidable, use,
                          fmt::format("Not decidable with this much data: {} is {}.", shown_name(facts.tuned->name),
                                      difference_text(*facts.input->primary, facts.untuned->name)));
  result.reasons = {primary_text(facts), smallest_text(facts), rights_text(facts)};
  result.reasons.push_back(
      use == facts.tuned ? fmt::format("Until more rows decide it, {} is used: by its figure it alone reaches "
                                       "your target.",
                                       shown_name(use->name))
                         : fmt::format("Until more rows decide it, {} is the cheaper choice: it takes no training.",
                                       shown_name(use->name)));
  return result;
}

// Under 400 rows nothing is said of differences that so few rows cannot show.
Decided too_few_rows(const Facts& facts) {
  if (!facts.input->data_poor) return std::nullopt;
  const eval::Comparison& primary = *facts.input->primary;
  const double smallest = smallest_shown(facts);
  const bool is_decided = primary.verdict == Verdict::undecided    ? false
                          : primary.verdict == Verdict::equivalent ? smallest <= facts.task->margin
                                                                   : std::abs(primary.difference.value) >= smallest;
  if (is_decided) return std::nullopt;
  return not_decidable(facts);
}

// The tuned one reaches the target by its figure, the untuned one does not.
Decided target_reached_tuned(const Facts& facts) {
  if (!facts.task->target || !reaches(facts.tuned, facts) || reaches(facts.untuned, facts)) return std::nullopt;
  if (facts.input->primary->verdict == Verdict::a_better) return std::nullopt;
  if (!surely_reaches(facts.tuned, facts)) return not_decidable(facts);
  auto result = recommend(
      VerdictKind::fine_tune, facts.tuned,
      fmt::format("Fine-tune: {} reaches the target of {} in {}, {} does not.", shown_name(facts.tuned->name),
                  points(*facts.task->target), metric_title(facts.task->metric), shown_name(facts.untuned->name)));
  result.reasons = {primary_text(facts), rights_text(facts)};
  return result;
}

Decided tuned_better(const Facts& facts) {
  const eval::Comparison& primary = *facts.input->primary;
  if (primary.verdict != Verdict::a_better) return std::nullopt;
  auto result = recommend(VerdictKind::fine_tune, facts.tuned,
                          fmt::format("Fine-tune: {} is {}.", shown_name(facts.tuned->name),
                                      difference_text(primary, facts.untuned->name)));
  result.reasons = {primary_text(facts), rights_text(facts)};
  if (primary.difference.value < facts.task->margin) {
    result.caveats.push_back(
        fmt::format("The gain is certain but may be smaller than your margin of {} points: {} may be enough.",
                    points(facts.task->margin), shown_name(facts.untuned->name)));
  }
  return result;
}

// As good as a model that is paid by the token, and cheaper at the volume that the task names.
Decided tuned_cheaper(const Facts& facts) {
  if (facts.untuned->kind != ContenderKind::api || facts.input->primary->verdict != Verdict::equivalent) {
    return std::nullopt;
  }
  const auto bill = bill_of(*facts.input, facts.tuned);
  if (!bill || bill->own_usd >= bill->api_usd) return std::nullopt;
  auto result = recommend(
      VerdictKind::fine_tune, facts.tuned,
      fmt::format(
          "Fine-tune: {} is as good as {}, within your margin, and costs {} a month at your volume instead of {}.",
          shown_name(facts.tuned->name), shown_name(facts.untuned->name), usd(bill->own_usd), usd(bill->api_usd)));
  result.reasons = {primary_text(facts), rights_text(facts)};
  return result;
}

Decided undecided(const Facts& facts) {
  const eval::Comparison& primary = *facts.input->primary;
  if (primary.verdict != Verdict::undecided || primary.difference.value < facts.task->margin) return std::nullopt;
  return not_decidable(facts);
}

// A contender ten times faster that is shown to be as good as the best untuned one takes its place; where the rows
// cannot show it, it is named.
void consider_faster(const Facts& facts, Recommendation& result) {
  const ContenderResult* faster = faster_candidate(facts);
  if (faster == nullptr || facts.input->data_poor) return;
  if (facts.task->target && !reaches(faster, facts) && reaches(facts.untuned, facts)) return;
  const auto comparison = compared(*facts.input, facts.untuned->name, faster->name);
  if (!comparison || comparison->verdict == Verdict::a_better) return;
  const std::string dear = shown_name(facts.untuned->name);
  const double times = facts.untuned->latency.p50_ms / std::max(faster->latency.p50_ms, 1e-3);
  const std::string difference = fmt::format("{} is {}.", dear, difference_text(*comparison, faster->name));
  if (comparison->verdict == Verdict::undecided) {
    result.caveats.push_back(fmt::format("{} answers {:.0f} times as fast. Which of the two is better is undecided: {}",
                                         shown_name(faster->name), times, difference));
    return;
  }
  const Recommendation instead =
      enough(*faster, fmt::format("{} is no better{} and takes {:.0f} times as long", dear,
                                  comparison->verdict == Verdict::equivalent ? ", within your margin," : "", times));
  result.verdict = instead.verdict;
  result.use = instead.use;
  result.headline = instead.headline;
  result.reasons.insert(result.reasons.begin(), difference);
}

Recommendation untuned_enough(const Facts& facts) {
  const Verdict primary = facts.input->primary->verdict;
  const char* why = primary == Verdict::b_better     ? "is worse"
                    : primary == Verdict::equivalent ? "is no better, within your margin"
                                                     : "is not shown to be better";
  auto result = enough(*facts.untuned, fmt::format("{} {}", shown_name(facts.tuned->name), why));
  result.reasons = {primary_text(facts), rights_text(facts)};
  if (primary == Verdict::undecided) result.reasons.push_back(smallest_text(facts));
  consider_faster(facts, result);
  return result;
}

}  // namespace

Recommendation by_rules(const Facts& facts) {
  for (const auto rule :
       {nothing_measured, below_floor, target_missed, target_reached_untuned, nothing_tuned, one_is_fast_enough,
        too_few_rows, target_reached_tuned, tuned_better, tuned_cheaper, undecided}) {
    if (Decided decided = rule(facts)) return std::move(*decided);
  }
  return untuned_enough(facts);
}

}  // namespace hone::decide
