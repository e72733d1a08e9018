#include "text/token_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/rng.h"

namespace hone::text {
namespace {

using Ids = std::vector<TokenId>;

std::vector<std::span<const TokenId>> spans(const std::vector<Ids>& sequences) {
  return {sequences.begin(), sequences.end()};
}

std::vector<Ids> random_sequences(std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Ids> sequences(1 + rng.below(12));
  for (Ids& ids : sequences) {
    ids.resize(rng.below(7));
    for (TokenId& id : ids) id = static_cast<TokenId>(rng.below(2));
  }
  return sequences;
}

TEST(TokenTree, SpellsEverySequenceAndHoldsEveryPrefixOnce) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Ids> sequences = random_sequences(seed);
    const auto views = spans(sequences);
    const TokenTree tree = token_tree(views);
    std::set<Ids> prefixes;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      Ids spelled;
      int parent = -1;
      for (const int index : tree.paths[s]) {
        const TokenTree::Stretch& stretch = tree.stretches[static_cast<std::size_t>(index)];
        EXPECT_EQ(stretch.parent, parent);
        EXPECT_EQ(stretch.begin, static_cast<int>(spelled.size()));
        const auto tokens = views[static_cast<std::size_t>(stretch.sequence)].subspan(
            static_cast<std::size_t>(stretch.begin), static_cast<std::size_t>(stretch.length));
        spelled.insert(spelled.end(), tokens.begin(), tokens.end());
        parent = index;
      }
      EXPECT_EQ(spelled, sequences[s]);
      for (std::size_t n = 1; n <= sequences[s].size(); ++n) {
        prefixes.insert(Ids(sequences[s].begin(), sequences[s].begin() + static_cast<std::ptrdiff_t>(n)));
      }
    }
    EXPECT_EQ(tree.rows, static_cast<int>(prefixes.size()));
  }
}

TEST(TokenTree, CutsOnlyWhereSequencesPartOrEnd) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Ids> sequences = random_sequences(seed);
    const TokenTree tree = token_tree(spans(sequences));
    std::vector<int> children(tree.stretches.size(), 0), ends(tree.stretches.size(), 0);
    for (const auto& stretch : tree.stretches) {
      ASSERT_GE(stretch.length, 1);
      if (stretch.parent >= 0) ++children[static_cast<std::size_t>(stretch.parent)];
    }
    for (const auto& path : tree.paths) {
      if (!path.empty()) ++ends[static_cast<std::size_t>(path.back())];
    }
    for (std::size_t i = 0; i < tree.stretches.size(); ++i) EXPECT_TRUE(ends[i] > 0 || children[i] > 1);
  }
}

TEST(TokenTree, DoesNotDependOnTheOrderOfSequences) {
  std::vector<Ids> sequences = {{1, 2, 3}, {1, 2}, {4}, {1, 2, 5, 6}, {4}};
  const TokenTree a = token_tree(spans(sequences));
  std::reverse(sequences.begin(), sequences.end());
  const TokenTree b = token_tree(spans(sequences));
  ASSERT_EQ(a.stretches.size(), b.stretches.size());
  for (std::size_t i = 0; i < a.stretches.size(); ++i) {
    EXPECT_EQ(a.stretches[i].parent, b.stretches[i].parent);
    EXPECT_EQ(a.stretches[i].length, b.stretches[i].length);
  }
}

}  // namespace
}  // namespace hone::text
