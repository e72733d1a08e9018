#include "solve/solve.h"

#include <charconv>
#include <new>

#include "base/hash.h"
#include "base/progress.h"
#include "base/shell.h"
#include "diagnose/diagnose.h"
#include "solve/budget.h"
#include "solve/cheap_jobs.h"
#include "solve/finish.h"
#include "solve/model_reference.h"
#include "solve/plan_memory.h"
#include "solve/planning.h"
#include "solve/prompted_stage.h"
#include "solve/recorded.h"

namespace hone::solve {
namespace {

// The loop's state: what is done so far, and how to conclude from it.
class Loop {
 public:
  Loop(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks)
      : workspace_(workspace), spec_(spec), hooks_(hooks), budget_(spec.budget_seconds) {
    input_.prices = spec.prices;
  }

  SolveOutcome run() {
    if (hooks_.on_open) hooks_.on_open(workspace_);
    const bool complete = guarded([&] { return stages(); });
    outcome_.interrupted = !complete && !outcome_.problem;
    return finish();
  }

 private:
  // Runs a part of the loop. What stops it is kept, and the loop goes on to its conclusion.
  template <class Part>
  bool guarded(const Part& part) {
    try {
      return part();
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::interrupted) stopped_by({failure.code(), failure.what()});
    } catch (const std::bad_alloc&) {
      stopped_by(
          {ErrorCode::environment, "out of memory; close other programs, or choose a smaller model or shorter rows"});
    }
    return false;
  }

  void stopped_by(Error error) {
    notify(error.message);
    if (!outcome_.problem) outcome_.problem = std::move(error);
  }

  void notify(const std::string& notice) const {
    if (hooks_.on_notice) hooks_.on_notice(notice);
  }

  void show(const std::string& stage) const {
    if (hooks_.on_table) hooks_.on_table(conclude(workspace_, input_), stage);
  }

  bool stages() {
    for (const auto& notice : workspace_.split.notices) notify(notice);
    add_recorded([](const auto& recorded) { return recorded.kind == eval::ContenderKind::api; });
    input_.findings = check_workspace(workspace_, {}, 0);
    for (auto& finding : input_.findings) {
      // `hone solve` is what goes on here.
      if (finding.command.starts_with("hone solve "))
        finding.command = "hone data check " + shell_word(workspace_.task.folder.string());
    }
    bool opened = true;
    if (const auto* missing = missing_model(workspace_.task)) {
      announce(plan_without_model(workspace_, *missing, spec_.budget_seconds));
    } else {
      opened = guarded([&] { return timed(StageKind::open, [&] { return open_model(); }); });
    }
    const bool going = timed(StageKind::cheap, [&] { return contenders(cheap_jobs(workspace_)); });
    if (going) show("contenders without a language model");
    if (outcome_.problem) return false;
    if (going && !local_) opened = fetch_model() && timed(StageKind::open, [&] { return open_model(); });
    // After a stop nothing more is asked, but what earlier starts recorded still belongs to the conclusion.
    return opened && model_stages() && going;
  }

  bool fetch_model() {
    const auto* missing = missing_model(workspace_.task);
    return missing == nullptr || timed(StageKind::download, [&] {
             model::pull(*missing, hooks_.stop);
             return true;
           });
  }

  // As asked for, or as in the start before.
  model::Precision precision() const {
    if (spec_.precision) return model::chosen_precision(*spec_.precision);
    const auto before = planned_precision(workspace_);
    if (!before || *before == model::Precision::f32) return model::Precision::f32;
    notify(fmt::format("the base model is kept in {}, as before; --precision says otherwise", model::name_of(*before)));
    return *before;
  }

  // Opens the base model and plans with what it was measured to do here.
  bool open_model() {
    local_ = open_local_model(workspace_, precision());
    if (local_->model.default_template) notify(no_template_notice(local_->model));
    const EncodedRows encoded = encode_rows(*local_, workspace_, workspace_.split.train);
    for (const auto& notice : encoded.notices) notify(notice);
    if (encoded.examples.empty()) {
      notify("no training row could be encoded for the base model, so it is left out");
      return true;
    }
    planned_ = plan_with_model(workspace_, *local_, encoded, budget_, hooks_.stop);
    use_free_time();
    announce(planned_->plan);
    return true;
  }

  void announce(const Plan& plan) {
    outcome_.plan = plan;
    if (hooks_.on_plan) hooks_.on_plan(plan);
    const auto free = free_disk_bytes(workspace_.folder);
    if (free < plan.disk_bytes + plan.download_bytes) {
      notify(fmt::format("the disk has {} free, and this needs about {}: make room first", bytes_text(free),
                         bytes_text(plan.disk_bytes + plan.download_bytes)));
    }
  }

  template <class Part>
  bool timed(StageKind kind, const Part& part) {
    const Stopwatch watch;
    const bool done = part();
    outcome_.took[kind] += watch.seconds();
    return done;
  }

  bool contender(ContenderJob job) {
    job.most_latency_seconds = most_latency_seconds(budget_.seconds());
    auto result = run_contender(workspace_, job, hooks_.stop, spec_.quiet);
    if (!result) return false;
    input_.contenders.push_back(std::move(*result));
    return true;
  }

  // All that can be had, also after a stop: finished ones are only read.
  bool contenders(const std::vector<ContenderJob>& jobs) {
    bool all = true;
    for (const auto& job : jobs) all = contender(job) && all;
    return all;
  }

  // What the store knows already: of a model behind an API, asked by another command, and after a stop of whatever
  // earlier starts finished.
  void add_recorded(const std::function<bool(const eval::ContenderResult&)>& wanted) {
    for (auto& recorded : recorded_contenders(workspace_)) {
      const bool is_known = std::any_of(input_.contenders.begin(), input_.contenders.end(),
                                        [&](const auto& known) { return known.name == recorded.name; });
      if (!is_known && wanted(recorded)) input_.contenders.push_back(std::move(recorded));
    }
  }

  bool model_stages() {
    if (!planned_) return true;
    const bool all_prompted = prompted();
    if (all_prompted) show("prompted contenders");
    return tuned() && all_prompted;
  }

  // Plans what is left anew with the speed that was seen: what did not fit may come back, and what no longer fits goes.
  // Nothing is changed where nothing was seen and the plan still holds, so that a second start does as the first.
  void look_again(StageKind done) {
    const PlanInput& input = planned_->input;
    Plan& plan = planned_->plan;
    const bool is_late = plan.seconds_after(done) > budget_.left();
    if (!budget_.is_limited() || (!budget_.has_learned() && !is_late)) return;
    planned_slower_ = budget_.slower_reading();
    const Plan before = std::exchange(plan, plan_rest(input, plan,
                                                      {.done = done,
                                                       .recorded = recorded_stages(),
                                                       .seconds_left = budget_.left(),
                                                       .slower_reading = planned_slower_,
                                                       .slower_training = budget_.slower()}));
    tell_changes(before, "the stages before it took longer than planned");
    keep_plan(workspace_, *local_, *planned_);
    outcome_.plan = plan;
  }

  // Which prompted stages came back, and which are left out now.
  void tell_changes(const Plan& before, const char* why) const {
    for (const Stage& stage : planned_->plan.stages) {
      const auto was = std::find_if(before.stages.begin(), before.stages.end(),
                                    [&](const Stage& other) { return other.kind == stage.kind; });
      const bool is_prompted = stage.kind >= StageKind::zero_shot && stage.kind <= StageKind::probe;
      if (!is_prompted || was == before.stages.end() || was->skipped == stage.skipped) continue;
      notify(stage.skipped ? fmt::format("\"{}\" is left out: {}", was->name, why)
                           : fmt::format("there is time to {} after all", stage.name));
    }
  }

  // Stages that need the model and that earlier starts finished.
  std::vector<StageKind> recorded_stages() {
    std::vector<StageKind> recorded;
    for (const StageKind kind :
         {StageKind::zero_shot, StageKind::few_shot, StageKind::knn_few_shot, StageKind::probe}) {
      const auto stage = planned_stage(kind);
      const auto run = stage ? workspace_.store.newest_with_key(key_of(workspace_, stage->job)) : std::nullopt;
      if (run && run->status == track::RunStatus::finished) recorded.push_back(kind);
    }
    const TrainingPlan& training = planned_->training.value_or(planned_->plan.training);
    const auto run = recorded_training(workspace_, *local_, training_spec(workspace_.task, training));
    if (run && run->status == track::RunStatus::finished) {
      recorded.push_back(StageKind::train);
      recorded.push_back(StageKind::score_tuned);
    }
    return recorded;
  }

  // A start that finds stages recorded has their time left for what the budget had no room for.
  void use_free_time() {
    if (!budget_.is_limited() || planned_->is_of_this_start || hooks_.stop.stop_requested()) return;
    Plan& plan = planned_->plan;
    double needed = plan.seconds_after(StageKind::cheap);
    for (const StageKind kind : recorded_stages()) needed -= plan.seconds_of(kind);
    const Plan before = std::exchange(plan, bring_back(planned_->input, plan, budget_.left() - needed));
    tell_changes(before, "");
    keep_plan(workspace_, *local_, *planned_);
  }

  struct PromptedStage {
    ContenderJob job;
    std::optional<data::PromptVersion> version;
  };

  // Over the training rows, for the nearest examples.
  const classic::Bm25Index& index() {
    if (!index_) index_.emplace(workspace_.split.train);
    return *index_;
  }

  // As the plan is now; none where it leaves the stage out.
  std::optional<PromptedStage> planned_stage(StageKind kind) {
    const Plan& plan = planned_->plan;
    const auto asking = [&](data::PromptVersion version) {
      ContenderJob job = prompted_job(workspace_, *local_, version, &index());
      return PromptedStage{std::move(job), std::move(version)};
    };
    if (kind == StageKind::zero_shot && plan.zero_shot) return asking(prompt::zero_shot());
    if (kind == StageKind::few_shot && plan.shots > 0)
      return asking(prompt::few_shot(workspace_.split.train, workspace_.task, plan.shots));
    if (kind == StageKind::knn_few_shot && plan.knn_shots > 0) return asking(prompt::knn_few_shot(plan.knn_shots));
    if (kind == StageKind::probe && plan.probe)
      return PromptedStage{probe_job(workspace_, *local_, hooks_.stop), std::nullopt};
    return std::nullopt;
  }

  bool is_new(const std::optional<PromptedStage>& stage) const {
    return !stage || !workspace_.store.newest_with_key(key_of(workspace_, stage->job));
  }

  // False when stopped.
  bool run_prompted(StageKind kind, const PromptedStage& stage) {
    const bool is_first = is_new(stage);
    if (is_first && hooks_.stop.stop_requested()) return false;
    if (stage.version) finished_.versions.push_back(*stage.version);
    const bool done = timed(kind, [&] { return contender(stage.job); });
    if (done && is_first) budget_.learn(planned_->plan.seconds_of(kind) / planned_slower_, outcome_.took[kind]);
    return done;
  }

  bool prompted() {
    bool all = true;
    StageKind before = StageKind::cheap;
    for (const StageKind kind :
         {StageKind::zero_shot, StageKind::few_shot, StageKind::knn_few_shot, StageKind::probe}) {
      auto stage = planned_stage(kind);
      if (is_new(stage)) {
        look_again(before);
        stage = planned_stage(kind);
      }
      if (stage) all = run_prompted(kind, *stage) && all;
      before = kind;
    }
    return all;
  }

  // What the budget has left for training, so that scoring and the end still fit.
  std::optional<double> training_time() const {
    if (!budget_.is_limited()) return std::nullopt;
    return budget_.left() - after_training_seconds(planned_->input, budget_.slower());
  }

  bool tuned() {
    if (most_epochs(planned_->input.train_rows) == 0) return true;
    const TrainingTime time{.seconds = training_time(), .slower = budget_.slower()};
    const auto training = decide_training(workspace_, *local_, *planned_, time, hooks_.stop);
    if (!training) return false;
    if (training->epochs == 0) {
      notify("no time is left to fine-tune; the same command goes on with it");
      return true;
    }
    constexpr double least_seconds = 10;  // of a training that began earlier
    const TrainJobSpec job{.spec = training_spec(workspace_.task, *training),
                           .max_seconds = time.seconds ? std::max(least_seconds, *time.seconds) : 0,
                           .max_steps = 0,
                           .checkpoint_folder = {},
                           .quiet = spec_.quiet};
    TrainResult result;
    timed(StageKind::train, [&] {
      result = train_run(workspace_, *local_, job, hooks_.stop);
      return true;
    });
    if (result.end == TrainEnd::interrupted) return false;
    if (result.end == TrainEnd::failed) {
      notify(result.why);
      failed_training_ = result.why;
    } else {
      trained_ = std::move(result.trained);
      finished_.trained = &*trained_;
      const bool scored =
          timed(StageKind::score_tuned, [&] { return contender(tuned_job(workspace_, *local_, *trained_)); });
      if (!scored) return false;
      finished_.tuned_contender = input_.contenders.back().run;
    }
    look_at_training(result.run);
    return true;
  }

  // Curves and findings of a run, also of one that broke down.
  void look_at_training(const std::string& run) {
    input_.curves.push_back({run, workspace_.store.steps(run), workspace_.store.validations(run)});
    diagnose::RunEvidence evidence{.run = run,
                                   .task = &workspace_.task,
                                   .steps = input_.curves.back().steps,
                                   .validations = input_.curves.back().validations,
                                   .validation_rows = {},
                                   .untuned_rows = {}};
    for (const auto& contender : input_.contenders) {
      if (contender.name == "zero-shot") evidence.untuned_rows = contender.validation;
      if (contender.is_tuned()) evidence.validation_rows = contender.validation;
    }
    for (auto& finding : diagnose::diagnose(evidence)) input_.findings.push_back(std::move(finding));
  }

  std::vector<std::pair<std::string, std::string>> facts() const {
    const auto& split = workspace_.split;
    std::vector<std::pair<std::string, std::string>> facts = {
        {"rows", fmt::format("{} train, {} validation, {} test, {} set aside", split.train.size(),
                             split.validation.size(), split.test.size(), split.set_aside.size())},
        {"metric", workspace_.task.metric},
    };
    if (local_) facts.emplace_back("base model", workspace_.task.model);
    if (trained_) {
      facts.emplace_back("fine-tuning", fmt::format("{} steps in {}, {}", trained_->steps.size(),
                                                    duration_text(trained_->seconds), trained_->ended));
    } else if (!failed_training_.empty()) {
      facts.emplace_back("fine-tuning", failed_training_);
    }
    for (auto& fact : cross_validation_facts(workspace_, input_.contenders)) facts.push_back(std::move(fact));
    facts.emplace_back("test rows scored so far",
                       fmt::format("{} times over all contenders", workspace_.store.test_reads()));
    return facts;
  }

  SolveOutcome finish() {
    if (outcome_.interrupted || outcome_.problem) {
      guarded([&] {
        add_recorded([](const auto&) { return true; });
        return true;
      });
    }
    input_.facts = facts();
    outcome_.conclusion = conclude(workspace_, std::move(input_));
    if (hooks_.on_conclusion) hooks_.on_conclusion(outcome_);
    if (local_) finished_.local = &*local_;
    write_results(workspace_, spec_, hooks_, finished_, outcome_);
    return std::move(outcome_);
  }

  Workspace& workspace_;
  const SolveSpec& spec_;
  const SolveHooks& hooks_;
  Budget budget_;
  SolveOutcome outcome_;
  ConcludeInput input_;
  std::optional<LocalModel> local_;
  std::optional<classic::Bm25Index> index_;
  std::optional<RememberedPlan> planned_;
  double planned_slower_ = 1;  // what the planned seconds of reading are, over those of the first plan
  std::optional<TrainedRun> trained_;
  std::string failed_training_;
  Finished finished_;
};

}  // namespace

SolveOutcome solve(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks) {
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "solve.lock"));
  mark_killed_runs(workspace);
  return Loop(workspace, spec, hooks).run();
}

Result<double> parse_duration(const std::string& text) {
  constexpr double longest_seconds = 366.0 * 24 * 3600;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || factor == 0 || !(value > 0 && value * factor <= longest_seconds)) {
    return make_error(ErrorCode::usage, "\"{}\" is not a duration; write 30s, 13m or 2h", text);
  }
  return value * factor;
}

}  // namespace hone::solve
