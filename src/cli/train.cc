// hone train: one fine-tuning run.
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/progress.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/precision.h"
#include "diagnose/diagnose.h"
#include "solve/machine.h"
#include "solve/model_reference.h"
#include "solve/train_plan.h"
#include "solve/train_stage.h"

namespace hone::cli {
namespace {

constexpr int most_rank = 512;

struct Options {
  std::string task = ".";
  train::TrainSpec spec;
  std::string decay = "linear";
  std::vector<std::string> targets, rank_patterns, alpha_patterns;
  bool root_scaling = false, recompute = false;
  std::optional<model::Precision> precision;
  bool plan = false;
  bool json = false;
};

// The training that the options ask for. Failure (usage) naming the option that says what it cannot say.
train::TrainSpec spec_of(const Options& options) {
  train::TrainSpec spec = options.spec;
  spec.decay = options.decay == "cosine" ? train::Decay::cosine : train::Decay::linear;
  spec.lora.seed = spec.seed;
  if (options.root_scaling) spec.lora.scaling = model::Scaling::by_root;
  if (options.recompute) spec.activations = model::Activations::recomputed;
  for (const std::string& name : options.targets) {
    const auto site = model::site_named(name);
    if (!site) fail(ErrorCode::usage, "--targets: {}", site.error().message);
    spec.lora.targets.push_back(*site);
  }
  const auto each = [](const char* option, const std::vector<std::string>& patterns, double least, const auto& take) {
    for (const std::string& text : patterns) {
      const std::size_t at = text.rfind('=');
      double value = 0;
      const bool is_good = at != std::string::npos && at > 0 && CLI::detail::lexical_cast(text.substr(at + 1), value) &&
                           value >= least && value <= 1e6;
      if (!is_good)
        fail(ErrorCode::usage, "{} {}: expected PATTERN=NUMBER, as q_proj=8, with a number of at least {}", option,
             printable(text), least);
      take(text.substr(0, at), value);
    }
  };
  each("--rank-pattern", options.rank_patterns, 1, [&](const std::string& pattern, double value) {
    if (value != std::floor(value) || value > most_rank)
      fail(ErrorCode::usage, "--rank-pattern {}: a rank is a whole number from 1 to {}", printable(pattern), most_rank);
    spec.lora.rank_pattern.emplace_back(pattern, static_cast<int>(value));
  });
  each("--alpha-pattern", options.alpha_patterns, 0, [&](const std::string& pattern, double value) {
    spec.lora.alpha_pattern.emplace_back(pattern, static_cast<float>(value));
  });
  return spec;
}

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
          {"changes_nothing", trained.adapter.changes_nothing()},
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
  if (contender && contender->validation_metrics.failed == contender->validation_metrics.n)
    print_wrapped("No validation row could be answered with this adapter; `hone diagnose` says why.");
  if (trained.adapter.changes_nothing())
    print_wrapped(
        "The best validation came before the first weight had changed, so this adapter answers exactly as its base "
        "model does. Train longer (--epochs), faster (--learning-rate), or with more rows.");
  const std::string task = shell_word(options.task);
  print_line(fmt::format("adapter: {}", printable(trained.adapter_folder.string())));
  print_line(
      fmt::format("next: hone diagnose {0} --task {1}\n      hone ask {0} \"a text\" --task {1}", trained.run, task));
}

Json plan_document(const solve::TrainingNeeds& needs, model::Precision precision) {
  return {{"plan",
           {{"precision", model::name_of(precision)},
            {"memory_bytes",
             {{"weights", needs.weights},
              {"adapter", needs.adapter},
              {"activations", needs.activations},
              {"program", needs.program},
              {"total", needs.total()},
              {"available", needs.available}}},
            {"steps", needs.steps},
            {"tokens", needs.tokens},
            {"tokens_at_once", needs.largest_batch},
            {"seconds", needs.seconds}}}};
}

void print_plan(const solve::TrainingNeeds& needs, const train::TrainSpec& spec, model::Precision precision) {
  const auto part = [](const char* name, std::uint64_t bytes, const std::string& what) {
    print_line(fmt::format("  {:<12} {:>9}  {}", name, bytes_text(bytes), what));
  };
  print_line(
      fmt::format("memory: about {} of the {} that are free", bytes_text(needs.total()), bytes_text(needs.available)));
  part("weights", needs.weights, fmt::format("kept as {}", model::name_of(precision)));
  part("adapter", needs.adapter, fmt::format("rank {}, with gradients and moments", spec.lora.rank));
  part("activations", needs.activations, fmt::format("of {} tokens at once", needs.largest_batch));
  part("program", needs.program, "code, tokenizer, rows");
  print_line(
      fmt::format("time: about {} for {} steps, validations included", duration_text(needs.seconds), needs.steps));
}

// What went wrong, then the error itself.
[[noreturn]] void broke_down(const solve::Workspace& workspace, const solve::TrainResult& result) {
  for (const auto& finding : diagnose::diagnose_run(workspace.store, workspace.task, result.run)) {
    warn(
        fmt::format("{} {} ({})", printable(finding.title), printable(finding.suggestion), printable(finding.command)));
  }
  fail(ErrorCode::bad_input, "run {}: {}", result.run, result.why);
}

// What the open model takes on top of what is known of memory.
int plan(const Options& options, solve::LocalModel& local, const solve::TrainingQuestion& question,
         solve::TrainingNeeds needs, const std::stop_token& stop) {
  solve::measure_training(local, question, stop, needs);
  options.json ? print_json(plan_document(needs, question.precision))
               : print_plan(needs, question.spec, question.precision);
  return 0;
}

int run(const Options& options, const std::stop_token& stop) {
  const train::TrainSpec spec = spec_of(options);
  solve::Workspace workspace = solve::open_workspace(options.task);
  const solve::TrainingQuestion question{workspace, spec,
                                         model::chosen_precision(options.precision.value_or(model::Precision::f32)),
                                         solve::available_memory_bytes()};
  const solve::TrainingNeeds needs = solve::needs_that_fit(question);
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "solve.lock"));
  solve::mark_killed_runs(workspace);
  solve::LocalModel local = solve::open_local_model(workspace, question.precision);
  if (options.plan) return plan(options, local, question, needs, stop);
  if (local.model.default_template) warn(solve::no_template_notice(local.model));
  for (const std::string& notice : train::notices(spec)) warn(notice);
  const solve::TrainJobSpec job{.spec = spec, .max_seconds = 0, .max_steps = 0, .checkpoint_folder = {}, .quiet = {}};
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
    if (result.was_trained_before)
      print_line("Trained before with the same rows and settings: nothing was left to do.");
    print_trained(options, workspace, *result.trained, contender);
  }
  if (contender) return 0;
  warn("stopped while the validation rows were scored; the adapter is kept, and the same command goes on");
  return exit_code(ErrorCode::interrupted);
}

}  // namespace

namespace {

void add_lora_options(CLI::App& command, Options& options) {
  command.add_option("--targets", options.targets, "Maps to adapt, as q_proj,v_proj (default: all seven)")
      ->delimiter(',');
  command.add_option("--layers", options.spec.lora.layers, "Layers to adapt, as 0,1,2 (default: all)")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  command.add_option("--rank-pattern", options.rank_patterns, "PATTERN=RANK: another rank for the maps it matches");
  command.add_option("--alpha-pattern", options.alpha_patterns, "PATTERN=ALPHA: another alpha");
  command.add_flag("--rslora", options.root_scaling, "Scale by alpha / sqrt(rank) instead of alpha / rank");
  command.add_option("--lora-plus", options.spec.b_rate_ratio, "LoRA+: B learns this many times as fast as A")
      ->check(number_between(1e-3, 1e3));
  command.add_option("--dropout", options.spec.lora.dropout, "Share of the adapter's inputs set to 0 while training")
      ->check(number_between(0, 0.99));
  command.add_option("--neftune", options.spec.neftune, "Strength of noise on embeddings while training (often 5)")
      ->check(number_between(0, 1e3));
  command
      .add_option("--prompt-loss-weight", options.spec.prompt_loss_weight,
                  "Weight of the prompt's tokens in the loss (default 0)")
      ->check(number_between(0, 1e3));
  command.add_flag("--checkpoint-activations", options.recompute,
                   "Less memory, more time: run each layer again on the way back");
}

}  // namespace

void add_train(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "train", "Fine-tune the task's base model (LoRA)", options->json);
  command->add_option("task", options->task, "Task folder (default: here)");
  command->add_option("--epochs", options->spec.epochs, "Passes over the rows")->check(CLI::PositiveNumber);
  command->add_option("--learning-rate", options->spec.learning_rate, "Peak learning rate")
      ->check(number_between(1e-12, 1e38));
  command->add_option("--rank", options->spec.lora.rank, "LoRA rank")->check(CLI::Range(1, most_rank));
  command->add_option("--alpha", options->spec.lora.alpha, "LoRA alpha")->check(number_between(1e-3, 1e6));
  command->add_option("--batch", options->spec.batch_rows, "Rows a step")->check(CLI::PositiveNumber);
  command->add_option("--warmup", options->spec.warmup, "Share of the steps to warm up in")
      ->check(number_between(0, 1));
  command->add_option("--decay", options->decay, "linear or cosine")->check(CLI::IsMember({"linear", "cosine"}));
  command->add_option("--patience", options->spec.patience, "Validations without gain before stopping, 0 for never")
      ->check(CLI::Range(0, 1000000));
  command->add_option("--seed", options->spec.seed, "Of the data order and the adapter's start")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  add_lora_options(*command, *options);
  command
      ->add_option("--micro-batch", options->spec.micro_batch_tokens, "Tokens computed at once: fewer take less memory")
      ->check(CLI::Range(1, 1 << 20));
  add_precision(*command, options->precision, "How the base's weights are kept");
  command->add_flag("--plan", options->plan, "Say what memory and time it takes, and stop there");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
