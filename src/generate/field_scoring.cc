#include "generate/field_scoring.h"

#include <algorithm>

#include "generate/label_scoring.h"
#include "generate/shared_prefix.h"
#include "text/json_schema_choices.h"

namespace hone::generate {

namespace {

using Ids = std::vector<text::TokenId>;

// Prompt and answer as far as they were run, field by field.
class AnswerCache {
 public:
  AnswerCache(const model::Model& model, const model::Adapter* adapter, Ids tokens)
      : model_(model),
        adapter_(adapter),
        tokens_(std::move(tokens)),
        cache_(model.decoder->config(), static_cast<std::int64_t>(tokens_.size()) + 64) {}

  // Label probabilities behind the first `count` tokens, no fewer than at the call before.
  std::vector<double> score(tensor::Exec& exec, std::size_t count, const LabelScoring& scoring) {
    model::Step step;
    // The last token is run with each field that stands behind it: its hidden state is wanted.
    const bool goes_on = count > run_;
    const Ids stretch = goes_on ? Ids(tokens_.begin() + at(run_), tokens_.begin() + at(count)) : Ids();
    if (goes_on) {
      node_ = add_piece(cache_, node_, stretch, step);
      run_ = count;
      step.wanted.push_back(static_cast<int>(step.ids.size()) - 1);
    }
    const int kept = cache_.count();
    std::vector<int> nodes;
    for (const LabelScoring::Run& run : scoring.runs()) {
      nodes.push_back(
          add_piece(cache_, run.parent < 0 ? node_ : nodes[static_cast<std::size_t>(run.parent)], run.tokens, step));
      step.wanted.push_back(static_cast<int>(step.ids.size()) - 1);
    }
    const std::int64_t width = model_.decoder->config().width;
    tensor::Tensor states = tensor::Tensor::empty({static_cast<std::int64_t>(step.wanted.size()), width});
    if (!step.ids.empty()) model_.decoder->forward(exec, step, adapter_, cache_, states.view());
    if (goes_on) last_.assign(states.f32(), states.f32() + width);
    std::vector<std::vector<float>> logits;
    const auto add = [&](int node, const float* state) {
      const Ids next = scoring.next_tokens(node);
      std::vector<float>& out = logits.emplace_back(next.size());
      model_.decoder->logits_at(exec, state, next, out);
    };
    if (scoring.root_branches()) add(0, last_.data());
    for (std::size_t i = 0; i < scoring.runs().size(); ++i) {
      add(scoring.runs()[i].node, states.f32() + (static_cast<std::int64_t>(i) + (goes_on ? 1 : 0)) * width);
    }
    cache_.rewind(kept);
    return scoring.probabilities(logits);
  }

 private:
  static std::ptrdiff_t at(std::size_t index) { return static_cast<std::ptrdiff_t>(index); }

  const model::Model& model_;
  const model::Adapter* adapter_;
  Ids tokens_;
  model::KvCache cache_;
  int node_ = -1;
  std::size_t run_ = 0;      // tokens
  std::vector<float> last_;  // hidden state behind them
};

// The probability of each of `count` values, from those of the sequences that mean it.
std::vector<double> of_values(std::span<const std::pair<Ids, int>> sequences, std::span<const double> probabilities,
                              std::size_t count) {
  std::vector<double> sums(count, sequences.empty() ? 1 : 0);  // none: there is one value
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    sums[static_cast<std::size_t>(sequences[i].second)] += probabilities[i];
  }
  return sums;
}

}  // namespace

std::vector<FieldProbabilities> FieldScoring::probabilities(tensor::Exec& exec, text::JsonMatcher& matcher,
                                                            const FieldAnswer& answer) const {
  HONE_CHECK(!answer.prompt.empty());
  std::string text;
  std::vector<std::size_t> begins;  // of each token
  for (const text::TokenId token : answer.tokens) {
    begins.push_back(text.size());
    text += model_.tokenizer.token_bytes(token);
  }
  const std::string_view json = std::string_view(text).substr(answer.json_begin);
  Ids all(answer.prompt.begin(), answer.prompt.end());
  all.insert(all.end(), answer.tokens.begin(), answer.tokens.end());
  AnswerCache cache(model_, adapter_, std::move(all));
  std::vector<FieldProbabilities> fields;
  ValuePlaces places(matcher, vocabulary_);
  for (const text::JsonChoice& choice : text::json_choices(matcher, json, most_field_values)) {
    // From the beginning of the token that holds the value's first byte.
    const std::size_t value = answer.json_begin + choice.begin;
    const auto first =
        static_cast<std::size_t>(std::upper_bound(begins.begin(), begins.end(), value) - begins.begin() - 1);
    const auto tokens = places.tokens(choice.state, text.substr(begins[first], value - begins[first]));
    const std::vector<std::pair<Ids, int>> sequences = tokens->sequences();
    std::vector<Ids> ids;
    std::size_t longest = 0;
    for (const auto& [sequence, index] : sequences) {
      ids.push_back(sequence);
      longest = std::max(longest, sequence.size());
    }
    const std::size_t before = answer.prompt.size() + first;
    if (before + longest > static_cast<std::size_t>(model_.decoder->config().context)) continue;
    std::vector<double> probabilities;
    if (!ids.empty()) probabilities = cache.score(exec, before, LabelScoring(LabelTrie(ids), ids.size()));
    probabilities = of_values(sequences, probabilities, choice.few.values.size());
    FieldProbabilities field{choice.pointer, {}};
    for (std::size_t i = 0; i < choice.few.values.size(); ++i) {
      field.values.emplace_back(choice.few.values[i], probabilities[i]);
    }
    std::stable_sort(field.values.begin(), field.values.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace hone::generate
