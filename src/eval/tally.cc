#include "eval/tally.h"

#include <set>

#include "eval/chrf.h"
#include "eval/field_counts.h"

namespace hone::eval {

std::vector<std::string> class_labels(const std::vector<const ScoredRow*>& rows, const data::Task& task) {
  std::vector<std::string> labels = task.labels;
  std::set<std::string> unlisted;
  for (const ScoredRow* row : rows) unlisted.insert(row->gold);
  for (const std::string& label : labels) unlisted.erase(label);
  labels.insert(labels.end(), unlisted.begin(), unlisted.end());
  return labels;
}

Tally::Tally(const std::string& metric, const data::Task& task, const std::vector<std::string>& classes)
    : task_(&task) {
  if (metric == "accuracy" || metric == "exact") {
    form_ = Form::rate;
    width_ = 2;
  } else if (metric == "chrf") {
    form_ = Form::chrf;
    width_ = 3 * chrf_orders;
  } else if (metric == "field_precision" || metric == "field_recall" || metric == "field_f1") {
    form_ = metric == "field_f1"       ? Form::field_f1
            : metric == "field_recall" ? Form::field_recall
                                       : Form::field_precision;
    width_ = 3;
  } else if (metric == "macro_f1" || metric == "mcc") {
    form_ = metric == "mcc" ? Form::mcc : Form::macro_f1;
    for (const std::string& label : classes) classes_.emplace(label, static_cast<std::uint32_t>(classes_.size()));
    width_ = 3 * classes_.size() + 1;
  } else {
    fail(ErrorCode::usage, "there is no metric \"{}\"; use accuracy, macro_f1, mcc, exact or chrf", metric);
  }
}

// Cells of macro_f1 and mcc with k classes: gold [k], answered [k + 1] (the last: no class), right [k].
void Tally::count(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const {
  if (form_ == Form::rate) {
    into.push_back({offset, 1});
    if (is_right(row, *task_)) into.push_back({offset + 1, 1});
    return;
  }
  if (form_ == Form::chrf) {
    const ChrfCounts counts = chrf_counts(row.failed ? std::string_view{} : std::string_view{row.answer}, row.gold);
    for (std::uint32_t i = 0; i < counts.size(); ++i) into.push_back({offset + i, counts[i]});
    return;
  }
  if (counts_fields()) {
    const FieldCounts counts = field_counts(row.failed ? std::string() : row.answer, row.gold);
    for (std::uint32_t i = 0; i < counts.size(); ++i) into.push_back({offset + i, counts[i]});
    return;
  }
  const auto k = static_cast<std::uint32_t>(classes_.size());
  const auto gold = classes_.find(row.gold);
  HONE_CHECK(gold != classes_.end());
  const auto answered = row.failed ? classes_.end() : classes_.find(row.answer);
  into.push_back({offset + gold->second, 1});
  into.push_back({offset + k + (answered == classes_.end() ? k : answered->second), 1});
  if (gold == answered) into.push_back({offset + 2 * k + 1 + gold->second, 1});
}

double Tally::value(std::span<const double> sums) const {
  HONE_CHECK(sums.size() == width_);
  switch (form_) {
    case Form::rate:
      return sums[0] > 0 ? sums[1] / sums[0] : 0;
    case Form::chrf:
      return chrf_value(sums.data());
    case Form::macro_f1:
      return macro_f1(sums);
    case Form::mcc:
      return mcc(sums);
    case Form::field_precision:
    case Form::field_recall:
    case Form::field_f1:
      return of_fields(sums);
  }
  return 0;
}

// Cells: right, answered, gold.
double Tally::of_fields(std::span<const double> sums) const {
  if (form_ == Form::field_precision) return sums[1] > 0 ? sums[0] / sums[1] : 0;
  if (form_ == Form::field_recall) return sums[2] > 0 ? sums[0] / sums[2] : 0;
  return sums[1] + sums[2] > 0 ? 2 * sums[0] / (sums[1] + sums[2]) : 0;
}

double Tally::macro_f1(std::span<const double> sums) const {
  const std::size_t k = classes_.size();
  double total = 0;
  double present = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const double either = sums[i] + sums[k + i];
    if (either <= 0) continue;
    present += 1;
    total += 2 * sums[2 * k + 1 + i] / either;
  }
  return present > 0 ? total / present : 0;
}

double Tally::mcc(std::span<const double> sums) const {
  const std::size_t k = classes_.size();
  double n = 0;
  double right = 0;
  double both = 0;
  double gold_squares = 0;
  double answered_squares = sums[2 * k] * sums[2 * k];
  for (std::size_t i = 0; i < k; ++i) {
    n += sums[i];
    right += sums[2 * k + 1 + i];
    both += sums[i] * sums[k + i];
    gold_squares += sums[i] * sums[i];
    answered_squares += sums[k + i] * sums[k + i];
  }
  const double spread = (n * n - gold_squares) * (n * n - answered_squares);
  return spread > 0 ? (right * n - both) / std::sqrt(spread) : 0;
}

}  // namespace hone::eval
