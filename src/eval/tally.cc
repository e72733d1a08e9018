#include "eval/tally.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/label_list.h"
#include "eval/chrf.h"
#include "eval/field_counts.h"
#include "eval/label_set.h"

namespace hone::eval {

std::vector<std::string> class_labels(const std::vector<const ScoredRow*>& rows, const data::Task& task) {
  if (auto listed = data::listed_labels(task)) return std::move(*listed);
  if (task.kind != data::Kind::classify) return {};
  std::vector<std::string> labels = task.labels;
  std::set<std::string> unlisted;
  for (const ScoredRow* row : rows) unlisted.insert(row->gold);
  for (const std::string& label : labels) unlisted.erase(label);
  labels.insert(labels.end(), unlisted.begin(), unlisted.end());
  return labels;
}

Tally::Tally(const std::string& metric, const data::Task& task, const std::vector<std::string>& classes)
    : task_(&task) {
  struct Known {
    const char* name;
    Form form;
    Share share;
  };
  static constexpr Known all[] = {{"accuracy", Form::rate, Share::f1},
                                  {"exact", Form::rate, Share::f1},
                                  {"chrf", Form::chrf, Share::f1},
                                  {"macro_f1", Form::macro_f1, Share::f1},
                                  {"mcc", Form::mcc, Share::f1},
                                  {"qwk", Form::qwk, Share::f1},
                                  {"within_one", Form::within_one, Share::f1},
                                  {"field_precision", Form::fields, Share::precision},
                                  {"field_recall", Form::fields, Share::recall},
                                  {"field_f1", Form::fields, Share::f1},
                                  {"label_precision", Form::labels, Share::precision},
                                  {"label_recall", Form::labels, Share::recall},
                                  {"label_f1", Form::labels, Share::f1},
                                  {"label_macro_f1", Form::labels, Share::macro_f1}};
  const auto* const found =
      std::find_if(std::begin(all), std::end(all), [&](const Known& known) { return metric == known.name; });
  if (found == std::end(all)) {
    std::string names;
    for (const Known& known : all) names += (names.empty() ? "" : ", ") + std::string(known.name);
    fail(ErrorCode::usage, "there is no metric \"{}\"; those known are {}", metric, names);
  }
  form_ = found->form;
  share_ = found->share;
  for (const std::string& label : classes) classes_.emplace(label, static_cast<std::uint32_t>(classes_.size()));
  switch (form_) {
    case Form::rate:
    case Form::within_one:
      width_ = 2;
      break;
    case Form::chrf:
      width_ = 3 * chrf_orders;
      break;
    case Form::fields:
      width_ = 3;
      break;
    case Form::macro_f1:
    case Form::mcc:
    case Form::labels:
      width_ = 3 * classes_.size() + 1;
      break;
    case Form::qwk:
      width_ = 2 * classes_.size() + 1;
      break;
  }
}

void Tally::count(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const {
  switch (form_) {
    case Form::rate:
      into.push_back({offset, 1});
      if (is_right(row, *task_)) into.push_back({offset + 1, 1});
      return;
    case Form::chrf: {
      const ChrfCounts counts = chrf_counts(row.failed ? std::string_view{} : std::string_view{row.answer}, row.gold);
      for (std::uint32_t i = 0; i < counts.size(); ++i) into.push_back({offset + i, counts[i]});
      return;
    }
    case Form::fields:
      return count_fields(row, offset, into);
    case Form::labels:
      return count_labels(row, offset, into);
    case Form::macro_f1:
    case Form::mcc:
    case Form::qwk:
    case Form::within_one:
      return count_class(row, offset, into);
  }
}

void Tally::count_fields(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const {
  const FieldCounts counts = field_counts(row.failed ? std::string() : row.answer, row.gold);
  for (std::uint32_t i = 0; i < counts.size(); ++i) into.push_back({offset + i, counts[i]});
}

// Cells with k labels: wanted [k], answered [k + 1] (the last: none of the labels), right [k].
void Tally::count_labels(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const {
  const auto k = static_cast<std::uint32_t>(classes_.size());
  const LabelSet wanted = label_set(row.gold).value_or(LabelSet());
  const LabelSet answered = row.failed ? LabelSet() : label_set(row.answer).value_or(LabelSet());
  for (const std::string& label : wanted) {
    if (const auto found = classes_.find(label); found != classes_.end()) into.push_back({offset + found->second, 1});
  }
  for (const std::string& label : answered) {
    const auto found = classes_.find(label);
    into.push_back({offset + k + (found == classes_.end() ? k : found->second), 1});
    if (found != classes_.end() && wanted.contains(label)) into.push_back({offset + 2 * k + 1 + found->second, 1});
  }
}

// Cells of macro_f1 and mcc with k classes: gold [k], answered [k + 1] (the last: no class), right [k]. Of qwk: gold
// [k], answered [k], the sum of squared distances; no class counts as the grade farthest from the gold one. Of
// within_one: rows, and those at most one grade off.
void Tally::count_class(const ScoredRow& row, std::uint32_t offset, std::vector<Count>& into) const {
  const auto k = static_cast<std::uint32_t>(classes_.size());
  const auto gold = classes_.find(row.gold);
  HONE_CHECK(gold != classes_.end());
  const auto answered = row.failed ? classes_.end() : classes_.find(row.answer);
  if (form_ == Form::macro_f1 || form_ == Form::mcc) {
    into.push_back({offset + gold->second, 1});
    into.push_back({offset + k + (answered == classes_.end() ? k : answered->second), 1});
    if (gold == answered) into.push_back({offset + 2 * k + 1 + gold->second, 1});
    return;
  }
  const std::uint32_t wanted = gold->second;
  const std::uint32_t farthest = 2 * wanted < k - 1 ? k - 1 : 0;
  const std::uint32_t given = answered == classes_.end() ? farthest : answered->second;
  const double apart = std::abs(static_cast<double>(wanted) - static_cast<double>(given));
  if (form_ == Form::within_one) {
    into.push_back({offset, 1});
    if (answered != classes_.end() && apart <= 1) into.push_back({offset + 1, 1});
    return;
  }
  into.push_back({offset + wanted, 1});
  into.push_back({offset + k + given, 1});
  if (apart > 0) into.push_back({offset + 2 * k, apart * apart});
}

double Tally::value(std::span<const double> sums) const {
  HONE_CHECK(sums.size() == width_);
  switch (form_) {
    case Form::rate:
    case Form::within_one:
      return sums[0] > 0 ? sums[1] / sums[0] : 0;
    case Form::chrf:
      return chrf_value(sums.data());
    case Form::macro_f1:
      return macro_f1(sums);
    case Form::mcc:
      return mcc(sums);
    case Form::qwk:
      return qwk(sums);
    case Form::fields:
      return share(sums[0], sums[1], sums[2]);
    case Form::labels:
      return of_labels(sums);
  }
  return 0;
}

double Tally::share(double right, double answered, double wanted) const {
  if (share_ == Share::precision) return answered > 0 ? right / answered : 0;
  if (share_ == Share::recall) return wanted > 0 ? right / wanted : 0;
  return answered + wanted > 0 ? 2 * right / (answered + wanted) : 0;
}

double Tally::of_labels(std::span<const double> sums) const {
  if (share_ == Share::macro_f1) return macro_f1(sums);
  const std::size_t k = classes_.size();
  double right = 0;
  double answered = sums[2 * k];
  double wanted = 0;
  for (std::size_t i = 0; i < k; ++i) {
    wanted += sums[i];
    answered += sums[k + i];
    right += sums[2 * k + 1 + i];
  }
  return share(right, answered, wanted);
}

// 1 less the squared distances seen over those expected of independent answers with the same totals (Cohen 1968).
double Tally::qwk(std::span<const double> sums) const {
  const std::size_t k = classes_.size();
  double n = 0;
  double expected = 0;
  for (std::size_t i = 0; i < k; ++i) {
    n += sums[i];
    for (std::size_t j = 0; j < k; ++j) {
      const double apart = static_cast<double>(i) - static_cast<double>(j);
      expected += sums[i] * sums[k + j] * apart * apart;
    }
  }
  return expected > 0 ? 1 - n * sums[2 * k] / expected : 0;
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
