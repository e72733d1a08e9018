#include "report/figures.h"

namespace hone::report {

eval::Interval figure_of(const eval::ContenderResult& contender, const data::Task& task) {
  const auto it = contender.test_metrics.named.find(task.metric);
  return it == contender.test_metrics.named.end() ? eval::Interval{} : it->second;
}

std::optional<eval::Interval> difference_to_best(const ReportInput& input, const eval::ContenderResult& contender) {
  const eval::ContenderResult& best = input.contenders.front();
  if (&contender == &best || contender.name == best.name) return std::nullopt;
  for (const NamedComparison& named : input.comparisons) {
    const eval::Interval& d = named.comparison.difference;
    if (named.a == contender.name && named.b == best.name) return d;
    if (named.b == contender.name && named.a == best.name) return eval::Interval{-d.value, -d.high, -d.low};
  }
  const auto comparison = eval::compare(contender.test, best.test, *input.task, input.task->seed);
  if (!comparison) return std::nullopt;
  return comparison->difference;
}

std::vector<const eval::ContenderResult*> leaders(const ReportInput& input) {
  const eval::ContenderResult* tuned = nullptr;
  const eval::ContenderResult* untuned = nullptr;
  for (const eval::ContenderResult& contender : input.contenders) {
    if (contender.is_tuned()) {
      if (tuned == nullptr) tuned = &contender;
    } else if (contender.kind != eval::ContenderKind::majority && contender.kind != eval::ContenderKind::copy) {
      if (untuned == nullptr) untuned = &contender;
    }
  }
  std::vector<const eval::ContenderResult*> found;
  if (tuned != nullptr) found.push_back(tuned);
  if (untuned != nullptr) found.push_back(untuned);
  return found;
}

std::string headline_after_verdict(const decide::Recommendation& recommendation) {
  const std::string& headline = recommendation.headline;
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  };
  std::string verdict = decide::name_of(recommendation.verdict);
  if (verdict.starts_with("a ")) verdict = verdict.substr(2);
  const std::size_t colon = headline.find(": ");
  if (colon == std::string::npos || !lower(headline.substr(0, colon)).starts_with(verdict)) return headline;
  std::string rest = headline.substr(colon + 2);
  if (!rest.empty() && rest[0] >= 'a' && rest[0] <= 'z') rest[0] = static_cast<char>(rest[0] - 'a' + 'A');
  return rest;
}

std::string of_hundred(double share) {
  const double percent = 100 * share;
  const std::string whole = fmt::format("{:.0f}", percent);
  const bool rounds_away = (whole == "0" && share > 0) || (whole == "100" && share < 1);
  return rounds_away ? fmt::format("{:.1f}", std::clamp(percent, 0.1, 99.9)) : whole;
}

std::optional<Alarms> alarms_of(const eval::ContenderResult& contender, const data::Task& task) {
  if (task.kind != data::Kind::classify || task.positive.empty() || contender.test.empty()) return std::nullopt;
  Alarms alarms;
  for (const eval::ScoredRow& row : contender.test) {
    const bool alarmed = !row.failed && row.answer == task.positive;
    if (row.gold == task.positive) {
      ++alarms.harmful;
      alarms.missed += alarmed ? 0 : 1;
    } else {
      ++alarms.harmless;
      alarms.false_alarms += alarmed ? 1 : 0;
    }
  }
  return alarms;
}

}  // namespace hone::report
