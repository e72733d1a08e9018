#include <cstring>

#include "base/hash.h"
#include "classic/classic.h"
#include "classic/label_responder.h"
#include "classic/logistic.h"

namespace hone::classic {
namespace {

constexpr const char* facts_name = "ngram.json";
constexpr const char* weights_name = "ngram.bin";

template <class T>
void append(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
std::vector<T> take(std::string_view& bytes, std::size_t count) {
  std::vector<T> values(count);
  std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return values;
}

SearchSpec search_for(std::size_t labels, std::uint64_t seed) {
  // One against the rest costs a fit a label, so many labels get a shorter search.
  if (labels > 10) return {.grid = {3, 10, 30}, .folds = 2, .most_rows = 2500, .seed = seed};
  return {.grid = {0.3, 1, 3, 10, 30, 100}, .folds = 5, .most_rows = 3000, .seed = seed};
}

}  // namespace

struct NgramClassifier::State {
  std::vector<std::string> labels;
  NgramFeatures features;
  LogisticWeights weights;
  double c = 1;
};

NgramClassifier::NgramClassifier(std::shared_ptr<const State> state) : state_(std::move(state)) {}
NgramClassifier::NgramClassifier(NgramClassifier&&) noexcept = default;
NgramClassifier& NgramClassifier::operator=(NgramClassifier&&) noexcept = default;
NgramClassifier::~NgramClassifier() = default;
const std::vector<std::string>& NgramClassifier::labels() const { return state_->labels; }

NgramClassifier NgramClassifier::train(std::span<const data::Row> rows, const std::vector<std::string>& labels,
                                       std::uint64_t seed) {
  HONE_CHECK(!rows.empty() && !labels.empty());
  auto state = std::make_shared<State>();
  state->labels = labels;
  std::vector<std::string> texts;
  std::vector<int> classes;
  for (const auto& row : rows) {
    const auto found = std::find(labels.begin(), labels.end(), row.output);
    if (found == labels.end()) continue;
    texts.push_back(row.input);
    classes.push_back(static_cast<int>(found - labels.begin()));
  }
  state->features = NgramFeatures::learn(texts);
  std::vector<SparseRow> vectors;
  vectors.reserve(texts.size());
  for (const auto& text : texts) vectors.push_back(state->features.transform(text));
  const LogisticProblem problem{vectors, classes, static_cast<int>(labels.size()), state->features.size()};
  state->c = choose_c(problem, search_for(labels.size(), seed));
  ThreadPool pool;
  state->weights = fit_logistic(problem, state->c, pool);
  return NgramClassifier(std::move(state));
}

std::vector<double> NgramClassifier::probabilities(const std::string& input) const {
  return state_->weights.probabilities(state_->features.transform(input));
}

void NgramClassifier::save(const Path& folder) const {
  std::string bytes;
  append(bytes, state_->features.hashes());
  append(bytes, state_->features.idf());
  append(bytes, state_->weights.weights);
  append(bytes, state_->weights.bias);
  write_file(folder / weights_name, bytes);
  write_file(folder / facts_name,
             to_pretty_text({{"labels", state_->labels}, {"features", state_->features.size()}, {"c", state_->c}}));
}

Result<NgramClassifier> NgramClassifier::load(const Path& folder) {
  const auto text = read_file(folder / facts_name);
  if (!text) return tl::unexpected(text.error());
  const auto facts = parse_json(*text, (folder / facts_name).string());
  if (!facts) return tl::unexpected(facts.error());
  const auto bytes = read_file(folder / weights_name);
  if (!bytes) return tl::unexpected(bytes.error());
  auto state = std::make_shared<State>();
  std::size_t features = 0;
  try {
    state->labels = facts->at("labels").get<std::vector<std::string>>();
    features = facts->at("features").get<std::size_t>();
    state->c = facts->at("c").get<double>();
  } catch (const nlohmann::json::exception& error) {
    return bad_input("{}: {}", (folder / facts_name).string(), error.what());
  }
  const std::size_t slots = state->labels.size() == 2 ? 1 : state->labels.size();
  const bool fits = features <= bytes->size() && bytes->size() == features * (sizeof(std::uint64_t) + sizeof(float)) +
                                                                      slots * (features + 1) * sizeof(float);
  if (!fits)
    return bad_input("{} has {} bytes, which does not fit {} features of {} labels; make the bundle again",
                     (folder / weights_name).string(), bytes->size(), features, state->labels.size());
  std::string_view rest = *bytes;
  auto hashes = take<std::uint64_t>(rest, features);
  auto idf = take<float>(rest, features);
  state->features = NgramFeatures(std::move(hashes), std::move(idf));
  state->weights.class_count = static_cast<int>(state->labels.size());
  state->weights.features = features;
  state->weights.weights = take<float>(rest, slots * features);
  state->weights.bias = take<float>(rest, slots);
  return NgramClassifier(std::move(state));
}

std::unique_ptr<text::Responder> NgramClassifier::responder() const {
  return label_responder(state_->labels, [state = state_](const std::string& input) {
    return state->weights.probabilities(state->features.transform(input));
  });
}

}  // namespace hone::classic
