// Are two sets of rows of one kind? A classifier two-sample test (Lopez-Paz & Oquab 2017).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/row.h"
#include "data/shift.h"

namespace hone::classic {

struct TwoSampleSpec {
  std::string a = "training";
  std::string b = "test";
  std::size_t most_rows = 2000;  // of each: those with the lowest hashes
  std::uint64_t seed = 1;
};

// As many rows of each set (those of the lowest hashes) are told apart by their inputs, out of fold: had both one
// distribution, half of the answers would be right, and log10_p is the binomial tail of as many and more being right.
// Words are held by rows of one set more than by those of the other (Fisher's exact test, log10 p of -3 at least after
// Bonferroni's correction). Nothing (rows = 0) where a set has fewer than 50 rows. Deterministic.
data::Shift two_sample(const std::vector<data::Row>& a, const std::vector<data::Row>& b, const TwoSampleSpec& spec);

// log10 of the probability of `right` or more successes in `n` fair trials.
double log10_binomial_tail(std::size_t right, std::size_t n);

}  // namespace hone::classic
