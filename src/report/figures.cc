#include "report/figures.h"

#include "base/terminal.h"

namespace hone::report {

eval::Interval figure_of(const eval::ContenderResult& contender, const data::Task& task) {
  const auto it = contender.test_metrics.named.find(task.metric);
  return it == contender.test_metrics.named.end() ? eval::Interval{} : it->second;
}

std::optional<eval::Interval> difference_to_best(const ReportInput& input, const eval::ContenderResult& contender) {
  const eval::ContenderResult& best = input.contenders.front();
  if (!contender.unranked.empty() || !best.unranked.empty()) return std::nullopt;
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
  const auto is_floor = [](const eval::ContenderResult& contender) {
    return contender.kind == eval::ContenderKind::majority || contender.kind == eval::ContenderKind::copy;
  };
  const eval::ContenderResult* tuned = nullptr;
  const eval::ContenderResult* untuned = nullptr;
  const auto take = [&](const eval::ContenderResult& contender) {
    const eval::ContenderResult*& place = contender.is_tuned() ? tuned : untuned;
    if (place == nullptr && !is_floor(contender) && contender.unranked.empty()) place = &contender;
  };
  // Those of the declared comparison go first: a latency limit may have kept a better one out of it.
  for (const NamedComparison& named : input.comparisons) {
    for (const eval::ContenderResult& contender : input.contenders) {
      if (named.primary && (contender.name == named.a || contender.name == named.b)) take(contender);
    }
  }
  for (const eval::ContenderResult& contender : input.contenders) take(contender);
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

std::string between_text(const eval::Interval& share) {
  return fmt::format("between {} and {}", of_hundred(share.low), of_hundred(share.high));
}

namespace {

// Whether what carries this label is to be kept out, so that an alarm blocks it.
bool blocks(const std::string& label) {
  std::string lower = label;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const char* sign :
       {"malic", "harm", "attack", "inject", "jailbreak", "spam",   "toxic", "unsafe", "abus",   "fraud",
        "phish", "hate", "threat", "danger", "malware",   "offens", "scam",  "nsfw",   "violat", "block"}) {
    if (lower.find(sign) != std::string::npos && lower.find("harmless") == std::string::npos) return true;
  }
  return false;
}

AlarmFigure alarm_figure(std::size_t count, std::size_t of, std::string what) {
  return {.share = eval::wilson(count, of), .of = of, .what = std::move(what)};
}

}  // namespace

std::vector<AlarmFigure> alarm_figures(const eval::ContenderResult& contender, const data::Task& task) {
  const auto alarms = alarms_of(contender, task);
  if (!alarms) return {};
  const std::string positive = printable(task.positive);
  const bool is_guard = blocks(task.positive);
  std::vector<AlarmFigure> figures;
  if (alarms->harmless > 0) {
    figures.push_back(alarm_figure(alarms->false_alarms, alarms->harmless,
                                   is_guard ? "harmless ones blocked" : "other ones taken for " + positive));
  }
  if (alarms->harmful > 0) {
    figures.push_back(
        alarm_figure(alarms->missed, alarms->harmful, positive + (is_guard ? " ones let through" : " ones missed")));
  }
  return figures;
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
