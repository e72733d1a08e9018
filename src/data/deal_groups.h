// Deals whole groups to sides in given shares, label by label, in the order of their hashes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hone::data {

struct DealtGroup {
  std::string id;
  std::string label;  // its most frequent output; groups are dealt within each label
  std::size_t rows = 0;
  std::size_t side = 0;  // result
};

struct Deal {
  std::vector<double> shares;      // a side each, sum 1; the first side takes what is too large for the others
  std::vector<std::size_t> least;  // rows that a side gets at least, taken from the first side
  double largest = 1;              // a group with more than this share of all rows goes to the first side
  std::uint64_t seed = 1;
};

// Fills DealtGroup::side. The order of `groups` does not matter.
void deal_groups(std::span<DealtGroup> groups, const Deal& deal);

// A group's place in [0, 1): what later groups are dealt by.
double place_of(const std::string& group, std::uint64_t seed);

}  // namespace hone::data
