// What a solve is going to do, said before it does it: stages with minutes, disk, money and what leaves the machine;
// few-shot sizes and epochs that fit the budget.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "solve/local_model.h"

namespace hone::solve {

// Rows that a validation in the middle of training scores: with labels, and where answers are generated.
inline constexpr std::size_t most_validated_rows = 300;
inline constexpr std::size_t most_generated_rows = 60;

struct PlanInput {
  std::size_t train_rows = 0;
  std::size_t validation_rows = 0;
  std::size_t test_rows = 0;
  std::size_t labels = 0;         // 0: free text answers
  double row_tokens = 0;          // mean tokens of a row that are not in the shared prompt prefix
  double prefix_tokens = 0;       // instruction and template, the same for every row
  double answer_tokens = 0;       // mean
  double most_answer_tokens = 0;  // of free text, what an untrained model may use up
  std::uint64_t adapter_bytes = 0;
  std::uint64_t download_bytes = 0;  // 0: the model is here
  double opening_seconds = 0;        // until the model was open and measured
  Rates rates;
  double budget_seconds = 0;  // 0: none
  double epoch_tokens = 0;    // computed in one pass over the training rows; 0: guessed from the means above
};

enum class StageKind { download, open, cheap, zero_shot, few_shot, knn_few_shot, probe, train, score_tuned, conclude };
const char* name_of(StageKind kind);

struct Stage {
  StageKind kind = StageKind::cheap;
  std::string name;
  double seconds = 0;
  bool skipped = false;
  std::string why;  // what was reduced or skipped to fit, empty otherwise
};

// How the fine-tuning is done; part of what is trained, so it is decided once.
struct TrainingPlan {
  int epochs = 0;  // 0: no fine-tuning
  int validations_per_epoch = 1;
  int patience = 3;  // validations without gain
  bool operator==(const TrainingPlan&) const = default;
};

struct Plan {
  std::vector<Stage> stages;
  bool zero_shot = true;
  int shots = 8;      // 0: no few-shot contender
  int knn_shots = 4;  // 0: no kNN few-shot contender
  bool probe = true;
  TrainingPlan training;
  Rates rates;
  std::uint64_t download_bytes = 0;
  std::uint64_t disk_bytes = 0;  // beside the task, at most at once
  std::uint64_t kept_bytes = 0;  // of them, in the end
  double usd = 0;
  std::vector<std::string> leaves_machine;  // empty: nothing
  double total_seconds() const;
  // Zero for a stage that is skipped or not there.
  double seconds_of(StageKind kind) const;
  double seconds_after(StageKind kind) const;
};

// Where the validation rows are under a hundred, so long are they asked again for the latency, in each contender.
double most_latency_seconds(double budget_seconds);

// Passes over the rows at most: 6 under 1,000 rows, 4 under 3,000, 3 above; none under 20.
int most_epochs(std::size_t train_rows);
// The training of so many epochs: at least four validations, the end after three epochs' worth without gain.
TrainingPlan training_of(int epochs);
// Seconds of it, its validations included.
double training_seconds(const PlanInput& input, const TrainingPlan& training);
// Seconds of scoring what was trained, and of the conclusion.
double after_training_seconds(const PlanInput& input, double slower);

// Starts from 8 shots, 4 neighbours and most_epochs(). Where the budget is shorter it takes away, in this order:
// neighbours to 2, shots to 4, epochs down to 3, neighbours to 1, epochs to 2, the probe, neighbours to none, epochs to
// 1, few-shot, fine-tuning, zero-shot; what is then left goes to epochs again.
Plan make_plan(const PlanInput& input);

// How far a start has come.
struct SoFar {
  StageKind done = StageKind::cheap;  // the last stage that is over, those before it too
  std::vector<StageKind> recorded{};  // later ones that an earlier start finished: they stay, and take no time
  double seconds_left = 0;
  double slower_reading = 1;  // than the plan thought: taken over planned seconds
  double slower_training = 1;
};
// The stages after so_far.done planned anew for the time that is left and the speed that was seen, by the rules of
// make_plan(): what `earlier` left out comes back where it fits, and what no longer fits goes. Stages up to so_far.done
// stay as they are in `earlier`.
Plan plan_rest(const PlanInput& input, const Plan& earlier, const SoFar& so_far);

// What `earlier` left out and `seconds` are enough for, zero-shot first, then training, few-shot, neighbours, the
// probe; all else stays as it is. For a start that finds most of its stages recorded.
Plan bring_back(const PlanInput& input, const Plan& earlier, double seconds);

// The epochs for the seconds that are left when training begins, `slower` times slower than the plan thought. None
// where not even half an epoch fits.
TrainingPlan fit_training(const PlanInput& input, double seconds_left, double slower);

}  // namespace hone::solve
