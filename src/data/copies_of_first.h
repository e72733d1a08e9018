// The texts that are identical to the first of them, which alone was compared.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "data/near_index.h"

namespace hone::data {

class CopiesOfFirst {
 public:
  CopiesOfFirst(const NearIndex& index, std::size_t texts) {
    for (std::size_t i = 0; i < texts; ++i) {
      const std::size_t first = index.first_of(i);
      if (first == i) continue;
      auto& members = members_[first];
      if (members.empty()) members.push_back(first);
      members.push_back(i);
    }
  }

  // Calls use(a, b, likeness) for each text identical to `first` with each identical to `second`.
  template <class Use>
  void for_pairs(std::size_t first, std::size_t second, Likeness likeness, const Use& use) const {
    for (const std::size_t a : members_of(first)) {
      for (const std::size_t b : members_of(second)) use(a, b, likeness);
    }
  }

  // The same for each two identical texts of one side, in order of the texts.
  template <class Use>
  void for_identical_pairs(const Use& use) const {
    for (const auto& [first, members] : members_) {
      for (std::size_t a = 0; a < members.size(); ++a) {
        for (std::size_t b = a + 1; b < members.size(); ++b) use(members[a], members[b], Likeness::identical);
      }
    }
  }

 private:
  std::vector<std::size_t> members_of(std::size_t first) const {
    const auto found = members_.find(first);
    return found == members_.end() ? std::vector<std::size_t>{first} : found->second;
  }

  std::unordered_map<std::size_t, std::vector<std::size_t>> members_;
};

}  // namespace hone::data
