#include "solve/local_model.h"

#include <limits>

#include "base/clock.h"
#include "train/train.h"

namespace hone::solve {
namespace {

constexpr int max_row_tokens = 1024;
constexpr std::size_t measured_rows = 16;

}  // namespace

LocalModel open_local_model(const Workspace& workspace) {
  auto exec = std::make_unique<tensor::Exec>();
  model::Model opened = model::open_model(*exec, workspace.task.model, model::Parts::everything);
  generate::LocalOptions options;
  options.max_prompt_tokens = std::min(4096, opened.decoder->config().context);
  options.today = workspace.today;
  return {.exec = std::move(exec), .model = std::move(opened), .options = options};
}

EncodedRows encode_rows(const LocalModel& local, const Workspace& workspace, const std::vector<data::Row>& rows) {
  EncodedRows encoded;
  std::size_t cut = 0;
  const data::EncodeSpec spec{.max_tokens = std::min(max_row_tokens, local.model.decoder->config().context),
                              .today = workspace.today};
  for (const auto& row : rows) {
    auto example = data::encode_row(row, workspace.task, local.model.tokenizer, local.model.chat_template, spec);
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

Rates measure_rates(LocalModel& local, const std::vector<data::Example>& examples) {
  HONE_CHECK(!examples.empty());
  std::vector<const data::Example*> some;
  for (std::size_t i = 0; i < std::min(measured_rows, examples.size()); ++i) some.push_back(&examples[i]);
  const model::TrainBatch batch = train::pack(some);
  const model::Adapter adapter = model::Adapter::init(local.model.decoder->config(), {});
  model::Adapter gradients = adapter.zeros_like();
  // The first passes touch the weights, make kernels and wake the processor up: the best of five is what the run will
  // see.
  const auto best_seconds = [](const auto& pass) {
    double best = std::numeric_limits<double>::max();
    for (int i = 0; i < 5; ++i) {
      const Stopwatch watch;
      pass();
      best = std::min(best, watch.seconds());
    }
    return best;
  };
  const auto tokens = static_cast<double>(batch.ids.size());
  const double forward = best_seconds([&] { local.model.decoder->loss(*local.exec, batch, nullptr); });
  const double both =
      best_seconds([&] { local.model.decoder->loss_and_gradients(*local.exec, batch, adapter, gradients); });
  return {.prefill = tokens / forward, .train = tokens / both};
}

}  // namespace hone::solve
