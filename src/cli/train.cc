// hone train: one fine-tuning run.
#include <limits>

#include "base/clock.h"
#include "base/progress.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "diagnose/diagnose.h"
#include "solve/model_reference.h"
#include "solve/train_stage.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  train::TrainSpec spec;
  std::string decay = "linear";
  bool json = false;
};

Json validation_document(const eval::ContenderResult& contender) {
  Json json = {{"metrics", eval::named_json(contender.validation_metrics)}};
  json.update(eval::detail_json(contender.validation_metrics));
  return json;
}

Json train_document(const solve::TrainedRun& trained, const std::optional<eval::ContenderResult>& contender) {
  double step_seconds = 0;
  for (const auto& step : trained.steps) step_seconds += step.seconds;
  return {{"run", trained.run},
          {"adapter", trained.adapter_folder.string()},
          {"steps", trained.steps.size()},
          {"ended", trained.ended},
          {"tokens", trained.tokens},
          {"seconds", trained.seconds},
          {"step_seconds", step_seconds},
          {"first_loss", trained.steps.empty() ? 0 : trained.steps.front().loss},
          {"last_loss", trained.steps.empty() ? 0 : trained.steps.back().loss},
          {"peak_bytes", peak_memory_bytes()},
          {"validation", contender ? validation_document(*contender) : Json()}};
}

void print_trained(const Options& options, const solve::Workspace& workspace, const solve::TrainedRun& trained,
                   const std::optional<eval::ContenderResult>& contender) {
  print_line(fmt::format("run {}: {} steps in {} ({})", trained.run, trained.steps.size(),
                         duration_text(trained.seconds), trained.ended));
  const std::string& metric = workspace.task.metric;
  if (contender && contender->validation_metrics.named.contains(metric)) {
    const auto& figure = contender->validation_metrics.named.at(metric);
    print_line(
        fmt::format("validation {} {:.3f} (95 %: {:.3f} to {:.3f})", metric, figure.value, figure.low, figure.high));
  }
  print_line(fmt::format("adapter: {}\nnext: hone diagnose {} --task {}", trained.adapter_folder.string(), trained.run,
                         shell_word(options.task)));
}

// What went wrong, then the error itself.
[[noreturn]] void broke_down(const solve::Workspace& workspace, const solve::TrainResult& result) {
  for (const auto& finding : diagnose::diagnose_run(workspace.store, workspace.task, result.run)) {
    warn(
        fmt::format("{} {} ({})", printable(finding.title), printable(finding.suggestion), printable(finding.command)));
  }
  fail(ErrorCode::bad_input, "run {}: {}", result.run, result.why);
}

int run(Options options, const std::stop_token& stop) {
  solve::Workspace workspace = solve::open_workspace(options.task);
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "solve.lock"));
  solve::LocalModel local = solve::open_local_model(workspace);
  if (local.model.default_template) warn(solve::no_template_notice(local.model));
  options.spec.decay = options.decay == "cosine" ? train::Decay::cosine : train::Decay::linear;
  options.spec.lora.seed = options.spec.seed;
  const solve::TrainJobSpec job{
      .spec = options.spec, .max_seconds = 0, .max_steps = 0, .checkpoint_folder = {}, .quiet = {}};
  const solve::TrainResult result = solve::train_run(workspace, local, job, stop);
  if (result.end == solve::TrainEnd::failed) broke_down(workspace, result);
  if (result.end == solve::TrainEnd::interrupted) {
    fail(ErrorCode::interrupted, "stopped; the same command goes on from the last checkpoint");
  }
  // The validation rows alone: every look at the test rows makes them less of a judge.
  const auto contender =
      solve::validate_contender(workspace, solve::tuned_job(workspace, local, *result.trained), stop, {});
  if (options.json) {
    print_json(train_document(*result.trained, contender));
  } else {
    print_trained(options, workspace, *result.trained, contender);
  }
  if (contender) return 0;
  warn("stopped while the validation rows were scored; the adapter is kept, and the same command goes on");
  return exit_code(ErrorCode::interrupted);
}

}  // namespace

void add_train(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "train", "Fine-tune the task's base model (LoRA)", options->json);
  command->add_option("task", options->task, "Task folder (default: here)");
  command->add_option("--epochs", options->spec.epochs, "Passes over the rows")->check(CLI::PositiveNumber);
  command->add_option("--learning-rate", options->spec.learning_rate, "Peak learning rate")
      ->check(number_between(1e-12, 1e38));
  command->add_option("--rank", options->spec.lora.rank, "LoRA rank")->check(CLI::Range(1, 512));
  command->add_option("--alpha", options->spec.lora.alpha, "LoRA alpha")->check(number_between(1e-3, 1e6));
  command->add_option("--batch", options->spec.batch_rows, "Rows a step")->check(CLI::PositiveNumber);
  command->add_option("--warmup", options->spec.warmup, "Share of the steps to warm up in")
      ->check(number_between(0, 1));
  command->add_option("--decay", options->decay, "linear or cosine")->check(CLI::IsMember({"linear", "cosine"}));
  command->add_option("--patience", options->spec.patience, "Validations without gain before stopping, 0 for never")
      ->check(CLI::Range(0, 1000000));
  command->add_option("--seed", options->spec.seed, "Of the data order and the adapter's start")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
