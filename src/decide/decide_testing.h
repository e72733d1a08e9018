// Made-up contenders and what a decision is taken from, for the tests of decide/.
#pragma once

#include <numeric>

#include "base/rng.h"
#include "decide/decide.h"

namespace hone::decide {

using eval::ContenderKind;

inline data::Task guard_task() {
  data::Task task;
  task.labels = {"benign", "malicious"};
  task.positive = "malicious";
  task.metric = "macro_f1";
  return task;
}

// A contender that is right on the share `right` of `n` rows; which ones is drawn from `seed`, so two contenders
// differ.
inline eval::ContenderResult contender(const std::string& name, ContenderKind kind, double right, std::uint64_t seed,
                                       std::size_t n = 300) {
  const data::Task task = guard_task();
  eval::ContenderResult result;
  result.name = name;
  result.kind = kind;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(seed);
  rng.shuffle(order);
  const auto rights = static_cast<std::size_t>(std::lround(right * static_cast<double>(n)));
  for (std::size_t i = 0; i < n; ++i) {
    eval::ScoredRow row;
    row.id = std::to_string(i);
    row.gold = task.labels[i % 2];
    const bool is_right = order[i] < rights;
    row.answer = is_right ? row.gold : task.labels[1 - i % 2];
    if (kind == ContenderKind::majority) row.answer = "benign";
    result.test.push_back(row);
  }
  result.test_metrics = eval::measure(result.test, task, 1);
  if (kind == ContenderKind::prompted || kind == ContenderKind::tuned) {
    result.mean_prompt_tokens = 660;
    result.mean_completion_tokens = 25;
  }
  return result;
}

struct Situation {
  data::Task task = guard_task();
  DecisionInput input;

  Situation(eval::ContenderResult untuned, std::optional<eval::ContenderResult> tuned) {
    input.task = &task;
    input.prices = built_in_prices();
    input.today = "2026-11-24";
    input.test_rows = untuned.test.size();
    input.best_untuned = untuned.name;
    input.folder = "tasks/mine";
    input.trial = {.rows = 500, .prompt_tokens = 500 * 660, .completion_tokens = 500 * 25};
    input.contenders = {untuned, contender("majority class", ContenderKind::majority, 0.5, 1, untuned.test.size())};
    if (!tuned) return;
    input.best_tuned = tuned->name;
    input.primary = value_or_throw(eval::compare(tuned->test, untuned.test, task, 1));
    input.contenders.insert(input.contenders.begin(), *tuned);
  }
  Situation(const Situation&) = delete;
  // With the comparisons that the rules read.
  Recommendation decide() {
    input.comparisons.clear();
    for (const auto& [a, b] : compared_pairs(input)) {
      eval::NamedComparison named{.a = a, .b = b, .comparison = {}, .adjusted_p = 1, .primary = false};
      named.comparison = value_or_throw(eval::compare(of(a).test, of(b).test, task, 1));
      input.comparisons.push_back(std::move(named));
    }
    eval::adjust_for_number(input.comparisons);
    return choose(input);
  }
  eval::ContenderResult& of(const std::string& name) {
    return *std::find_if(input.contenders.begin(), input.contenders.end(),
                         [&](const auto& contender) { return contender.name == name; });
  }
};

inline bool mentions(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != line.npos; });
}

inline eval::ContenderResult plain(double right, std::size_t n = 300) {
  return contender("plain classifier", ContenderKind::ngram, right, 11, n);
}
inline eval::ContenderResult tuned(double right, std::size_t n = 300) {
  return contender("fine-tuned", ContenderKind::tuned, right, 12, n);
}

}  // namespace hone::decide
