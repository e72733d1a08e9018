#include "prompt/prompted.h"

#include <algorithm>
#include <map>

#include "base/rng.h"

namespace hone::prompt {
namespace {

// Row indices by label (one bucket for tasks without labels), each bucket cut to rows of at most median length and
// shuffled.
std::vector<std::vector<std::size_t>> short_rows_by_label(std::span<const data::Row> train, const data::Task& task) {
  std::map<std::string, std::vector<std::size_t>> by_output;
  for (std::size_t i = 0; i < train.size(); ++i) {
    by_output[task.kind == data::Kind::classify ? train[i].output : std::string()].push_back(i);
  }
  std::vector<std::vector<std::size_t>> buckets;
  Rng rng(task.seed, 0x5407);
  for (auto& [output, rows] : by_output) {
    std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
      return train[a].input.size() + train[a].output.size() < train[b].input.size() + train[b].output.size();
    });
    rows.resize((rows.size() + 1) / 2);
    rng.shuffle(rows);
    buckets.push_back(std::move(rows));
  }
  rng.shuffle(buckets);
  return buckets;
}

}  // namespace

data::PromptVersion zero_shot() { return {.name = "zero-shot", .shots = {}, .knn_shots = 0}; }

data::PromptVersion few_shot(std::span<const data::Row> train, const data::Task& task, int k) {
  const auto buckets = short_rows_by_label(train, task);
  std::vector<const data::Row*> chosen;
  for (std::size_t round = 0; chosen.size() < static_cast<std::size_t>(k); ++round) {
    const std::size_t before = chosen.size();
    for (const auto& bucket : buckets) {
      if (round < bucket.size() && chosen.size() < static_cast<std::size_t>(k)) chosen.push_back(&train[bucket[round]]);
    }
    if (chosen.size() == before) break;
  }
  return {.name = fmt::format("few-shot, {} examples", chosen.size()), .shots = data::shots_of(chosen), .knn_shots = 0};
}

data::PromptVersion knn_few_shot(int k) {
  return {.name = fmt::format("few-shot, {} nearest", k), .shots = {}, .knn_shots = k};
}

RequestMaker::RequestMaker(const data::Task& task, data::PromptVersion version, std::span<const data::Row> train,
                           const classic::Bm25Index* index, int max_tokens)
    : task_(&task), version_(std::move(version)), train_(train), index_(index), max_tokens_(max_tokens) {
  HONE_CHECK(version_.knn_shots == 0 || index_ != nullptr);
}

text::Request RequestMaker::operator()(const data::Row& row) const {
  std::vector<text::Message> shots = version_.shots;
  if (version_.knn_shots > 0) {
    auto hits = index_->nearest(row.input, version_.knn_shots);
    std::reverse(hits.begin(), hits.end());
    std::vector<const data::Row*> nearest;
    for (const auto& hit : hits) nearest.push_back(&train_[hit.row]);
    shots = data::shots_of(nearest);
  }
  text::AnswerSpec answer = answer_spec(*task_);
  if (max_tokens_ > 0) answer.max_tokens = max_tokens_;
  return {.id = row.id, .messages = data::conversation(*task_, shots, row.input), .answer = std::move(answer)};
}

text::Request bare_request(const data::Task& task, const data::Row& row) {
  return {.id = row.id, .messages = {{"user", row.input}}, .answer = answer_spec(task)};
}

text::AnswerSpec answer_spec(const data::Task& task) {
  text::AnswerSpec spec;
  if (task.kind == data::Kind::classify) {
    spec.labels = task.labels;
    spec.abstain = task.abstain;
  }
  return spec;
}

}  // namespace hone::prompt
