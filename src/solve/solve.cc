#include "solve/solve.h"

#include <charconv>

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "diagnose/diagnose.h"
#include "solve/bundle_stage.h"
#include "solve/local_model.h"
#include "solve/prompted_stage.h"
#include "solve/train_stage.h"

namespace hone::solve {
namespace {

constexpr std::size_t fewest_rows_to_train = 20;

// Tokens that all prompts begin with.
std::size_t common_prefix(const std::vector<data::Example>& examples) {
  std::size_t length = examples.front().prompt.size();
  for (const auto& example : examples) {
    const auto& first = examples.front().prompt;
    const auto differ = std::mismatch(
        first.begin(), first.begin() + static_cast<std::ptrdiff_t>(std::min(length, example.prompt.size())),
        example.prompt.begin());
    length = static_cast<std::size_t>(differ.first - first.begin());
  }
  return length;
}

// The loop's state: what is done so far, and how to conclude from it.
class Loop {
 public:
  Loop(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks)
      : workspace_(workspace), spec_(spec), hooks_(hooks) {}

  SolveOutcome run() {
    if (hooks_.on_open) hooks_.on_open(workspace_);
    for (const auto& notice : workspace_.split.notices) notify(notice);
    input_.findings = check_workspace(workspace_, {}, 0);
    bool going = contenders(cheap_jobs(workspace_));
    if (going) show("contenders without a language model");
    if (going) going = model_stages();
    return finish(!going);
  }

 private:
  void notify(const std::string& notice) {
    if (hooks_.on_notice) hooks_.on_notice(notice);
  }

  void show(const std::string& stage) {
    if (hooks_.on_table) hooks_.on_table(conclude(workspace_, input_), stage);
  }

  bool contender(const ContenderJob& job) {
    auto result = run_contender(workspace_, job, hooks_.stop, spec_.quiet);
    if (!result) return false;
    input_.contenders.push_back(std::move(*result));
    return true;
  }

  bool contenders(const std::vector<ContenderJob>& jobs) {
    for (const auto& job : jobs) {
      if (!contender(job)) return false;
    }
    return true;
  }

  bool model_stages() {
    local_ = open_local_model(workspace_);
    if (local_->model.default_template) notify("the base model brings no chat template; ChatML is used");
    const EncodedRows encoded = encode_rows(*local_, workspace_, workspace_.split.train);
    for (const auto& notice : encoded.notices) notify(notice);
    if (encoded.examples.empty()) return true;
    plan_ = plan_for(encoded);
    if (!prompted()) return false;
    show("prompted contenders");
    return plan_.epochs == 0 || tuned();
  }

  // The plan is remembered with the data's key and the budget: a second start does the same as the first.
  Plan plan_for(const EncodedRows& encoded) {
    const Path file = workspace_.folder / "plan.json";
    const std::string key =
        sha256_hex(fmt::format("{} {} {}", workspace_.data_key, local_->model.sha256, spec_.budget_seconds));
    if (std::filesystem::exists(file)) {
      auto json = parse_json(value_or_throw(read_file(file)), file.string());
      if (json && json->value("key", std::string()) == key) {
        if (auto plan = plan_from_json(json->at("plan"))) {
          if (hooks_.on_plan) hooks_.on_plan(*plan, {json->value("prefill", 0.0), json->value("train", 0.0)});
          return *plan;
        }
      }
    }
    const auto prefix = static_cast<double>(common_prefix(encoded.examples));
    PlanInput input;
    input.train_rows = encoded.examples.size();
    input.validation_rows = workspace_.split.validation.size();
    input.scored_rows = workspace_.split.validation.size() + workspace_.split.test.size();
    input.labels = workspace_.task.labels.size();
    input.answer_tokens = static_cast<double>(encoded.examples.front().answer.size());
    input.prefix_tokens = prefix;
    input.row_tokens = std::max(1.0, encoded.mean_tokens - prefix - input.answer_tokens);
    input.rates = measure_rates(*local_, encoded.examples);
    input.budget_seconds = spec_.budget_seconds;
    Plan plan = make_plan(input);
    if (encoded.examples.size() < fewest_rows_to_train) plan.epochs = 0;
    write_file(
        file,
        to_pretty_text(
            {{"key", key}, {"prefill", input.rates.prefill}, {"train", input.rates.train}, {"plan", to_json(plan)}}));
    if (hooks_.on_plan) hooks_.on_plan(plan, input.rates);
    return plan;
  }

  bool prompted() {
    versions_.push_back(prompt::zero_shot());
    if (plan_.shots > 0) versions_.push_back(prompt::few_shot(workspace_.split.train, workspace_.task, plan_.shots));
    if (plan_.knn_shots > 0) versions_.push_back(prompt::knn_few_shot(plan_.knn_shots));
    const classic::Bm25Index index(workspace_.split.train);
    for (const auto& version : versions_) {
      if (!contender(prompted_job(workspace_, *local_, version, &index))) return false;
    }
    return !plan_.probe || contender(probe_job(workspace_, *local_, hooks_.stop));
  }

  bool tuned() {
    train::TrainSpec spec;
    spec.epochs = plan_.epochs;
    spec.validations_per_epoch = plan_.validations_per_epoch;
    spec.max_seconds = plan_.max_train_seconds;
    spec.seed = workspace_.task.seed;
    spec.lora.seed = workspace_.task.seed;
    trained_ = train_run(workspace_, *local_, spec, hooks_.stop, spec_.quiet);
    if (!trained_ || !contender(tuned_job(workspace_, *local_, *trained_))) return false;
    input_.curves.push_back({trained_->run, trained_->steps, trained_->validations});
    diagnose::RunEvidence evidence{.run = trained_->run,
                                   .task = &workspace_.task,
                                   .steps = trained_->steps,
                                   .validations = trained_->validations,
                                   .validation_rows = input_.contenders.back().validation,
                                   .untuned_rows = {}};
    for (const auto& other : input_.contenders) {
      if (other.name == "zero-shot") evidence.untuned_rows = other.validation;
    }
    for (auto& finding : diagnose::diagnose(evidence)) input_.findings.push_back(std::move(finding));
    return true;
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
    }
    facts.emplace_back("test rows scored so far",
                       fmt::format("{} times over all contenders", workspace_.store.test_reads()));
    return facts;
  }

  const eval::ContenderResult* named(const Conclusion& conclusion, const std::string& name) const {
    for (const auto& contender : conclusion.report.contenders) {
      if (contender.name == name) return &contender;
    }
    return nullptr;
  }

  Path bundle_of(const Conclusion& conclusion) {
    const auto* chosen = named(conclusion, conclusion.report.recommendation.use);
    if (chosen == nullptr) chosen = named(conclusion, conclusion.best);
    if (chosen == nullptr) return {};
    BundleInput input{.contender = chosen,
                      .prompt = {},
                      .trained = trained_ ? &*trained_ : nullptr,
                      .local = local_ ? &*local_ : nullptr};
    for (const auto& version : versions_) {
      if (version.name == chosen->name) input.prompt = version;
    }
    return write_contender_bundle(workspace_, input, hooks_.stop);
  }

  SolveOutcome finish(bool interrupted) {
    SolveOutcome outcome;
    outcome.interrupted = interrupted;
    input_.facts = facts();
    outcome.conclusion = conclude(workspace_, input_);
    if (!interrupted) outcome.bundle = bundle_of(outcome.conclusion);
    const std::string folder = workspace_.task.folder.string();
    auto& commands = outcome.conclusion.report.next_commands;
    if (interrupted) commands.emplace_back("go on where this stopped", fmt::format("hone solve {}", folder));
    if (!outcome.bundle.empty()) {
      commands.emplace_back("ask the result one question",
                            fmt::format("hone ask {} \"your text\"", outcome.bundle.string()));
      commands.emplace_back("answer a file of rows",
                            fmt::format("hone ask {} --file rows.jsonl --json", outcome.bundle.string()));
    }
    commands.emplace_back("every run so far", fmt::format("hone runs list {}", folder));
    outcome.report = workspace_.task.folder / "report.html";
    write_file(outcome.report, report::html_report(outcome.conclusion.report));
    if (workspace_.task.target) {
      const auto* best = named(outcome.conclusion, outcome.conclusion.report.recommendation.use);
      const auto value = best == nullptr ? 0 : best->test_metrics.named.at(workspace_.task.metric).value;
      outcome.target_missed = value < *workspace_.task.target;
    }
    return outcome;
  }

  Workspace& workspace_;
  const SolveSpec& spec_;
  const SolveHooks& hooks_;
  ConcludeInput input_;
  Plan plan_;
  std::optional<LocalModel> local_;
  std::vector<data::PromptVersion> versions_;
  std::optional<TrainedRun> trained_;
};

}  // namespace

SolveOutcome solve(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks) {
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "solve.lock"));
  return Loop(workspace, spec, hooks).run();
}

Result<double> parse_duration(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc() || factor == 0 || value <= 0) {
    return make_error(ErrorCode::usage, "\"{}\" is not a duration; write 30s, 13m or 2h", text);
  }
  return value * factor;
}

}  // namespace hone::solve
