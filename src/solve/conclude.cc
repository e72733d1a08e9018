#include "solve/conclude.h"

#include <algorithm>
#include <set>

#include "base/clock.h"

namespace hone::solve {
namespace {

const eval::ContenderResult* best_of(const std::vector<eval::ContenderResult>& contenders, const data::Task& task,
                                     const std::function<bool(const eval::ContenderResult&)>& wanted) {
  const eval::ContenderResult* best = nullptr;
  for (const auto& contender : contenders) {
    if (!wanted(contender)) continue;
    if (best == nullptr || validation_metric(contender, task) > validation_metric(*best, task)) best = &contender;
  }
  return best;
}

void fill_prices(std::vector<eval::ContenderResult>& contenders, const decide::PriceList& prices) {
  constexpr double utilisation = 0.3;
  for (auto& contender : contenders) {
    contender.usd_per_million =
        decide::local_usd_per_million(contender.latency.p50_ms, prices.cpu_usd_per_month, utilisation);
  }
}

std::vector<report::NamedComparison> other_comparisons(const std::vector<eval::ContenderResult>& contenders,
                                                       const eval::ContenderResult& best,
                                                       const std::set<std::string>& primary, const data::Task& task) {
  std::vector<report::NamedComparison> others;
  std::vector<double> p;
  for (const auto& contender : contenders) {
    if (contender.name == best.name || primary == std::set{contender.name, best.name}) continue;
    auto comparison = value_or_throw(eval::compare(contender.test, best.test, task, task.seed));
    p.push_back(comparison.p);
    others.push_back(
        {.a = contender.name, .b = best.name, .comparison = std::move(comparison), .adjusted_p = 1, .primary = false});
  }
  const std::vector<double> adjusted = eval::holm(p);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i].adjusted_p = adjusted[i];
    // A difference that does not survive the adjustment is not called one.
    auto& verdict = others[i].comparison.verdict;
    if ((verdict == eval::Verdict::a_better || verdict == eval::Verdict::b_better) && adjusted[i] > 0.05) {
      verdict = eval::Verdict::undecided;
    }
  }
  return others;
}

}  // namespace

double validation_metric(const eval::ContenderResult& result, const data::Task& task) {
  const auto found = result.validation_metrics.named.find(task.metric);
  return found == result.validation_metrics.named.end() ? 0 : found->second.value;
}

Conclusion conclude(const Workspace& workspace, ConcludeInput input) {
  const data::Task& task = workspace.task;
  const decide::PriceList prices = decide::built_in_prices();
  fill_prices(input.contenders, prices);
  std::stable_sort(input.contenders.begin(), input.contenders.end(), [&](const auto& a, const auto& b) {
    return validation_metric(a, task) > validation_metric(b, task);
  });
  Conclusion conclusion;
  const auto* tuned = best_of(input.contenders, task, [](const auto& c) { return c.is_tuned(); });
  const auto* untuned = best_of(input.contenders, task, [](const auto& c) { return !c.is_tuned(); });
  std::set<std::string> primary;
  if (tuned != nullptr) conclusion.best_tuned = tuned->name;
  if (untuned != nullptr) conclusion.best_untuned = untuned->name;
  if (tuned != nullptr && untuned != nullptr) {
    conclusion.primary = value_or_throw(eval::compare(tuned->test, untuned->test, task, task.seed));
    primary = {tuned->name, untuned->name};
    conclusion.report.comparisons.push_back({.a = tuned->name,
                                             .b = untuned->name,
                                             .comparison = *conclusion.primary,
                                             .adjusted_p = conclusion.primary->p,
                                             .primary = true});
  }
  if (!input.contenders.empty()) {
    conclusion.best = input.contenders.front().name;
    for (auto& other : other_comparisons(input.contenders, input.contenders.front(), primary, task)) {
      conclusion.report.comparisons.push_back(std::move(other));
    }
  }
  const std::size_t rows =
      workspace.split.train.size() + workspace.split.validation.size() + workspace.split.test.size();
  auto& out = conclusion.report;
  out.recommendation = decide::choose({.task = &task,
                                       .contenders = input.contenders,
                                       .test_rows = workspace.split.test.size(),
                                       .primary = conclusion.primary,
                                       .best_tuned = conclusion.best_tuned,
                                       .best_untuned = conclusion.best_untuned,
                                       .data_poor = rows < 400,
                                       .prices = prices,
                                       .today = workspace.today});
  out.task = &task;
  out.title = task.name;
  out.made = utc_now();
  out.facts = std::move(input.facts);
  out.contenders = std::move(input.contenders);
  out.findings = std::move(input.findings);
  out.curves = std::move(input.curves);
  std::set<std::string> known;
  for (const auto& row : workspace.split.train) {
    if (!row.source.empty()) known.insert(row.source);
  }
  out.known_sources.assign(known.begin(), known.end());
  return conclusion;
}

}  // namespace hone::solve
