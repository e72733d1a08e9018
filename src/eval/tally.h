// Metrics as functions of sums: each row adds a few counts, and a metric is computed from their totals alone. So a
// bootstrap resample costs one pass over the groups' counts, not one over the rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "eval/score.h"

namespace hone::eval {

struct Count {
  std::uint32_t cell = 0;
  double value = 0;
  auto operator<=>(const Count&) const = default;
};

// The classes of a classify task: the task's labels in order, then gold labels it does not name, sorted; of a task
// whose answers are lists of labels (data/label_list.h): those; of any other: none.
std::vector<std::string> class_labels(const std::vector<const ScoredRow*>& rows, const data::Task& task);

class Tally {
 public:
  // `classes` is read by macro_f1, mcc, qwk, within_one and those of labels only. Besides metric_value()'s:
  // field_precision, field_recall, label_precision, label_recall. An unknown metric is a Failure (usage).
  Tally(const std::string& metric, const data::Task& task, const std::vector<std::string>& classes);

  std::size_t width() const { return width_; }
  // Appends what `row` adds, its cells shifted by `offset`.
  void count(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const;
  // The metric, from `sums` [width()].
  double value(std::span<const double> sums) const;

 private:
  enum class Form { rate, chrf, macro_f1, mcc, qwk, within_one, fields, labels };
  // Of what was found: right of what was answered, right of what was wanted, their harmonic mean, and that of each
  // label, averaged.
  enum class Share { precision, recall, f1, macro_f1 };
  void count_fields(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const;
  void count_labels(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const;
  void count_class(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const;
  double macro_f1(std::span<const double> sums) const;
  double mcc(std::span<const double> sums) const;
  double qwk(std::span<const double> sums) const;
  double share(double right, double answered, double wanted) const;
  double of_labels(std::span<const double> sums) const;

  Form form_;
  Share share_ = Share::f1;
  const data::Task* task_;
  std::unordered_map<std::string, std::uint32_t> classes_;
  std::size_t width_ = 0;
};

}  // namespace hone::eval
