#include "solve/evaluate.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/progress.h"
#include "model/catalogue.h"

namespace hone::solve {

struct Answerer::State {
  data::Task task;
  Json identity;
  std::unique_ptr<tensor::Exec> exec;
  std::unique_ptr<generate::Bundle> bundle;
  std::optional<model::Model> model;
  std::optional<model::Adapter> adapter;
  std::unique_ptr<text::Responder> responder;
};

namespace {

Path store_file(const data::Task& task) { return task.folder / ".hone" / "store.db"; }

// The recorded run MODEL names, if the task has a store that knows it.
std::optional<track::RunRecord> recorded_run(const std::string& model, const data::Task& task) {
  if (!std::filesystem::exists(store_file(task))) return std::nullopt;
  return track::Store::open(store_file(task)).find(model);
}

}  // namespace

Answerer::Answerer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Answerer::~Answerer() = default;
const data::Task& Answerer::task() const { return state_->task; }
Json Answerer::identity() const { return state_->identity; }

std::unique_ptr<Answerer> Answerer::open(const std::string& model, const data::Task* task) {
  auto state = std::make_unique<State>();
  state->exec = std::make_unique<tensor::Exec>();
  if (generate::is_bundle(model)) {
    state->bundle = generate::Bundle::open(*state->exec, model);
    state->task = task != nullptr ? *task : state->bundle->record().task;
    state->identity = {{"bundle", model}, {"contender", state->bundle->record().contender}};
    return std::unique_ptr<Answerer>(new Answerer(std::move(state)));
  }
  if (task == nullptr) {
    fail(ErrorCode::usage, "{} is not a bundle, so the task must be named: --task FOLDER", model);
  }
  state->task = *task;
  std::string base = model;
  Path adapter;
  if (const auto run = recorded_run(model, *task)) {
    std::string trained = run->id;
    if (run->manifest.contains("contender")) {
      const Json& spec = run->manifest.at("contender").at("spec");
      if (!spec.contains("run")) {
        fail(ErrorCode::unsupported,
             "run {} is \"{}\", which is not a trained model; give a train run, a bundle or a model", run->id,
             run->name);
      }
      trained = spec.at("run").get<std::string>();
    }
    adapter = task->folder / ".hone" / "adapters" / trained;
    base = task->model.empty() ? model::default_model : task->model;
    state->identity = {{"run", trained}};
  }
  state->model = model::open_model(*state->exec, base, model::Parts::everything);
  if (!adapter.empty()) state->adapter = value_or_throw(model::Adapter::load(adapter, state->model->decoder->config()));
  if (state->identity.is_null()) state->identity = {{"model", base}, {"sha256", state->model->sha256}};
  generate::LocalOptions options;
  options.today = utc_today();
  options.max_prompt_tokens = std::min(4096, state->model->decoder->config().context);
  state->responder =
      generate::local_responder(*state->exec, *state->model, state->adapter ? &*state->adapter : nullptr, options);
  return std::unique_ptr<Answerer>(new Answerer(std::move(state)));
}

void Answerer::answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer,
                      const text::OnReply& on_reply, std::stop_token stop) {
  if (state_->bundle) {
    state_->bundle->answer(inputs, base_answer, on_reply, std::move(stop));
    return;
  }
  std::vector<text::Request> requests;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text::AnswerSpec answer = base_answer;
    const text::AnswerSpec task_answer = prompt::answer_spec(state_->task);
    answer.labels = task_answer.labels;
    answer.abstain = task_answer.abstain;
    requests.push_back({.id = fmt::format("{}", i + 1),
                        .messages = data::conversation(state_->task, {}, inputs[i]),
                        .answer = answer});
  }
  state_->responder->respond(requests, on_reply, std::move(stop));
}

EvalOutcome evaluate(const EvalSpec& spec, std::stop_token stop) {
  std::optional<data::Task> task;
  if (!spec.task.empty()) task = value_or_throw(data::load_task(spec.task));
  const auto answerer = Answerer::open(spec.model, task ? &*task : nullptr);
  data::Imported imported = value_or_throw(data::import_rows(spec.data, answerer->task()));
  if (imported.rows.empty()) fail(ErrorCode::bad_input, "{} holds no usable row", spec.data.string());
  std::vector<std::string> inputs;
  for (const auto& row : imported.rows) inputs.push_back(row.input);
  EvalOutcome outcome;
  outcome.metric = answerer->task().metric;
  outcome.rejected = std::move(imported.rejected);
  std::vector<std::optional<eval::ScoredRow>> scored(inputs.size());
  Progress progress({.label = "eval", .unit = "rows", .total = inputs.size(), .quiet = spec.quiet.progress});
  std::size_t done = 0;
  answerer->answer(
      inputs, {},
      [&](std::size_t i, const Result<text::Reply>& reply) {
        scored[i] = eval::score_row(imported.rows[i], reply, answerer->task());
        progress.update(++done);
      },
      stop);
  std::string lines;
  for (auto& row : scored) {
    if (!row) continue;
    lines += to_text(eval::to_json(*row)) + "\n";
    outcome.rows.push_back(std::move(*row));
  }
  outcome.metrics = eval::measure(outcome.rows, answerer->task(), answerer->task().seed);
  outcome.rows_file = spec.data;
  outcome.rows_file += ".scored.jsonl";
  if (task) {
    track::Store store = track::Store::open(store_file(*task));
    const Json manifest = {
        {"eval", answerer->identity()},
        {"data", {{"file", spec.data.string()}, {"sha256", value_or_throw(sha256_file(spec.data))}}}};
    outcome.run = store.begin("eval", "eval", manifest);
    store.append_rows(outcome.run, "test", outcome.rows);
    store.finish(outcome.run, stop.stop_requested() ? track::RunStatus::interrupted : track::RunStatus::finished,
                 {{"test", eval::to_json(outcome.metrics)}});
    outcome.rows_file = task->folder / ".hone" / "rows" / (outcome.run + ".jsonl");
  }
  write_file(outcome.rows_file, lines);
  return outcome;
}

}  // namespace hone::solve
