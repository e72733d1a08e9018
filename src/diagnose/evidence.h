// The measurements that findings are made from.
#pragma once

#include <string>
#include <vector>

#include "eval/score.h"
#include "train/train.h"

namespace hone::diagnose {

// The largest learning rate of the run, 0 without steps.
double peak_rate(const std::vector<train::StepEvent>& steps);

struct Divergence {
  int skipped = 0;               // steps whose loss was not finite
  std::vector<int> loss_spikes;  // at most 20 steps each
  std::vector<int> gradient_spikes;
  double largest_loss_ratio = 0;  // over the running median
  double largest_gradient_ratio = 0;
};
Divergence find_divergence(const std::vector<train::StepEvent>& steps);

// Means of the first and of the last tenth of the losses (at least three each); known from ten finite steps on.
struct LossFall {
  bool is_known = false;
  bool fell = true;  // last < .95 * first
  double first = 0, last = 0;
};
LossFall loss_fall(const std::vector<train::StepEvent>& steps);

// The most frequent answer, and how it compares with the gold labels.
struct Shares {
  std::string label;
  std::size_t answered = 0;  // rows answered with it
  std::size_t gold = 0;      // rows that have it as their label
  std::size_t rows = 0;
  std::size_t right = 0;
  std::size_t most_gold = 0;  // rows of the most frequent gold label
  double answered_share() const { return share(answered); }
  double gold_share() const { return share(gold); }
  double accuracy() const { return share(right); }
  double largest_gold_share() const { return share(most_gold); }
  double share(std::size_t count) const {
    return rows > 0 ? static_cast<double>(count) / static_cast<double>(rows) : 0;
  }
};
Shares answer_shares(const std::vector<eval::ScoredRow>& rows);
// Over 95 % of the answers, and more than its gold share by .05 and two standard errors; or all answers, with five rows
// or more of other labels.
bool is_collapsed(const Shares& shares);

// How many rows both answered alike; known from 20 shared rows on.
struct Agreement {
  bool is_known = false;
  std::size_t rows = 0, equal = 0;
  std::size_t wrong = 0;  // tuned answers that are wrong
};
Agreement agreement_of(const std::vector<eval::ScoredRow>& tuned, const std::vector<eval::ScoredRow>& untuned);

struct Overfit {
  bool is_there = false;
  int rises = 0;  // validations in a row, each above the one before, after best_step
  int best_step = 0;
  double best_epoch = 0;
  int epochs = 0;  // planned
  double best_loss = 0, last_loss = 0;
  double train_at_best = 0, train_at_end = 0;
};
Overfit find_overfit(const std::vector<train::StepEvent>& steps, const std::vector<train::Validation>& validations);

}  // namespace hone::diagnose
