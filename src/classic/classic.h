// Contenders without a language model. Each answers a Request whose last user message is the bare input, and is saved
// to and loaded from JSON, so that it can be bundled and served like any other.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/row.h"
#include "text/message.h"

namespace hone::classic {

// An index of training rows ranked by BM25 (Robertson & Zaragoza 2009; k1 = 1.2, b = 0.75) over word tokens.
class Bm25Index {
 public:
  explicit Bm25Index(std::span<const data::Row> rows);
  Bm25Index(Bm25Index&&) noexcept;
  Bm25Index& operator=(Bm25Index&&) noexcept;
  ~Bm25Index();
  struct Hit {
    std::size_t row = 0;  // index into the rows given
    double score = 0;
  };
  // The k best rows, best first, ties by row index; rows without a shared word are left out.
  std::vector<Hit> nearest(const std::string& query, int k) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The most frequent label of `rows`, always; probabilities are the label shares.
std::unique_ptr<text::Responder> majority(std::span<const data::Row> rows, const std::vector<std::string>& labels);
// Vote of the k nearest rows weighted by score; no hit: the label shares.
std::unique_ptr<text::Responder> knn(std::span<const data::Row> rows, const std::vector<std::string>& labels, int k);
// For text tasks: the input itself; the nearest row's output.
std::unique_ptr<text::Responder> copy_input();
std::unique_ptr<text::Responder> nearest_output(std::span<const data::Row> rows);

// Logistic regression (liblinear, L2) on word 1-2-grams and character 1-5-grams, tf-idf; C chosen by 5-fold
// cross-validation on `rows`.
class NgramClassifier {
 public:
  static NgramClassifier train(std::span<const data::Row> rows, const std::vector<std::string>& labels,
                               std::uint64_t seed);
  static Result<NgramClassifier> load(const Path& folder);
  void save(const Path& folder) const;
  NgramClassifier(NgramClassifier&&) noexcept;
  NgramClassifier& operator=(NgramClassifier&&) noexcept;
  ~NgramClassifier();
  // In the order of labels(); sums to one.
  std::vector<double> probabilities(const std::string& input) const;
  const std::vector<std::string>& labels() const;
  std::unique_ptr<text::Responder> responder() const;  // shares the weights

 private:
  struct State;
  explicit NgramClassifier(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

// Multinomial logistic regression (liblinear) on given vectors (hidden states of a frozen model), standardised; C
// chosen by 5-fold cross-validation.
class LinearHead {
 public:
  static LinearHead train(std::span<const std::vector<float>> vectors, std::span<const std::string> outputs,
                          const std::vector<std::string>& labels, std::uint64_t seed);
  std::vector<double> probabilities(std::span<const float> vector) const;
  const std::vector<std::string>& labels() const { return labels_; }
  Json to_json() const;
  static Result<LinearHead> from_json(const Json& json);

 private:
  std::vector<std::string> labels_;
  std::vector<float> mean_, inverse_deviation_;
  std::vector<std::vector<double>> weights_;  // a label: one weight a dimension, then the bias
};

}  // namespace hone::classic
