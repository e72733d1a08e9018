#include "data/copy_search.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_set>

#include "base/hash.h"
#include "data/copies_of_first.h"
#include "data/near_index.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t usual_pairs = 20'000;

std::uint64_t key_of(const Row& row) { return hash64(row.id, row.line); }

class CopySearch {
 public:
  explicit CopySearch(const CheckInput& input) {
    const SplitSides sides(input.split);
    for (const auto& [rows, file] : {std::pair(&input.test, Side::test), std::pair(&input.validation, Side::validation),
                                     std::pair(&input.train, Side::train)}) {
      starts_.push_back(rows_.size());
      for (const Row& row : *rows) {
        rows_.push_back(&row);
        texts_.emplace_back(row.input);
        files_.push_back(file);
        const auto side = sides.side_of(row);
        const unsigned split_bit = side ? 8U << static_cast<unsigned>(*side) : 0U;
        bits_.push_back(static_cast<std::uint8_t>(1U << static_cast<unsigned>(file) | split_bit));
      }
    }
    parent_.resize(rows_.size());
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    met_.resize(rows_.size());
  }

  Copies run() {
    NearIndex index(texts_, {.least = Likeness::one_word, .sides = {starts_[1], starts_[2]}});
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (index.first_of(i) != i) visit(i, index.first_of(i), Likeness::identical);
    }
    index.visit_pairs([&](std::size_t i, std::size_t j) { return wanted(i, j); },
                      [&](std::size_t i, std::size_t j, Likeness likeness) { visit(i, j, likeness); });
    list_copies(index);
    Copies copies;
    for (const Found& found : found_) {
      const Row& row = *rows_[found.row];
      const Row& of = *rows_[found.of];
      const double jaccard =
          found.likeness == Likeness::identical ? 1 : gram_similarity(folded_text(row.input), folded_text(of.input));
      copies.pairs.push_back({&row, &of, files_[found.row], files_[found.of], found.likeness, jaccard});
    }
    for (std::size_t i = starts_[2]; i < rows_.size(); ++i) copies.chain.push_back(root(i) - starts_[2]);
    return copies;
  }

 private:
  struct Found {
    std::size_t row;
    std::size_t of;
    Likeness likeness;
  };
  // Files and sides of the split on which something like a row was met, a bit each.
  struct Met {
    std::uint8_t near = 0;
    std::uint8_t one_word = 0;
  };

  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  static std::uint64_t pair_key(std::size_t i, std::size_t j) { return std::uint64_t{i} << 32U | j; }

  bool wanted(std::size_t i, std::size_t j) {
    if (found_.size() < usual_pairs) return !listed_.contains(pair_key(i, j));
    if ((bits_[j] & ~met_[i].near) != 0 || (bits_[i] & ~met_[j].near) != 0) return true;
    return files_[i] == files_[j] && root(i) != root(j);
  }

  void visit(std::size_t i, std::size_t j, Likeness likeness) {
    const bool is_near = likeness != Likeness::one_word;
    std::uint8_t& met_by_i = is_near ? met_[i].near : met_[i].one_word;
    std::uint8_t& met_by_j = is_near ? met_[j].near : met_[j].one_word;
    const bool is_new = (bits_[j] & ~met_by_i) != 0 || (bits_[i] & ~met_by_j) != 0;
    const bool joins = is_near && files_[i] == files_[j] && root(i) != root(j);
    met_by_i |= bits_[j];
    met_by_j |= bits_[i];
    if (joins) parent_[std::max(root(i), root(j))] = std::min(root(i), root(j));
    if (found_.size() >= usual_pairs && !is_new && !joins) return;
    if (listed_.insert(pair_key(i, j)).second) found_.push_back({i, j, likeness});
  }

  void add_copy(const Found& pair) {
    const bool is_near = pair.likeness != Likeness::one_word;
    const bool is_new = (bits_[pair.of] & ~met_[pair.row].near) != 0 || (bits_[pair.row] & ~met_[pair.of].near) != 0;
    if (found_.size() >= 2 * usual_pairs && !(is_near && is_new)) return;
    if (!listed_.insert(pair_key(pair.row, pair.of)).second) return;
    if (is_near) {
      met_[pair.row].near |= bits_[pair.of];
      met_[pair.of].near |= bits_[pair.row];
    }
    found_.push_back(pair);
  }

  // Of identical texts the first alone was compared: the others are alike to the same rows.
  void list_copies(const NearIndex& index) {
    const CopiesOfFirst copies(index, rows_.size());
    const std::vector<Found> found = found_;
    const auto add = [&](std::size_t a, std::size_t b, Likeness likeness) {
      if (a != b) add_copy({std::max(a, b), std::min(a, b), likeness});
    };
    for (const Found& pair : found) copies.for_pairs(pair.row, pair.of, pair.likeness, add);
    std::sort(found_.begin(), found_.end(),
              [](const Found& a, const Found& b) { return std::tie(a.row, a.of) < std::tie(b.row, b.of); });
  }

  std::vector<std::size_t> starts_;  // of test, validation and training
  std::vector<const Row*> rows_;
  std::vector<std::string_view> texts_;
  std::vector<Side> files_;
  std::vector<std::uint8_t> bits_;   // of its file and its side of the split
  std::vector<std::size_t> parent_;  // of chains within one file
  std::vector<Met> met_;
  std::unordered_set<std::uint64_t> listed_;
  std::vector<Found> found_;
};

}  // namespace

bool CopyPair::is_exact() const {
  return likeness == Likeness::identical && canonical_text(row->input) == canonical_text(of->input);
}

SplitSides::SplitSides(const Split* split) {
  if (split == nullptr) return;
  for (const auto& [rows, side] :
       {std::pair(&split->train, Side::train), std::pair(&split->validation, Side::validation),
        std::pair(&split->test, Side::test)}) {
    for (const Row& row : *rows) sides_.emplace(key_of(row), side);
  }
}

std::optional<Side> SplitSides::side_of(const Row& row) const {
  const auto found = sides_.find(key_of(row));
  if (found == sides_.end()) return std::nullopt;
  return found->second;
}

Copies find_copies(const CheckInput& input) { return CopySearch(input).run(); }

}  // namespace hone::data
