#include "solve/machine_bench.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/progress.h"
#include "eval/bootstrap.h"
#include "prompt/prompted.h"
#include "solve/answerer.h"
#include "solve/local_model.h"
#include "solve/planning.h"
#include "solve/precision_gate.h"
#include "solve/workspace.h"

namespace hone::solve {
namespace {

constexpr std::size_t most_timed = 40;  // asked one at a time
constexpr std::size_t warm_up = 3;

// The model under a bundle, a run or an adapter, asked zero-shot with the task whatever it was recorded to be kept in.
ModelReference without_record(ModelReference reference, const data::Task& task) {
  if (reference.base.empty() || (reference.kind != ModelKind::bare && reference.adapter.empty()))
    fail(ErrorCode::bad_input,
         "{}: no fine-tuned model and no bare one: `hone bench` times those; leave it out to time the task's base, {}",
         reference.given, base_model(task));
  reference.kind = ModelKind::bare;
  reference.run.reset();
  return reference;
}

std::vector<std::string> some_inputs(const std::vector<data::Row>& rows, std::size_t most) {
  std::vector<std::string> inputs;
  const std::size_t count = std::min(most, rows.size());
  for (std::size_t i = 0; i < count; ++i) inputs.push_back(rows[i * rows.size() / count].input);
  return inputs;
}

// The answers in the inputs' order; one that failed is empty.
std::vector<std::string> answers_of(Answerer& answerer, std::span<const std::string> inputs,
                                    const std::function<void()>& on_answer, const std::stop_token& stop) {
  std::vector<std::string> answers(inputs.size());
  const text::OnReply on_reply = [&](std::size_t i, const Result<text::Reply>& reply) {
    if (reply) answers[i] = reply->answer;
    on_answer();
  };
  answerer.answer(inputs, prompt::answer_spec(answerer.task()), on_reply, stop);
  return answers;
}

// Fills the answering figures; returns the answers.
std::vector<std::string> time_answers(Answerer& answerer, const std::vector<std::string>& inputs,
                                      PrecisionFigures& figures, const Quiet& quiet, const std::stop_token& stop) {
  const std::size_t timed = std::min(most_timed, inputs.size());
  Progress progress({fmt::format("answer ({})", model::name_of(figures.precision)), "rows", inputs.size() + timed, 0,
                     quiet.progress});
  std::uint64_t done = 0;
  const auto count = [&] { progress.update(++done); };
  const std::span<const std::string> all(inputs);
  answers_of(
      answerer, all.subspan(0, std::min(warm_up, all.size())), [] {}, stop);
  std::vector<double> milliseconds;
  for (std::size_t i = 0; i < timed && !stop.stop_requested(); ++i) {
    const Stopwatch watch;
    answers_of(answerer, all.subspan(i, 1), count, stop);
    milliseconds.push_back(1e3 * watch.seconds());
  }
  const Stopwatch watch;
  std::vector<std::string> answers = answers_of(answerer, all, count, stop);
  figures.rows_a_second = static_cast<double>(inputs.size()) / watch.seconds();
  std::sort(milliseconds.begin(), milliseconds.end());
  figures.latency_p50 = eval::quantile(milliseconds, 0.5);
  figures.latency_p90 = eval::quantile(milliseconds, 0.9);
  return answers;
}

void time_training(const Workspace& workspace, PrecisionFigures& figures, const std::stop_token& stop) {
  LocalModel local = open_local_model(workspace, figures.precision);
  const EncodedRows encoded = encode_rows(local, workspace, workspace.split.train);
  if (encoded.examples.empty()) return;
  const PlanInput input = measured_input(workspace, local, encoded, {}, stop);
  figures.epoch_seconds = training_seconds(input, {.epochs = 1, .validations_per_epoch = 0});
  figures.train_rows_a_second = static_cast<double>(encoded.examples.size()) / figures.epoch_seconds;
}

void keep_what_was_seen(const std::optional<Json>& key, MachineBench& bench) {
  if (!key || bench.interrupted || bench.figures.empty()) return;
  const PrecisionFigures& figures = bench.figures.back();
  HONE_CHECK(figures.precision == model::Precision::int8);
  try {
    keep_gate(*key, {.rows = figures.compared, .differing = figures.differing, .date = utc_today()});
    bench.is_kept = true;
  } catch (const Failure& failure) {
    bench.notices.push_back(fmt::format("what int8 showed is not kept: {}", failure.what()));
  }
}

}  // namespace

MachineBench bench_machine(const MachineBenchSpec& spec, const std::stop_token& stop) {
  const Workspace workspace = open_workspace(spec.task);
  MachineBench bench;
  bench.task = workspace.task;
  bench.train_rows = workspace.split.train.size();
  if (workspace.split.train.empty()) fail(ErrorCode::bad_input, "{}: no training rows", spec.task.string());
  const std::string name = spec.model.empty() ? base_model(workspace.task) : spec.model;
  const ModelReference given = resolve_model(name, spec.task, {.base = spec.base, .precision = {}});
  const std::optional<Json> key =
      given.precision == model::Precision::f32 ? gate_key(given, workspace.task) : std::nullopt;
  const ModelReference reference = without_record(given, workspace.task);
  bench.model = reference.given;
  const std::vector<std::string> inputs = some_inputs(workspace.split.train, spec.rows);
  std::vector<std::string> exact;
  for (const model::Precision precision : {model::Precision::f32, model::Precision::int8}) {
    PrecisionFigures figures;
    figures.precision = precision;
    ModelReference as = reference;
    as.precision = precision;
    std::vector<std::string> answers;
    {
      const Stopwatch opening;
      const std::unique_ptr<Answerer> answerer = Answerer::open(as, &workspace.task);
      figures.open_seconds = opening.seconds();
      if (exact.empty()) bench.notices = answerer->notices();
      answers = time_answers(*answerer, inputs, figures, spec.quiet, stop);
    }
    if (stop.stop_requested()) break;
    time_training(workspace, figures, stop);
    figures.peak_bytes = peak_memory_bytes();
    if (exact.empty()) exact = answers;
    figures.compared = inputs.size();
    for (std::size_t i = 0; i < inputs.size(); ++i) figures.differing += answers[i] != exact[i] ? 1 : 0;
    bench.figures.push_back(figures);
  }
  bench.interrupted = stop.stop_requested();
  keep_what_was_seen(key, bench);
  return bench;
}

}  // namespace hone::solve
