#include "solve/validation_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace hone::solve {
namespace {

std::vector<data::Row> rows_of(int count) {
  std::vector<data::Row> rows;
  for (int i = 0; i < count; ++i) {
    data::Row row;
    row.id = "row" + std::to_string(i);
    row.output = i % 10 == 0 ? "rare" : "often";
    rows.push_back(row);
  }
  return rows;
}

data::Task labelled() {
  data::Task task;
  task.kind = data::Kind::classify;
  task.seed = 7;
  return task;
}

std::set<std::string> ids_of(const std::vector<data::Row>& rows, const std::vector<std::size_t>& chosen) {
  std::set<std::string> ids;
  for (const std::size_t i : chosen) ids.insert(rows[i].id);
  return ids;
}

TEST(ValidationSample, DoesNotDependOnTheOrderOfTheFile) {
  std::vector<data::Row> rows = rows_of(200);
  const auto before = ids_of(rows, validation_sample(rows, 30, labelled()));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.output < b.output; });
  const auto after = ids_of(rows, validation_sample(rows, 30, labelled()));
  EXPECT_EQ(before.size(), 30U);
  EXPECT_EQ(before, after);
  data::Task other = labelled();
  other.seed = 8;
  EXPECT_NE(ids_of(rows, validation_sample(rows, 30, other)), before);
}

TEST(ValidationSample, EveryLabelGetsItsShare) {
  std::vector<data::Row> rows = rows_of(200);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.output < b.output; });
  std::map<std::string, int> counts;
  for (const std::size_t i : validation_sample(rows, 35, labelled())) ++counts[rows[i].output];
  EXPECT_EQ(counts["often"] + counts["rare"], 35);
  EXPECT_GE(counts["rare"], 3);
  EXPECT_LE(counts["rare"], 4);
}

TEST(ValidationSample, FewRowsAreAllTaken) {
  const std::vector<data::Row> rows = rows_of(12);
  EXPECT_EQ(validation_sample(rows, 300, labelled()).size(), 12U);
  EXPECT_TRUE(validation_sample({}, 300, labelled()).empty());
}

}  // namespace
}  // namespace hone::solve
