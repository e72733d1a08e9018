#include "solve/conclude.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "data/normal_text.h"
#include "prompt/api_request.h"

namespace hone::solve {
namespace {

constexpr std::size_t few_rows = 400;

using eval::NamedComparison;
using Contenders = std::vector<eval::ContenderResult>;

const eval::ContenderResult& named(const Contenders& contenders, const std::string& name) {
  const auto it = std::find_if(contenders.begin(), contenders.end(), [&](const auto& c) { return c.name == name; });
  HONE_CHECK(it != contenders.end());
  return *it;
}

// What asking a large model for the validation and test rows would send; estimates, as `hone prompt` makes them.
decide::Trial trial_of(const Workspace& workspace) {
  const auto& task = workspace.task;
  const prompt::RequestMaker make(task, prompt::zero_shot(), {}, nullptr);
  const double answer = prompt::about_completion_tokens(task, workspace.split.train);
  decide::Trial trial;
  for (const auto* rows : {&workspace.split.validation, &workspace.split.test}) {
    trial.rows += rows->size();
    for (const auto& row : *rows) {
      trial.prompt_tokens += prompt::about_prompt_tokens(prompt::api_request(task, make, row));
      trial.completion_tokens += answer;
    }
  }
  return trial;
}

// "gpt-x at api.example.com", as a teacher is called, is gpt-x.
std::string model_named(const std::string& labels_by) {
  return data::folded_text(labels_by.substr(0, labels_by.find(" at ")));
}

// Whether the model that made a label is the contender's own. Contenders behind an API are called after their model.
bool is_of(const eval::ContenderResult& contender, const std::string& maker, const data::Task& task) {
  if (contender.kind == eval::ContenderKind::api) {
    return data::folded_text(contender.name.substr(0, contender.name.find(", "))) == maker;
  }
  if (contender.kind != eval::ContenderKind::prompted) return false;
  return data::folded_text(task.model) == maker || data::folded_text(Path(task.model).filename().string()) == maker;
}

// Says of each contender whose model made labels of the test why it is not ranked, and takes those out.
Contenders take_unranked(const Workspace& workspace, Contenders& contenders) {
  std::map<std::string, std::size_t> makers;
  for (const data::Row& row : workspace.split.test) {
    if (!row.labels_by.empty()) ++makers[model_named(row.labels_by)];
  }
  Contenders unranked;
  for (auto& contender : contenders) {
    std::size_t rows = 0;
    for (const auto& [maker, count] : makers) rows += is_of(contender, maker, workspace.task) ? count : 0;
    if (rows == 0) continue;
    contender.unranked = fmt::format("its model made {} of the {} test labels", rows, workspace.split.test.size());
  }
  std::copy_if(contenders.begin(), contenders.end(), std::back_inserter(unranked),
               [](const auto& contender) { return !contender.unranked.empty(); });
  std::erase_if(contenders, [](const auto& contender) { return !contender.unranked.empty(); });
  return unranked;
}

// Every comparison once, whichever way round it is asked for.
class Comparisons {
 public:
  Comparisons(const Contenders& contenders, const data::Task& task) : contenders_(contenders), task_(task) {}

  // The primary one, declared before the others.
  void declare(const std::string& a, const std::string& b) {
    add(a, b);
    made_.back().primary = true;
  }

  void add(const std::string& a, const std::string& b) {
    if (a == b || !known_.insert(std::minmax(a, b)).second) return;
    NamedComparison made{.a = a, .b = b, .comparison = {}, .adjusted_p = 1, .primary = false};
    made.comparison =
        value_or_throw(eval::compare(named(contenders_, a).test, named(contenders_, b).test, task_, task_.seed));
    made_.push_back(std::move(made));
  }

  // Adjusted for their number, and without those that praise a guesser.
  std::vector<NamedComparison> take() {
    eval::adjust_for_number(made_);
    for (NamedComparison& made : made_) demand_skill_on_validation(made);
    return std::move(made_);
  }

 private:
  void demand_skill_on_validation(NamedComparison& made) const {
    using eval::Verdict;
    eval::Comparison& comparison = made.comparison;
    if (comparison.verdict != Verdict::a_better && comparison.verdict != Verdict::b_better) return;
    const auto& winner = named(contenders_, comparison.verdict == Verdict::a_better ? made.a : made.b);
    if (eval::beyond_guessing(winner.validation_metrics)) return;
    comparison.verdict = Verdict::undecided;
    comparison.note = "On the validation rows the one ahead is not shown to do better than guessing.";
  }

  const Contenders& contenders_;
  const data::Task& task_;
  std::set<std::pair<std::string, std::string>> known_;
  std::vector<NamedComparison> made_;
};

decide::DecisionInput decision_input(const Workspace& workspace, Contenders contenders, decide::PriceList prices) {
  const auto& split = workspace.split;
  const std::size_t rows = split.train.size() + split.validation.size() + split.test.size();
  const decide::Leaders leaders = decide::leaders_of(contenders, workspace.task);
  return {.task = &workspace.task,
          .folder = workspace.task.folder.string(),
          .contenders = std::move(contenders),
          .test_rows = split.test.size(),
          .primary = std::nullopt,
          .comparisons = {},
          .best_tuned = leaders.tuned,
          .best_untuned = leaders.untuned,
          .data_poor = rows < few_rows,
          .trial = trial_of(workspace),
          .prices = std::move(prices),
          .today = utc_today()};
}

void compare_all(decide::DecisionInput& decision) {
  Comparisons comparisons(decision.contenders, *decision.task);
  const bool has_both = !decision.best_tuned.empty() && !decision.best_untuned.empty();
  if (has_both) comparisons.declare(decision.best_tuned, decision.best_untuned);
  for (const auto& contender : decision.contenders) comparisons.add(contender.name, decision.contenders.front().name);
  for (const auto& [a, b] : decide::compared_pairs(decision)) comparisons.add(a, b);
  decision.comparisons = comparisons.take();
  if (has_both) decision.primary = decision.comparisons.front().comparison;
}

}  // namespace

double validation_metric(const eval::ContenderResult& result, const data::Task& task) {
  const auto found = result.validation_metrics.named.find(task.metric);
  return found == result.validation_metrics.named.end() ? 0 : found->second.value;
}

Conclusion conclude(const Workspace& workspace, ConcludeInput input) {
  const data::Task& task = workspace.task;
  auto& contenders = input.contenders;
  decide::PriceList prices = input.prices ? std::move(*input.prices) : decide::built_in_prices();
  std::erase_if(contenders, [](const auto& contender) { return contender.test.empty(); });
  for (auto& contender : contenders) contender.usd_per_million = decide::usd_per_million(contender, prices);
  std::stable_sort(contenders.begin(), contenders.end(), [&](const auto& a, const auto& b) {
    return validation_metric(a, task) > validation_metric(b, task);
  });
  Contenders unranked = take_unranked(workspace, contenders);
  decide::DecisionInput decision = decision_input(workspace, std::move(contenders), std::move(prices));
  compare_all(decision);

  Conclusion conclusion;
  conclusion.primary = decision.primary;
  conclusion.best_tuned = decision.best_tuned;
  conclusion.best_untuned = decision.best_untuned;
  if (!decision.contenders.empty()) conclusion.best = decision.contenders.front().name;
  auto& out = conclusion.report;
  out.recommendation = decide::choose(decision);
  out.task = &task;
  out.title = task.name;
  out.made = utc_now();
  out.facts = std::move(input.facts);
  out.contenders = std::move(decision.contenders);
  for (auto& contender : unranked) {
    out.recommendation.caveats.push_back(
        fmt::format("{} is shown and not ranked: {}.", contender.name, contender.unranked));
    out.contenders.push_back(std::move(contender));
  }
  out.comparisons = std::move(decision.comparisons);
  out.findings = std::move(input.findings);
  out.curves = std::move(input.curves);
  std::set<std::string> known;
  for (const auto& row : workspace.split.train) {
    if (!row.source.empty()) known.insert(row.source);
  }
  out.known_sources.assign(known.begin(), known.end());
  return conclusion;
}

bool misses_target(const Conclusion& conclusion) {
  const auto& report = conclusion.report;
  if (report.task == nullptr || !report.task->target) return false;
  for (const auto& contender : report.contenders) {
    if (contender.name != report.recommendation.use) continue;
    const auto figure = contender.test_metrics.named.find(report.task->metric);
    return figure == contender.test_metrics.named.end() || figure->second.value < *report.task->target;
  }
  return true;
}

Json to_json(const Conclusion& conclusion) {
  const auto& report = conclusion.report;
  Json contenders = Json::array();
  for (const auto& contender : report.contenders) contenders.push_back(eval::to_json(contender));
  Json comparisons = Json::array();
  Json primary = nullptr;
  for (const auto& named : report.comparisons) {
    Json json = {{"a_name", named.a}, {"b_name", named.b}};
    json.update(eval::to_json(named.comparison));
    if (named.primary) primary = json;
    json["primary"] = named.primary;
    json["adjusted_p"] = named.adjusted_p;
    comparisons.push_back(std::move(json));
  }
  return {{"contenders", std::move(contenders)},
          {"comparisons", std::move(comparisons)},
          {"primary", std::move(primary)},
          {"recommendation", decide::to_json(report.recommendation)}};
}

}  // namespace hone::solve
