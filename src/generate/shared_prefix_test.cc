#include "generate/shared_prefix.h"

#include <gtest/gtest.h>

#include "generate/generate_testing.h"

namespace hone::generate {
namespace {

using Ids = std::vector<text::TokenId>;

// `shared` tokens that all have, then three of its own.
Ids prompt_of(int shared, int own) {
  Ids ids;
  for (int i = 0; i < shared; ++i) ids.push_back(100 + i % 50);
  for (int i = 0; i < 3; ++i) ids.push_back(1 + own * 3 + i);
  return ids;
}

void ask(SharedPrefix& prefix, const std::vector<Ids>& prompts, std::size_t expected_tokens) {
  const std::vector<Prompt> views(prompts.begin(), prompts.end());
  prefix.expect(views);
  model::Step step;
  const std::vector<Placed> placed = prefix.place(views, step);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(step.ids[static_cast<std::size_t>(placed[i].row)], prompts[i].back());
  }
  EXPECT_EQ(step.ids.size(), expected_tokens);
  prefix.cache().rewind(prefix.kept_nodes());
}

TEST(SharedPrefix, IsComputedOnceOverManyCalls) {
  SharedPrefix prefix(tiny_config(), 64);
  ask(prefix, {prompt_of(20, 0)}, 23);  // one request says nothing about what others share
  ask(prefix, {prompt_of(20, 1)}, 23);  // now it does, and is kept
  EXPECT_EQ(prefix.kept_tokens(), 20);
  for (int i = 2; i < 60; ++i) ask(prefix, {prompt_of(20, i)}, 3);
  ask(prefix, {prompt_of(20, 61), prompt_of(20, 62)}, 6);
}

TEST(SharedPrefix, ABatchSharesFromTheStart) {
  SharedPrefix prefix(tiny_config(), 64);
  ask(prefix, {prompt_of(20, 0), prompt_of(20, 1), prompt_of(20, 2)}, 29);
  ask(prefix, {prompt_of(20, 3)}, 3);
}

TEST(SharedPrefix, TheSamePromptAgainCostsItsLastToken) {
  SharedPrefix prefix(tiny_config(), 64);
  ask(prefix, {prompt_of(20, 0), prompt_of(20, 0)}, 23);
  ask(prefix, {prompt_of(20, 0)}, 1);
}

TEST(SharedPrefix, AnOddRequestDoesNotSpoilItForGood) {
  SharedPrefix prefix(tiny_config(), 64);
  for (int i = 0; i < 5; ++i) ask(prefix, {prompt_of(20, i)}, i < 2 ? 23 : 3);
  ask(prefix, {Ids{7, 8, 9}}, 3);
  for (int i = 6; i < 40; ++i) {
    const std::vector<Ids> prompts = {prompt_of(20, i)};
    const std::vector<Prompt> views(prompts.begin(), prompts.end());
    prefix.expect(views);
    model::Step step;
    prefix.place(views, step);
    prefix.cache().rewind(prefix.kept_nodes());
  }
  ask(prefix, {prompt_of(20, 41)}, 3);
}

TEST(SharedPrefix, SequencesUnderWayKeepTheirKeys) {
  SharedPrefix prefix(tiny_config(), 64);
  ask(prefix, {prompt_of(20, 0), prompt_of(20, 1)}, 26);
  const std::vector<Ids> prompts = {prompt_of(20, 2), {7, 8, 9}};
  const std::vector<Prompt> views(prompts.begin(), prompts.end());
  model::Step step;
  const auto placed = prefix.place(views, step);
  EXPECT_EQ(step.ids.size(), 6U);  // the second doesn't continue the prefix and stands alone
  EXPECT_EQ(prefix.cache().node(placed[0].node).parent, 0);
  EXPECT_EQ(prefix.cache().node(placed[1].node).parent, -1);
}

}  // namespace
}  // namespace hone::generate
