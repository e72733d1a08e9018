// Plans for a workspace: from what its rows and this machine are, remembered for the next start.
#pragma once

#include "solve/budget.h"
#include "solve/plan_memory.h"
#include "solve/train_stage.h"

namespace hone::solve {

// The precision of the plan that was remembered last, whatever it was for. Nothing where none was.
std::optional<model::Precision> planned_precision(const Workspace& workspace);

// Before the base model is here: its row lengths and this machine's speed are guessed.
Plan plan_without_model(const Workspace& workspace, const model::CatalogueEntry& missing, double budget_seconds);

// The remembered plan where rows, base model and budget are the same and it asks the base model at all; else one made
// from a measurement, and remembered. A training that has begun and not ended keeps its epochs, whatever the budget is
// now. Throws Failure (interrupted).
RememberedPlan plan_with_model(const Workspace& workspace, LocalModel& local, const EncodedRows& encoded,
                               const Budget& budget, const std::stop_token& stop);

// Remembers it again, after plan_rest().
void keep_plan(const Workspace& workspace, const LocalModel& local, const RememberedPlan& planned);

struct TrainingTime {
  std::optional<double> seconds;  // that training may take; none: no limit
  double slower = 1;              // than the plan thought
};
// How to train: as decided when it began; before that the plan's epochs, or as many as fit the time that is left now,
// remembered from here on. Nothing when stopped before it was decided.
std::optional<TrainingPlan> decide_training(const Workspace& workspace, const LocalModel& local,
                                            RememberedPlan& planned, const TrainingTime& time,
                                            const std::stop_token& stop);

// What a plan rests on, from a measurement of the open model (ten seconds or so). `encoded`: the training rows.
// `spec`: how they are trained.
PlanInput measured_input(const Workspace& workspace, LocalModel& local, const EncodedRows& encoded,
                         const train::TrainSpec& spec, const std::stop_token& stop);

train::TrainSpec training_spec(const data::Task& task, const TrainingPlan& training);

}  // namespace hone::solve
