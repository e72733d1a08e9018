// hone train: one fine-tuning run.
#include "base/clock.h"
#include "base/progress.h"
#include "cli/command.h"
#include "solve/train_stage.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  train::TrainSpec spec;
  std::string decay = "linear";
  bool json = false;
};

int run(Options options, std::stop_token stop) {
  solve::Workspace workspace = solve::open_workspace(options.task);
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "solve.lock"));
  solve::LocalModel local = solve::open_local_model(workspace);
  options.spec.decay = options.decay == "cosine" ? train::Decay::cosine : train::Decay::linear;
  options.spec.lora.seed = options.spec.seed;
  const auto trained = solve::train_run(workspace, local, options.spec, stop, {});
  if (!trained) {
    fail(ErrorCode::interrupted, "stopped; the same command goes on from the last checkpoint");
  }
  const auto contender = solve::run_contender(workspace, solve::tuned_job(workspace, local, *trained), stop, {});
  double step_seconds = 0;
  for (const auto& step : trained->steps) step_seconds += step.seconds;
  Json validation = nullptr;
  if (contender) validation = eval::to_json(contender->validation_metrics);
  if (options.json) {
    print_json({{"run", trained->run},
                {"adapter", trained->adapter_folder.string()},
                {"steps", trained->steps.size()},
                {"tokens", trained->tokens},
                {"seconds", trained->seconds},
                {"step_seconds", step_seconds},
                {"first_loss", trained->steps.empty() ? 0 : trained->steps.front().loss},
                {"last_loss", trained->steps.empty() ? 0 : trained->steps.back().loss},
                {"peak_bytes", peak_memory_bytes()},
                {"validation", validation}});
    return 0;
  }
  print_line(fmt::format("run {}: {} steps in {} ({})", trained->run, trained->steps.size(),
                         duration_text(trained->seconds), trained->ended));
  if (contender) {
    const auto& figure = contender->validation_metrics.named.at(workspace.task.metric);
    print_line(fmt::format("validation {} {:.3f} (95 %: {:.3f} to {:.3f})", workspace.task.metric, figure.value,
                           figure.low, figure.high));
  }
  print_line(fmt::format("adapter: {}\nnext: hone diagnose {} --task {}", trained->adapter_folder.string(),
                         trained->run, options.task));
  return 0;
}

}  // namespace

void add_train(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "train", "Fine-tune the task's base model (LoRA)", options->json);
  command->add_option("task", options->task, "Task folder (default: here)");
  command->add_option("--epochs", options->spec.epochs, "Passes over the rows")->check(CLI::PositiveNumber);
  command->add_option("--learning-rate", options->spec.learning_rate, "Peak learning rate")->check(CLI::PositiveNumber);
  command->add_option("--rank", options->spec.lora.rank, "LoRA rank")->check(CLI::Range(1, 512));
  command->add_option("--alpha", options->spec.lora.alpha, "LoRA alpha")->check(CLI::PositiveNumber);
  command->add_option("--batch", options->spec.batch_rows, "Rows a step")->check(CLI::PositiveNumber);
  command->add_option("--warmup", options->spec.warmup, "Share of the steps to warm up in")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--decay", options->decay, "linear or cosine")->check(CLI::IsMember({"linear", "cosine"}));
  command->add_option("--patience", options->spec.patience, "Validations without gain before stopping, 0 for never");
  command->add_option("--seed", options->spec.seed, "Of the data order and the adapter's start");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
