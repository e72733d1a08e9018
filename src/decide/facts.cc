#include "decide/facts.h"

#include "decide/wording.h"

namespace hone::decide {
namespace {

using eval::ContenderKind;
using eval::ContenderResult;

constexpr double least_share = 0.05;  // of rows that two contenders disagree on: fewer are not counted on

// Better than the floor by the comparison that was made of the two; where none was, by the intervals.
bool beats(const DecisionInput& input, const ContenderResult& contender, const ContenderResult& floor) {
  if (is_floor(contender)) return false;
  if (const auto comparison = compared(input, contender.name, floor.name)) {
    return comparison->verdict == eval::Verdict::a_better;
  }
  return eval::beyond_guessing(contender.test_metrics) && eval::beyond_guessing(contender.validation_metrics) &&
         figure(contender, *input.task).low > figure(floor, *input.task).value;
}

}  // namespace

const ContenderResult* contender_named(const DecisionInput& input, const std::string& name) {
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

bool too_slow(const ContenderResult& contender, const data::Task& task) {
  const std::optional<double> limit = task.circumstances.latency_ms;
  return limit && contender.latency.n > 0 && contender.latency.p95_ms > *limit;
}

Leaders leaders_of(const std::vector<ContenderResult>& contenders, const data::Task& task) {
  const auto first = [&](const auto& wanted) {
    const auto it = std::find_if(contenders.begin(), contenders.end(), wanted);
    return it == contenders.end() ? std::string() : it->name;
  };
  const auto leader = [&](const auto& is_of) {
    const std::string fast = first([&](const ContenderResult& c) { return is_of(c) && !too_slow(c, task); });
    return fast.empty() ? first(is_of) : fast;
  };
  return {.tuned = leader([](const ContenderResult& c) { return c.is_tuned(); }),
          .untuned = leader([](const ContenderResult& c) { return !c.is_tuned(); })};
}

Facts facts_of(const DecisionInput& input) {
  HONE_CHECK(input.task != nullptr);
  Facts facts{.input = &input, .task = input.task};
  facts.tuned = input.best_tuned.empty() ? nullptr : contender_named(input, input.best_tuned);
  facts.untuned = input.best_untuned.empty() ? nullptr : contender_named(input, input.best_untuned);
  for (const ContenderResult& contender : input.contenders) {
    if (is_floor(contender)) facts.floor = &contender;
  }
  if (facts.floor != nullptr) {
    const auto above = [&](const ContenderResult* contender) {
      return contender != nullptr && beats(input, *contender, *facts.floor);
    };
    facts.beats_floor = above(facts.tuned) || above(facts.untuned);
  }
  return facts;
}

const ContenderResult* best_of(const Facts& facts) {
  for (const ContenderResult& contender : facts.input->contenders) {
    if (&contender == facts.tuned || &contender == facts.untuned) return &contender;
  }
  return nullptr;
}

const ContenderResult* faster_candidate(const Facts& facts) {
  constexpr double much = 10;
  if (facts.untuned == nullptr || facts.untuned->latency.n == 0) return nullptr;
  for (const ContenderResult& contender : facts.input->contenders) {
    if (contender.is_tuned() || is_floor(contender) || contender.latency.n == 0) continue;
    if (too_slow(contender, *facts.task)) continue;
    if (contender.latency.p50_ms * much <= facts.untuned->latency.p50_ms) return &contender;
  }
  return nullptr;
}

std::optional<eval::Comparison> compared(const DecisionInput& input, const std::string& a, const std::string& b) {
  if (input.primary && a == input.best_tuned && b == input.best_untuned) return input.primary;
  if (input.primary && b == input.best_tuned && a == input.best_untuned) return eval::mirrored(*input.primary);
  return eval::find_comparison(input.comparisons, a, b);
}

std::vector<std::pair<std::string, std::string>> compared_pairs(const DecisionInput& input) {
  const Facts facts = facts_of(input);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const ContenderResult* leader : {facts.tuned, facts.untuned}) {
    if (leader != nullptr && facts.floor != nullptr && !is_floor(*leader))
      pairs.emplace_back(leader->name, facts.floor->name);
  }
  if (const ContenderResult* faster = faster_candidate(facts)) pairs.emplace_back(facts.untuned->name, faster->name);
  return pairs;
}

double smallest_shown(const Facts& facts) {
  constexpr double power_over_width = 2.80 / 3.92;
  const auto& primary = facts.input->primary;
  if (!primary || primary->groups == 0) return eval::smallest_detectable(least_share, facts.input->test_rows);
  const double seen = power_over_width * (primary->difference.high - primary->difference.low);
  if (facts.task->metric == "chrf") return std::min(1.0, seen);  // not a share of rows
  const double share = static_cast<double>(primary->different_groups) / static_cast<double>(primary->groups);
  return std::clamp(seen, eval::smallest_detectable(std::max(share, least_share), primary->groups), 1.0);
}

std::string scored(const ContenderResult& contender, const Facts& facts) {
  return fmt::format("{} scores {} in {}", shown_name(contender.name), points_text(figure(contender, *facts.task)),
                     metric_title(facts.task->metric));
}

std::string difference_text(const eval::Comparison& comparison, const std::string& other) {
  const eval::Interval& difference = comparison.difference;
  const bool ahead = difference.value >= 0;
  const double low = ahead ? difference.low : -difference.high;
  const double high = ahead ? difference.high : -difference.low;
  const std::string size = points(std::abs(difference.value));
  const char* side = ahead ? "ahead" : "behind";
  const bool is_certain =
      comparison.verdict == eval::Verdict::a_better || comparison.verdict == eval::Verdict::b_better;
  if (is_certain) {
    return fmt::format("{} points {} than {} (95 %: between {} and {})", size, ahead ? "better" : "worse",
                       shown_name(other), points(low), points(high));
  }
  const std::string from = low >= 0 ? points(low) : fmt::format("{} {}", points(-low), ahead ? "behind" : "ahead");
  return fmt::format("{} points {} {}, somewhere from {} to {} {} (95 %)", size, ahead ? "ahead of" : "behind",
                     shown_name(other), from, points(high), side);
}

std::string smallest_text(const Facts& facts) {
  const double shown = smallest_shown(facts);
  const std::string smallest = points(shown);
  const std::size_t groups = facts.input->primary ? facts.input->primary->groups : facts.input->test_rows;
  if (!facts.input->primary || shown <= eval::smallest_detectable(least_share, groups)) {
    return fmt::format(
        "{} test rows show differences of about {} points or more, and that only where two contenders disagree on no "
        "more than 5 of 100 rows.",
        facts.input->test_rows, smallest);
  }
  const eval::Comparison& primary = *facts.input->primary;
  return fmt::format("As {} and {} answer {} of {} test rows differently, a difference shows from about {} points on.",
                     shown_name(facts.tuned->name), shown_name(facts.untuned->name), primary.different, primary.n,
                     smallest);
}

std::string primary_text(const Facts& facts) {
  return fmt::format("{}; it is {}.", scored(*facts.tuned, facts),
                     difference_text(*facts.input->primary, facts.untuned->name));
}

std::string rights_text(const Facts& facts) {
  const eval::Comparison& primary = *facts.input->primary;
  std::string text =
      fmt::format("Of {} test rows, {} alone is right on {}, {} alone on {}.", primary.n, shown_name(facts.tuned->name),
                  primary.only_a_right, shown_name(facts.untuned->name), primary.only_b_right);
  if (!primary.note.empty()) text += " " + primary.note;
  return text;
}

}  // namespace hone::decide
