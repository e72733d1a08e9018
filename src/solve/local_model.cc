#include "solve/local_model.h"

#include <limits>

#include "base/clock.h"

namespace hone::solve {
namespace {

constexpr int max_row_tokens = 1024;
constexpr std::size_t measured_rows = 16;
constexpr std::size_t measured_tokens = 512;
constexpr double most_reading_seconds = 3.5;  // all passes of one kind together
constexpr double most_training_seconds = 2.5;
constexpr int decoded_tokens = 12;

int most_answer_tokens(const Workspace& workspace, const model::Model& model) {
  if (workspace.task.kind == data::Kind::classify) return 0;
  std::size_t longest = 0;
  for (const auto& row : workspace.split.train) longest = std::max(longest, model.tokenizer.encode(row.output).size());
  const auto most = static_cast<int>(longest + longest / 2 + 16);
  return std::min(most, model.decoder->config().context / 2);
}

void check_going(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped while the machine was measured");
}

// The first passes touch the weights, make kernels and wake the processor up, and a machine may take seconds to reach
// its speed. So passes go on until the best of them was not beaten by more than 3 % for a while: the best one is what
// the run will see.
template <class Pass>
double settled_seconds(const Pass& pass, double most_seconds, const std::stop_token& stop) {
  constexpr double gain = 0.97;
  constexpr int unbeaten_passes = 3;
  constexpr double unbeaten_seconds = 0.7;
  constexpr int enough_passes = 50;  // of a model so small that they take no time
  double best = std::numeric_limits<double>::max();
  double settled = best;  // what has to be beaten
  int since = 0;
  const Stopwatch all;
  Stopwatch unbeaten;
  for (int i = 0; i < 2 || all.seconds() < most_seconds; ++i) {
    check_going(stop);
    const Stopwatch watch;
    pass();
    const double seconds = watch.seconds();
    best = std::min(best, seconds);
    ++since;
    if (seconds < gain * settled) {
      settled = seconds;
      since = 0;
      unbeaten = Stopwatch();
    }
    if (since >= unbeaten_passes && (unbeaten.seconds() >= unbeaten_seconds || i >= enough_passes)) break;
  }
  return best;
}

// Tokens a second of `rows` answers decoded together: what a longer answer takes beyond a shorter one.
double decode_rate(LocalModel& local, std::size_t rows, const std::stop_token& stop) {
  const auto responder = generate::local_responder(*local.exec, local.model, nullptr, local.options);
  const auto answer = [&](int tokens) {
    std::vector<text::Request> requests(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      requests[i].id = fmt::format("{}", i);
      requests[i].messages = {{"user", fmt::format("Count from {} upwards.", i)}};
      requests[i].answer.max_tokens = tokens;
    }
    int decoded = 0;
    const Stopwatch watch;
    responder->respond(
        requests,
        [&](std::size_t, const Result<text::Reply>& reply) { decoded += reply ? reply->usage.completion_tokens : 0; },
        stop);
    check_going(stop);
    return std::pair{watch.seconds(), decoded};
  };
  answer(1);
  const auto [short_seconds, short_tokens] = answer(1);
  const auto [long_seconds, long_tokens] = answer(decoded_tokens);
  if (long_tokens <= short_tokens || long_seconds <= short_seconds) return 0;
  return (long_tokens - short_tokens) / (long_seconds - short_seconds);
}

}  // namespace

const model::CatalogueEntry* missing_model(const data::Task& task) {
  const auto* entry = model::find_in_catalogue(task.model);
  return entry == nullptr || model::is_cached(*entry) ? nullptr : entry;
}

std::string base_identity(const model::Model& model) {
  return model.precision == model::Precision::f32 ? model.sha256
                                                  : fmt::format("{} {}", model.sha256, model::name_of(model.precision));
}

LocalModel open_local_model(const Workspace& workspace, model::Precision precision) {
  auto exec = std::make_unique<tensor::Exec>(workspace.threads);
  model::Model opened = model::open_model(*exec, workspace.task.model, model::Parts::everything, precision);
  generate::LocalOptions options;
  options.max_prompt_tokens = std::min(4096, opened.decoder->config().context);
  options.today = workspace.today;
  const int most = most_answer_tokens(workspace, opened);
  return {.exec = std::move(exec), .model = std::move(opened), .options = options, .most_answer_tokens = most};
}

EncodedRows encode_rows(const LocalModel& local, const Workspace& workspace, const std::vector<data::Row>& rows) {
  return encode_rows(local.model, local.model.decoder->config().context, workspace, rows);
}

EncodedRows encode_rows(const model::Model& model, int context, const Workspace& workspace,
                        const std::vector<data::Row>& rows) {
  EncodedRows encoded;
  std::size_t cut = 0;
  const data::EncodeSpec spec{.max_tokens = std::min(max_row_tokens, context), .today = workspace.today};
  for (const auto& row : rows) {
    auto example = data::encode_row(row, workspace.task, model.tokenizer, model.chat_template, spec);
    if (!example) {
      encoded.notices.push_back(fmt::format("row {} is left out of training: {}", row.id, example.error().message));
      continue;
    }
    cut += example->cut_tokens > 0 ? 1 : 0;
    encoded.mean_tokens += static_cast<double>(example->prompt.size() + example->answer.size());
    encoded.examples.push_back(std::move(*example));
  }
  if (!encoded.examples.empty()) encoded.mean_tokens /= static_cast<double>(encoded.examples.size());
  if (cut > 0) {
    encoded.notices.push_back(
        fmt::format("{} rows are longer than {} tokens; the middle of their input was cut", cut, spec.max_tokens));
  }
  return encoded;
}

Rates assumed_rates(int threads) {
  const auto cores = static_cast<double>(std::max(1, threads));
  return {.prefill = 500 * cores, .train = 180 * cores, .decode = 60 * cores, .decode_alone = 15 * cores};
}

Rates measure_rates(LocalModel& local, const std::vector<data::Example>& examples, const train::TrainSpec& spec,
                    const std::stop_token& stop) {
  HONE_CHECK(!examples.empty());
  std::vector<const data::Example*> some;
  const std::size_t most = std::min(measured_tokens, static_cast<std::size_t>(spec.micro_batch_tokens));
  std::size_t held = 0;
  for (std::size_t i = 0; i < std::min(measured_rows, examples.size()); ++i) {
    const std::size_t length = examples[i].prompt.size() + examples[i].answer.size();
    if (!some.empty() && held + length > most) break;
    held += length;
    some.push_back(&examples[i]);
  }
  const model::TrainBatch batch =
      train::pack(some, {.sharing = train::sharing_of(spec), .prompt_weight = spec.prompt_loss_weight});
  const model::TrainingPass pass{
      .noise = {.seed = spec.seed, .step = 1, .dropout = spec.lora.dropout, .embedding = spec.neftune},
      .activations = spec.activations};
  const model::Adapter adapter = model::Adapter::init(local.model.decoder->config(), spec.lora);
  model::Adapter gradients = adapter.zeros_like();
  const auto tokens = static_cast<double>(batch.ids.size());
  const double forward =
      settled_seconds([&] { local.model.decoder->loss(*local.exec, batch, nullptr); }, most_reading_seconds, stop);
  const double both =
      settled_seconds([&] { local.model.decoder->loss_and_gradients(*local.exec, batch, adapter, gradients, pass); },
                      most_training_seconds, stop);
  Rates rates{.prefill = tokens / forward, .train = tokens / both, .is_measured = true};
  if (local.most_answer_tokens > 0) {
    rates.decode = decode_rate(local, measured_rows, stop);
    rates.decode_alone = decode_rate(local, 1, stop);
  }
  return rates;
}

}  // namespace hone::solve
