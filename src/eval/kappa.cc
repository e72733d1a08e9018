#include "eval/kappa.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/error.h"
#include "eval/significance.h"

namespace hone::eval {
namespace {

// Shares of pairs of answers, by place in the sorted set of answers.
struct Table {
  std::vector<std::vector<double>> cells;
  std::vector<double> of_a, of_b;
};

Table table_of(std::span<const std::string> a, std::span<const std::string> b) {
  std::map<std::string, std::size_t> place;
  for (const auto& answers : {a, b}) {
    for (const std::string& answer : answers) place.emplace(answer, place.size());
  }
  Table table{std::vector<std::vector<double>>(place.size(), std::vector<double>(place.size(), 0)),
              std::vector<double>(place.size(), 0), std::vector<double>(place.size(), 0)};
  const double share = 1 / static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    table.cells[place.at(a[i])][place.at(b[i])] += share;
    table.of_a[place.at(a[i])] += share;
    table.of_b[place.at(b[i])] += share;
  }
  return table;
}

double standard_error(const Table& table, double agreed, double chance, std::size_t rows) {
  double same = 0;
  double other = 0;
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    const double part = (1 - chance) - (table.of_b[i] + table.of_a[i]) * (1 - agreed);
    same += table.cells[i][i] * part * part;
    for (std::size_t j = 0; j < table.cells.size(); ++j) {
      const double sum = table.of_b[i] + table.of_a[j];
      if (i != j) other += table.cells[i][j] * sum * sum;
    }
  }
  const double bias = agreed * chance - 2 * chance + agreed;
  const double variance = (same + (1 - agreed) * (1 - agreed) * other - bias * bias) / std::pow(1 - chance, 4);
  return std::sqrt(std::max(0.0, variance) / static_cast<double>(rows));
}

}  // namespace

Agreement agreement(std::span<const std::string> a, std::span<const std::string> b) {
  HONE_CHECK(!a.empty() && a.size() == b.size());
  Agreement result;
  result.rows = a.size();
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  result.agreement = wilson(equal, a.size());
  const Table table = table_of(a, b);
  double chance = 0;
  for (std::size_t i = 0; i < table.of_a.size(); ++i) chance += table.of_a[i] * table.of_b[i];
  if (table.of_a.size() == 1) {
    result.kappa = {1, 1, 1};
    return result;
  }
  const double agreed = result.agreement.value;
  const double kappa = (agreed - chance) / (1 - chance);
  const double half = 1.959963984540054 * standard_error(table, agreed, chance, a.size());
  result.kappa = {kappa, std::max(-1.0, kappa - half), std::min(1.0, kappa + half)};
  return result;
}

}  // namespace hone::eval
