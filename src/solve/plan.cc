#include "solve/plan.h"

#include <array>
#include <cmath>

#include "base/progress.h"
#include "train/train.h"

namespace hone::solve {
namespace {

// Shares of the measured token rate that a stage really reaches: requests one at a time and small batches cost more.
constexpr double scoring_efficiency = 0.85;
constexpr double training_efficiency = 0.95;
// A token that looks back at so many costs twice as much as one that looks back at none.
constexpr double doubling_context = 2500;
constexpr double cheap_seconds_per_1000_rows = 2;
constexpr double download_bytes_a_second = 4e6;
constexpr double latency_requests = 100;
constexpr std::size_t fewest_rows_to_train = 20;
constexpr std::uint64_t bytes_a_scored_row = 700;

double count(std::size_t n) { return static_cast<double>(n); }

struct Costs {
  const PlanInput& in;

  double read_rate() const { return in.rates.prefill * scoring_efficiency; }
  double scored_rows() const { return count(in.validation_rows + in.test_rows); }
  double shot_tokens() const { return in.row_tokens + in.answer_tokens; }

  // Validation and test rows, each with so many tokens of its own after `context` shared ones, answered with `decoded`.
  double scoring(double own_tokens, double context, double decoded) const {
    const double read = own_tokens * (1 + context / doubling_context) / read_rate();
    const double alone = std::min(count(in.validation_rows), latency_requests);
    double alone_each = read;
    double together_each = read;
    if (in.labels == 0 && in.rates.decode > 0 && in.rates.decode_alone > 0) {
      alone_each += decoded / in.rates.decode_alone;
      together_each += decoded / in.rates.decode;
    }
    const double again = in.validation_rows > 0 ? std::min((latency_requests - alone) * alone_each,
                                                           most_latency_seconds(in.budget_seconds))
                                                : 0;
    return alone * alone_each + again + (scored_rows() - alone) * together_each;
  }
  double zero_shot() const { return scoring(in.row_tokens, in.prefix_tokens, in.most_answer_tokens); }
  double few_shot(int shots) const {
    const double shown = shots * shot_tokens();
    return scoring(in.row_tokens, in.prefix_tokens + shown, in.most_answer_tokens) + shown / in.rates.prefill;
  }
  double knn_few_shot(int shots) const {
    const double shown = shots * shot_tokens();
    return scoring(in.row_tokens + shown, in.prefix_tokens + shown / 2, in.most_answer_tokens);
  }
  double probe() const {
    return scoring(in.row_tokens, in.prefix_tokens, 0) + count(in.train_rows) * in.row_tokens / read_rate();
  }
  double score_tuned() const { return scoring(in.row_tokens, in.prefix_tokens, in.answer_tokens); }
  double validation() const {
    const std::size_t most = in.labels == 0 ? most_generated_rows : most_validated_rows;
    const double rows = count(std::min(in.validation_rows, most));
    const double decoding = in.labels == 0 && in.rates.decode > 0
                                ? rows * (in.answer_tokens / in.rates.decode + in.row_tokens / read_rate())
                                : 0;
    return rows * in.row_tokens / read_rate() + decoding;
  }
  double epoch_tokens() const {
    if (in.epoch_tokens > 0) return in.epoch_tokens;
    // A step computes the prompt prefix once for each of its micro-batches.
    const train::TrainSpec usual;
    const double own = in.row_tokens + in.answer_tokens;
    const double prefixes = std::ceil(usual.batch_rows * own / usual.micro_batch_tokens) / usual.batch_rows;
    return count(in.train_rows) * (own + in.prefix_tokens * prefixes);
  }
  double epoch() const { return epoch_tokens() / (in.rates.train * training_efficiency); }
  double conclude() const { return 10 + scored_rows() / 200; }
};

void fill_stages(Plan& plan, const PlanInput& in) {
  const Costs cost{in};
  const Plan whole;
  const int epochs = plan.training.epochs;
  const int most = most_epochs(in.train_rows);
  plan.stages.clear();
  const auto add = [&](StageKind kind, std::string name, double seconds, std::string why = "") {
    plan.stages.push_back({kind, std::move(name), seconds, false, std::move(why)});
  };
  // A stage that the budget may take away.
  const auto offer = [&](StageKind kind, std::string name, int amount, double seconds) {
    add(kind, std::move(name), amount > 0 ? seconds : 0, amount > 0 ? "" : "does not fit the budget");
    plan.stages.back().skipped = amount <= 0;
  };
  const auto fewer = [&](const char* what, bool is_reduced) {
    if (is_reduced && !plan.stages.back().skipped)
      plan.stages.back().why = fmt::format("fewer {}, to fit the budget", what);
  };
  if (in.download_bytes > 0) {
    add(StageKind::download, fmt::format("fetch the base model, {}", bytes_text(in.download_bytes)),
        count(in.download_bytes) / download_bytes_a_second, "once; the time depends on the network");
  }
  add(StageKind::open, "open the base model and measure this machine", in.opening_seconds);
  add(StageKind::cheap, "data check, split, contenders without a model",
      count(in.train_rows + in.validation_rows + in.test_rows) / 1000 * cheap_seconds_per_1000_rows + 1);
  offer(StageKind::zero_shot, "prompt the base model, no examples", plan.zero_shot ? 1 : 0, cost.zero_shot());
  const auto of = [](int n) { return n > 0 ? fmt::format("{} ", n) : std::string(); };
  offer(StageKind::few_shot, fmt::format("prompt it with {}examples", of(plan.shots)), plan.shots,
        cost.few_shot(plan.shots));
  fewer("examples", plan.shots < whole.shots && in.train_rows >= 2 * static_cast<std::size_t>(whole.shots));
  offer(StageKind::knn_few_shot, fmt::format("prompt it with the {}nearest examples", of(plan.knn_shots)),
        plan.knn_shots, cost.knn_few_shot(plan.knn_shots));
  fewer("examples", plan.knn_shots < whole.knn_shots);
  if (in.labels > 0) {
    offer(StageKind::probe, "linear probe on the base model's hidden states", plan.probe ? 1 : 0, cost.probe());
  }
  offer(StageKind::train,
        epochs > 0 ? fmt::format("fine-tune, {} {}", epochs, epochs == 1 ? "epoch" : "epochs") : "fine-tune", epochs,
        training_seconds(in, plan.training));
  if (most == 0) plan.stages.back().why = fmt::format("fewer than {} rows to learn from", fewest_rows_to_train);
  fewer("epochs", epochs < most);
  offer(StageKind::score_tuned, "score the fine-tuned model", epochs, cost.score_tuned());
  if (most == 0) plan.stages.back().why.clear();
  add(StageKind::conclude, "compare, decide, report, bundle", cost.conclude());
}

void fill_resources(Plan& plan, const PlanInput& in) {
  plan.rates = in.rates;
  plan.download_bytes = in.download_bytes;
  const std::uint64_t contenders = plan.stages.size();
  const std::uint64_t rows = in.validation_rows + in.test_rows + 100;
  plan.kept_bytes = rows * contenders * bytes_a_scored_row;
  plan.disk_bytes = plan.kept_bytes;
  if (plan.training.epochs > 0) {
    // The adapter and its copy in the bundle; a checkpoint holds four of its size and is written aside.
    plan.kept_bytes += 2 * in.adapter_bytes;
    plan.disk_bytes += 10 * in.adapter_bytes;
  }
  plan.usd = 0;
  plan.leaves_machine.clear();
  if (in.download_bytes > 0) plan.leaves_machine.emplace_back("the request for the model's file");
}

// What is planned where time is no matter.
Plan whole_plan(const PlanInput& in) {
  Plan plan;
  if (in.labels == 0) plan.probe = false;
  if (in.train_rows < 2 * static_cast<std::size_t>(plan.shots)) plan.shots = static_cast<int>(in.train_rows / 2);
  plan.training = training_of(most_epochs(in.train_rows));
  return plan;
}

// One step of the way down to a smaller plan; false where there is nothing to take.
using Reduction = void (*)(Plan&);
constexpr std::array<Reduction, 12> reductions = {
    [](Plan& p) { p.knn_shots = std::min(p.knn_shots, 2); },
    [](Plan& p) { p.shots = std::min(p.shots, 4); },
    [](Plan& p) { p.training = training_of(std::min(p.training.epochs, 4)); },
    [](Plan& p) { p.training = training_of(std::min(p.training.epochs, 3)); },
    [](Plan& p) { p.knn_shots = std::min(p.knn_shots, 1); },
    [](Plan& p) { p.training = training_of(std::min(p.training.epochs, 2)); },
    [](Plan& p) { p.probe = false; },
    [](Plan& p) { p.knn_shots = 0; },
    [](Plan& p) { p.training = training_of(std::min(p.training.epochs, 1)); },
    [](Plan& p) { p.shots = 0; },
    [](Plan& p) { p.training = training_of(0); },
    [](Plan& p) { p.zero_shot = false; },
};

// Takes away until `fits` holds; what is then left goes to epochs again. `fill` writes the stages anew.
template <class Fill, class Fits>
void reduce(Plan& plan, const PlanInput& in, const Fill& fill, const Fits& fits) {
  for (const Reduction reduction : reductions) {
    if (fits()) break;
    reduction(plan);
    fill();
  }
  while (plan.training.epochs > 0 && plan.training.epochs < most_epochs(in.train_rows)) {
    const TrainingPlan before = plan.training;
    plan.training = training_of(before.epochs + 1);
    fill();
    if (fits()) continue;
    plan.training = before;
    fill();
    break;
  }
}

}  // namespace

const char* name_of(StageKind kind) {
  switch (kind) {
    case StageKind::download:
      return "download";
    case StageKind::open:
      return "open";
    case StageKind::cheap:
      return "cheap";
    case StageKind::zero_shot:
      return "zero-shot";
    case StageKind::few_shot:
      return "few-shot";
    case StageKind::knn_few_shot:
      return "knn-few-shot";
    case StageKind::probe:
      return "probe";
    case StageKind::train:
      return "train";
    case StageKind::score_tuned:
      return "score-tuned";
    case StageKind::conclude:
      return "conclude";
  }
  return "";
}

double most_latency_seconds(double budget_seconds) {
  constexpr double most = 15;
  return budget_seconds > 0 ? std::min(most, budget_seconds / 50) : most;
}

double Plan::total_seconds() const {
  double sum = 0;
  for (const auto& stage : stages) sum += stage.seconds;
  return sum;
}

double Plan::seconds_of(StageKind kind) const {
  for (const auto& stage : stages) {
    if (stage.kind == kind && !stage.skipped) return stage.seconds;
  }
  return 0;
}

double Plan::seconds_after(StageKind kind) const {
  double sum = 0;
  for (const auto& stage : stages) sum += stage.kind > kind ? stage.seconds : 0;
  return sum;
}

int most_epochs(std::size_t train_rows) {
  if (train_rows < fewest_rows_to_train) return 0;
  return train_rows < 1000 ? 6 : train_rows < 3000 ? 4 : 3;
}

TrainingPlan training_of(int epochs) {
  TrainingPlan training;
  training.epochs = epochs;
  training.validations_per_epoch = epochs >= 4 ? 1 : epochs >= 2 ? 2 : 4;
  training.patience = std::max(3, 2 * training.validations_per_epoch);
  return training;
}

double training_seconds(const PlanInput& input, const TrainingPlan& training) {
  const Costs cost{input};
  return training.epochs * (cost.epoch() + training.validations_per_epoch * cost.validation());
}

double after_training_seconds(const PlanInput& input, double slower) {
  const Costs cost{input};
  return slower * cost.score_tuned() + cost.conclude();
}

Plan make_plan(const PlanInput& input) {
  Plan plan = whole_plan(input);
  const auto fill = [&] { fill_stages(plan, input); };
  fill();
  if (input.budget_seconds > 0) {
    reduce(plan, input, fill, [&] { return plan.total_seconds() <= input.budget_seconds; });
  }
  fill_resources(plan, input);
  return plan;
}

Plan plan_rest(const PlanInput& input, const Plan& earlier, const SoFar& so_far) {
  PlanInput now = input;
  now.rates.prefill /= so_far.slower_reading;
  now.rates.decode /= so_far.slower_reading;
  now.rates.decode_alone /= so_far.slower_reading;
  now.rates.train /= so_far.slower_training;
  Plan plan = whole_plan(now);
  const auto is_recorded = [&](StageKind kind) {
    return std::find(so_far.recorded.begin(), so_far.recorded.end(), kind) != so_far.recorded.end();
  };
  const auto is_over = [&](StageKind kind) { return kind <= so_far.done || is_recorded(kind); };
  const auto fill = [&] {
    if (is_over(StageKind::zero_shot)) plan.zero_shot = earlier.zero_shot;
    if (is_over(StageKind::few_shot)) plan.shots = earlier.shots;
    if (is_over(StageKind::knn_few_shot)) plan.knn_shots = earlier.knn_shots;
    if (is_over(StageKind::probe)) plan.probe = earlier.probe;
    fill_stages(plan, now);
    std::erase_if(plan.stages, [&](const Stage& stage) { return is_over(stage.kind); });
    std::vector<Stage> over;
    std::copy_if(earlier.stages.begin(), earlier.stages.end(), std::back_inserter(over),
                 [&](const Stage& stage) { return is_over(stage.kind); });
    plan.stages.insert(plan.stages.begin(), over.begin(), over.end());
    std::stable_sort(plan.stages.begin(), plan.stages.end(),
                     [](const Stage& a, const Stage& b) { return a.kind < b.kind; });
  };
  fill();
  const auto seconds_to_come = [&] {
    double sum = plan.seconds_after(so_far.done);
    for (const StageKind kind : so_far.recorded) sum -= kind > so_far.done ? plan.seconds_of(kind) : 0;
    return sum;
  };
  reduce(plan, now, fill, [&] { return seconds_to_come() <= so_far.seconds_left; });
  fill_resources(plan, now);
  plan.rates = input.rates;
  plan.download_bytes = earlier.download_bytes;
  return plan;
}

Plan bring_back(const PlanInput& input, const Plan& earlier, double seconds) {
  const Plan whole = whole_plan(input);
  Plan plan = earlier;
  const auto add = [&](bool is_left_out, StageKind kind, const auto& change) {
    if (!is_left_out) return;
    Plan more = plan;
    change(more);
    fill_stages(more, input);
    // Of a training, the scoring that comes after it too.
    const double scoring = kind == StageKind::train ? more.seconds_of(StageKind::score_tuned) : 0;
    if (more.seconds_of(kind) + scoring > seconds) return;
    seconds -= more.seconds_of(kind) + scoring;
    plan = std::move(more);
  };
  add(!plan.zero_shot, StageKind::zero_shot, [](Plan& p) { p.zero_shot = true; });
  const int most = most_epochs(input.train_rows);
  add(plan.training.epochs == 0, StageKind::train, [&](Plan& p) { p.training = training_of(std::min(most, 1)); });
  for (const int shots : {whole.shots, 4})
    add(plan.shots == 0, StageKind::few_shot, [&](Plan& p) { p.shots = std::min(shots, whole.shots); });
  for (const int shots : {whole.knn_shots, 2, 1})
    add(plan.knn_shots == 0, StageKind::knn_few_shot, [&](Plan& p) { p.knn_shots = shots; });
  add(!plan.probe, StageKind::probe, [&](Plan& p) { p.probe = whole.probe; });
  // Stages that were planned before keep what was said of them.
  for (Stage& stage : plan.stages) {
    const auto was = std::find_if(earlier.stages.begin(), earlier.stages.end(),
                                  [&](const Stage& other) { return other.kind == stage.kind; });
    if (was != earlier.stages.end() && was->skipped == stage.skipped) stage = *was;
  }
  fill_resources(plan, input);
  plan.download_bytes = earlier.download_bytes;
  return plan;
}

TrainingPlan fit_training(const PlanInput& input, double seconds_left, double slower) {
  constexpr double margin = 0.97;
  for (int epochs = most_epochs(input.train_rows); epochs > 0; --epochs) {
    const TrainingPlan training = training_of(epochs);
    const double seconds = slower * training_seconds(input, training);
    if (seconds <= margin * seconds_left || (epochs == 1 && seconds / 2 <= seconds_left)) return training;
  }
  return training_of(0);
}

}  // namespace hone::solve
