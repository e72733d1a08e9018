// Laws of out-of-fold answers: no row is answered by weights that were fitted on it or its group, probabilities sum to
// one, and the same rows give the same bits.
#include "classic/out_of_fold.h"

#include <gtest/gtest.h>

#include <numeric>

namespace hone::classic {
namespace {

const std::vector<std::string> labels = {"dry", "wet"};

std::vector<data::Row> rows_of_two_labels() {
  std::vector<data::Row> rows;
  for (std::size_t i = 0; i < 60; ++i) {
    data::Row row;
    row.id = fmt::format("r{}", i);
    row.input = fmt::format("{} number {}", i % 2 == 0 ? "sun and desert" : "rain and storm", i);
    row.output = labels[i % 2];
    rows.push_back(row);
  }
  return rows;
}

TEST(OutOfFold, AWrongLabelIsNotLearntFromItsOwnRowOrGroup) {
  auto rows = rows_of_two_labels();
  // Two rows of one group, wrongly labelled, with a word that no other row holds.
  for (const std::size_t i : {10U, 12U}) {
    rows[i].input = "zebra zebra zebra sun and desert";
    rows[i].output = "wet";
    rows[i].group = "zebras";
  }
  const auto answers = out_of_fold(rows, labels, {});
  for (const std::size_t i : {10U, 12U}) {
    EXPECT_GT(answers.probabilities[i][0], .5) << i;
    EXPECT_EQ(answers.given[i], 1U);
  }
  EXPECT_LT(answers.answer(10, "rain and storm")[0], .5) << "another input in its place";
}

TEST(OutOfFold, ProbabilitiesSumToOneAndAreTheSameAgain) {
  const auto once = out_of_fold(rows_of_two_labels(), labels, {});
  const auto again = out_of_fold(rows_of_two_labels(), labels, {});
  EXPECT_EQ(once.probabilities, again.probabilities);
  for (std::size_t i = 0; i < once.rows.size(); ++i) {
    const auto& p = once.probabilities[i];
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
    EXPECT_EQ(once.answer(i, once.rows[i].input), p);
  }
}

TEST(OutOfFold, UnknownLabelsAndRowsBeyondTheMostAreLeftOutAndCounted) {
  auto rows = rows_of_two_labels();
  rows[0].output = "snow";
  OutOfFoldSpec spec;
  spec.most_rows = 40;
  const auto answers = out_of_fold(rows, labels, spec);
  EXPECT_EQ(answers.rows.size(), 40U);
  EXPECT_EQ(answers.left_out, 19U);
}

}  // namespace
}  // namespace hone::classic
