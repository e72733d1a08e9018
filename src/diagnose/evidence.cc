#include "diagnose/evidence.h"

#include <map>
#include <unordered_map>

namespace hone::diagnose {
namespace {

constexpr std::size_t median_window = 20;
constexpr std::size_t fewest_before = 5;
constexpr std::size_t most_spikes_listed = 20;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double mean(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += values[i];
  return end > begin ? sum / static_cast<double>(end - begin) : 0;
}

// Places of `values` above `times` the median of those before, and above the level of the first ones: late in a good
// run the losses are so small that a single hard row makes three times the median.
std::vector<std::size_t> spikes(const std::vector<double>& values, double times, double& largest) {
  std::vector<std::size_t> found;
  if (values.size() <= fewest_before) return found;
  const double start = mean(values, 0, fewest_before);
  for (std::size_t i = fewest_before; i < values.size(); ++i) {
    const std::size_t begin = i > median_window ? i - median_window : 0;
    const double before =
        median({values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(i)});
    if (before <= 0) continue;
    largest = std::max(largest, values[i] / before);
    if (values[i] > times * before && values[i] > start) found.push_back(i);
  }
  return found;
}

// Mean training loss of the five steps up to `step`.
double train_loss_at(const std::vector<train::StepEvent>& steps, int step) {
  double sum = 0;
  int count = 0;
  for (auto it = steps.rbegin(); it != steps.rend() && count < 5; ++it) {
    if (it->step > step || !std::isfinite(it->loss)) continue;
    sum += it->loss;
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

double peak_rate(const std::vector<train::StepEvent>& steps) {
  double peak = 0;
  for (const train::StepEvent& step : steps) {
    if (std::isfinite(step.learning_rate)) peak = std::max(peak, step.learning_rate);
  }
  return peak;
}

Divergence find_divergence(const std::vector<train::StepEvent>& steps) {
  Divergence found;
  std::vector<double> losses;
  std::vector<double> norms;
  std::vector<int> numbers;
  for (const train::StepEvent& step : steps) {
    if (step.skipped || !std::isfinite(step.loss) || !std::isfinite(step.gradient_norm)) {
      ++found.skipped;
      continue;
    }
    losses.push_back(step.loss);
    norms.push_back(step.gradient_norm);
    numbers.push_back(step.step);
  }
  const auto list = [&](const std::vector<std::size_t>& places, std::vector<int>& into) {
    for (const std::size_t place : places) {
      if (into.size() < most_spikes_listed) into.push_back(numbers[place]);
    }
  };
  list(spikes(losses, 3, found.largest_loss_ratio), found.loss_spikes);
  list(spikes(norms, 10, found.largest_gradient_ratio), found.gradient_spikes);
  return found;
}

LossFall loss_fall(const std::vector<train::StepEvent>& steps) {
  LossFall fall;
  std::vector<double> losses;
  for (const train::StepEvent& step : steps) {
    if (!step.skipped && std::isfinite(step.loss)) losses.push_back(step.loss);
  }
  if (losses.size() < 10) return fall;
  const std::size_t part = std::max<std::size_t>(3, losses.size() / 10);
  fall.is_known = true;
  fall.first = mean(losses, 0, part);
  fall.last = mean(losses, losses.size() - part, losses.size());
  fall.fell = fall.last < 0.95 * fall.first;
  return fall;
}

Shares answer_shares(const std::vector<eval::ScoredRow>& rows) {
  std::map<std::string, std::size_t> answers;
  std::map<std::string, std::size_t> golds;
  Shares shares;
  for (const eval::ScoredRow& row : rows) {
    ++golds[row.gold];
    ++shares.rows;
    if (row.failed) continue;
    ++answers[row.answer];
    shares.right += row.answer == row.gold ? 1 : 0;
  }
  for (const auto& [label, count] : golds) shares.most_gold = std::max(shares.most_gold, count);
  for (const auto& [label, count] : answers) {
    if (count <= shares.answered) continue;
    shares.answered = count;
    shares.label = label;
  }
  if (const auto it = golds.find(shares.label); it != golds.end()) shares.gold = it->second;
  return shares;
}

bool is_collapsed(const Shares& shares) {
  if (shares.rows < 20) return false;
  const double gold = shares.gold_share();
  const double standard_error = std::sqrt(gold * (1 - gold) / static_cast<double>(shares.rows));
  const bool far_above = shares.answered_share() - gold > 0.05 + 2 * standard_error;
  const bool only_answer = shares.answered == shares.rows && shares.rows - shares.gold >= 5;
  return (shares.answered_share() > 0.95 && far_above) || only_answer;
}

Agreement agreement_of(const std::vector<eval::ScoredRow>& tuned, const std::vector<eval::ScoredRow>& untuned) {
  std::unordered_map<std::string, const eval::ScoredRow*> by_id;
  for (const eval::ScoredRow& row : untuned) by_id.emplace(row.id, &row);
  Agreement agreement;
  for (const eval::ScoredRow& row : tuned) {
    const auto other = by_id.find(row.id);
    if (other == by_id.end()) continue;
    ++agreement.rows;
    agreement.equal += !row.failed && !other->second->failed && row.answer == other->second->answer ? 1 : 0;
    agreement.wrong += row.failed || row.answer != row.gold ? 1 : 0;
  }
  agreement.is_known = agreement.rows >= 20;
  return agreement;
}

namespace {

// From validation `best` to validation `last`.
void span_of(Overfit& found, const std::vector<train::StepEvent>& steps, const train::Validation& best,
             const train::Validation& last) {
  found.best_step = best.step;
  found.best_loss = best.loss;
  found.last_loss = last.loss;
  found.train_at_best = train_loss_at(steps, best.step);
  found.train_at_end = train_loss_at(steps, last.step);
}

// A short run has few validations: one that ends far above its best has overfitted as well, whatever lies between.
bool ends_far_above_best(const std::vector<train::Validation>& validations, std::size_t best) {
  const double lowest = validations[best].loss;
  const double end = validations.back().loss;
  return best + 2 < validations.size() && end >= 1.5 * lowest && end >= lowest + 0.1;
}

}  // namespace

Overfit find_overfit(const std::vector<train::StepEvent>& steps, const std::vector<train::Validation>& validations) {
  constexpr int enough_rises = 3;
  Overfit found;
  // The longest stretch of rises: an early stop ends training soon after it, a long run may calm down again.
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= validations.size(); ++i) {
    const bool rises = i < validations.size() && validations[i].loss > validations[i - 1].loss;
    if (rises) continue;
    const int length = static_cast<int>(i - 1 - begin);
    if (length > found.rises) {
      found.rises = length;
      span_of(found, steps, validations[begin], validations[i - 1]);
    }
    begin = i;
  }
  found.is_there = found.rises >= enough_rises && found.train_at_end < found.train_at_best;
  if (!found.is_there && !validations.empty()) {
    const auto best = std::min_element(validations.begin(), validations.end(),
                                       [](const auto& a, const auto& b) { return a.loss < b.loss; });
    if (ends_far_above_best(validations, static_cast<std::size_t>(best - validations.begin()))) {
      span_of(found, steps, *best, validations.back());
      found.is_there = found.train_at_end < found.train_at_best;
    }
  }
  for (const train::StepEvent& step : steps) {
    if (step.step <= found.best_step) found.best_epoch = step.epoch;
  }
  if (!steps.empty() && steps.back().step > 0) {
    const double passes = steps.back().epoch * steps.back().steps / steps.back().step;
    found.epochs = static_cast<int>(std::lround(passes));
  }
  return found;
}

}  // namespace hone::diagnose
