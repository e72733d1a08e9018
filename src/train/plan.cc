#include "train/plan.h"

#include <numeric>

#include "base/rng.h"
#include "text/token_tree.h"

namespace hone::train {

namespace {

// Keeps the data order apart from other uses of the same seed.
constexpr std::uint64_t order_stream = 0x6f72646572ULL;

struct Cut {
  StepPlan micro_batches;
  std::int64_t computed = 0;
};

Cut cut_step(std::span<const data::Example> examples, std::span<const int> rows, const TrainSpec& spec) {
  std::vector<std::vector<text::TokenId>> ids;
  for (const int row : rows) ids.push_back(run_ids(examples[static_cast<std::size_t>(row)]));
  const std::vector<std::span<const text::TokenId>> sequences(ids.begin(), ids.end());
  const bool shares = sharing_of(spec) == Sharing::prefixes;
  Cut cut;
  std::int64_t held = 0;
  int before = -1;
  for (const int i : text::lexicographic_order(sequences)) {
    const auto& sequence = sequences[static_cast<std::size_t>(i)];
    const auto length = static_cast<std::int64_t>(sequence.size());
    std::int64_t added = length;
    if (before >= 0 && shares) added -= text::common_prefix(sequences[static_cast<std::size_t>(before)], sequence);
    if (before < 0 || held + added > spec.micro_batch_tokens) {
      cut.micro_batches.emplace_back();
      held = 0;
      added = length;
    }
    cut.micro_batches.back().push_back(rows[static_cast<std::size_t>(i)]);
    held += added;
    cut.computed += added;
    before = i;
  }
  return cut;
}

std::vector<int> epoch_order(std::size_t count, std::uint64_t seed, int epoch) {
  std::vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  Rng rng(seed, order_stream + static_cast<std::uint64_t>(epoch));
  rng.shuffle(order);
  return order;
}

template <class Use>
void for_steps(std::span<const data::Example> examples, const TrainSpec& spec, int epoch, const Use& use) {
  const std::vector<int> order = epoch_order(examples.size(), spec.seed, epoch);
  const auto batch = static_cast<std::size_t>(spec.batch_rows);
  for (std::size_t begin = 0; begin < order.size(); begin += batch) {
    const std::size_t count = std::min(batch, order.size() - begin);
    use(cut_step(examples, std::span(order).subspan(begin, count), spec));
  }
}

}  // namespace

std::vector<text::TokenId> run_ids(const data::Example& example) {
  std::vector<text::TokenId> ids = example.prompt;
  if (!example.answer.empty()) ids.insert(ids.end(), example.answer.begin(), example.answer.end() - 1);
  return ids;
}

int steps_per_epoch(std::size_t examples, const TrainSpec& spec) {
  const auto batch = static_cast<std::size_t>(spec.batch_rows);
  return static_cast<int>((examples + batch - 1) / batch);
}

std::vector<StepPlan> plan_epoch(std::span<const data::Example> examples, const TrainSpec& spec, int epoch) {
  std::vector<StepPlan> steps;
  for_steps(examples, spec, epoch, [&](Cut cut) { steps.push_back(std::move(cut.micro_batches)); });
  return steps;
}

TokenPlan plan_tokens(std::span<const data::Example> examples, const TrainSpec& spec) {
  TokenPlan plan;
  for (const data::Example& example : examples) {
    plan.tokens += static_cast<std::int64_t>(example.prompt.size() + example.answer.size());
  }
  for_steps(examples, spec, 0, [&](const Cut& cut) {
    ++plan.steps;
    plan.computed += cut.computed;
  });
  return plan;
}

}  // namespace hone::train
