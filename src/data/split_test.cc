#include "data/split.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/files.h"
#include "base/rng.h"
#include "data/near_duplicates.h"

namespace hone::data {
namespace {

Task labelled_task() {
  Task task;
  task.labels = {"a", "b"};
  task.metric = "macro_f1";
  return task;
}

// Rows of random words, far from each other, every fourth labelled "b".
std::vector<Row> random_rows(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Row> rows(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (int w = 0; w < 12; ++w) rows[i].input += fmt::format("{:x} ", rng.below(1'000'000'000));
    rows[i].id = fmt::format("{}-{}", seed, i);
    rows[i].output = i % 4 == 0 ? "b" : "a";
    rows[i].line = i + 1;
  }
  return rows;
}

std::map<std::string, std::string> sides_of(const Split& split) {
  std::map<std::string, std::string> sides;
  for (const Row& row : split.train) sides[row.id] = "train";
  for (const Row& row : split.validation) sides[row.id] = "validation";
  for (const Row& row : split.test) sides[row.id] = "test";
  return sides;
}

TEST(Split, SharesAre65And15And20OfEachLabel) {
  Json memory;
  const Split split = split_rows({random_rows(2000, 1), {}, {}}, labelled_task(), memory);
  EXPECT_NEAR(static_cast<double>(split.train.size()), 1300, 4);
  EXPECT_NEAR(static_cast<double>(split.validation.size()), 300, 4);
  EXPECT_NEAR(static_cast<double>(split.test.size()), 400, 4);
  const auto b = std::count_if(split.test.begin(), split.test.end(), [](const Row& row) { return row.output == "b"; });
  EXPECT_NEAR(static_cast<double>(b), 100, 2);
  EXPECT_TRUE(split.set_aside.empty());
  EXPECT_TRUE(split.notices.empty());
}

// One row an hour.
std::vector<Row> dated_rows(std::size_t n) {
  std::vector<Row> rows = random_rows(n, 9);
  for (std::size_t i = 0; i < n; ++i)
    rows[i].date = fmt::format("2026-{:02}-{:02}T{:02}:00:00Z", 1 + i / 672, 1 + i / 24 % 28, i % 24);
  return rows;
}

TEST(Split, TheNewestRowsAreTestedOn) {
  std::vector<Row> rows = dated_rows(2000);
  rows[0].input = rows[1999].input;  // an old copy of the newest row is as new as that
  rows[3].date = "";
  Json memory;
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  const auto sides = sides_of(split);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const char* want = i == 0 ? "test" : i < 1301 ? "train" : i < 1601 ? "validation" : "test";
    EXPECT_EQ(sides.at(rows[i].id), want) << i;
  }
  ASSERT_EQ(split.notices.size(), 1U);
  EXPECT_NE(split.notices[0].find("by time"), std::string::npos);
}

TEST(Split, LaterRowsGoByTheDatesAtWhichSidesBegan) {
  std::vector<Row> rows = dated_rows(2000);
  Json memory;
  split_rows({rows, {}, {}}, labelled_task(), memory);
  std::vector<Row> later = random_rows(4, 10);
  later[0].date = "2027-01-01";
  later[1].date = rows[10].date;
  later[2].date = rows[1500].date;
  rows.insert(rows.end(), later.begin(), later.end());
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  const auto sides = sides_of(split);
  EXPECT_EQ(sides.at(later[0].id), "test");
  EXPECT_EQ(sides.at(later[1].id), "train");
  EXPECT_EQ(sides.at(later[2].id), "validation");
  EXPECT_EQ(sides.at(later[3].id), "train");
}

TEST(Split, DatesThatCannotBeReadSplitByChanceAndItIsSaid) {
  std::vector<Row> rows = dated_rows(600);
  for (std::size_t i = 0; i < 60; ++i) rows[i].date = "03/04/2026";
  Json memory;
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  ASSERT_EQ(split.notices.size(), 1U);
  EXPECT_NE(split.notices[0].find("03/04/2026"), std::string::npos);
  Task undated = labelled_task();
  undated.data.date = "";
  const Split anew = split_rows({dated_rows(600), {}, {}}, undated, memory);
  EXPECT_NE(anew.notices[0].find("no longer names a date column"), std::string::npos);
}

TEST(Split, EachSideHasAtLeast150RowsWhereThereAre450) {
  Json memory;
  const Split split = split_rows({random_rows(450, 2), {}, {}}, labelled_task(), memory);
  EXPECT_GE(split.validation.size(), 150U);
  EXPECT_GE(split.test.size(), 150U);
  EXPECT_GE(split.train.size(), 145U);
  Json small_memory;
  const Split small = split_rows({random_rows(200, 2), {}, {}}, labelled_task(), small_memory);
  EXPECT_NEAR(static_cast<double>(small.test.size()), 40, 2);
  ASSERT_EQ(small.notices.size(), 2U);
  EXPECT_NE(small.notices[1].find("fewer than 150"), std::string::npos);
}

TEST(Split, ARowNeverChangesSideAsRowsAreAdded) {
  std::vector<Row> rows = random_rows(600, 3);
  Json memory;
  const auto before = sides_of(split_rows({rows, {}, {}}, labelled_task(), memory));
  for (std::uint64_t round = 4; round < 7; ++round) {
    const std::vector<Row> more = random_rows(300, round);
    rows.insert(rows.begin(), more.begin(), more.end());
    const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
    const auto after = sides_of(split);
    for (const auto& [id, side] : before) EXPECT_EQ(after.at(id), side) << id;
    EXPECT_TRUE(split.set_aside.empty());
  }
  const Split last = split_rows({rows, {}, {}}, labelled_task(), memory);
  EXPECT_NEAR(static_cast<double>(last.test.size()) / 1500, 150.0 / 600, 0.05);
}

TEST(Split, TheSameRowsAndSeedGiveTheSameSplitInAnyOrder) {
  std::vector<Row> rows = random_rows(500, 8);
  Json first;
  Json second;
  const auto expected = sides_of(split_rows({rows, {}, {}}, labelled_task(), first));
  Rng(1).shuffle(rows);
  EXPECT_EQ(sides_of(split_rows({rows, {}, {}}, labelled_task(), second)), expected);
  EXPECT_EQ(first, second);
  Task other_seed = labelled_task();
  other_seed.seed = 2;
  Json third;
  EXPECT_NE(sides_of(split_rows({rows, {}, {}}, other_seed, third)), expected);
}

TEST(Split, NearDuplicatesShareASide) {
  std::vector<Row> rows = random_rows(300, 9);
  std::vector<Row> copies = rows;
  for (Row& row : copies) {
    row.id += "-copy";
    row.input = "  " + row.input + "!";
  }
  rows.insert(rows.end(), copies.begin(), copies.end());
  Json memory;
  const auto sides = sides_of(split_rows({rows, {}, {}}, labelled_task(), memory));
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(sides.at(rows[i].id), sides.at(rows[i].id + "-copy"));
}

TEST(Split, NamedGroupsShareASide) {
  std::vector<Row> rows = random_rows(600, 10);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].group = fmt::format("customer {}", i % 60);
  Task task = labelled_task();
  task.data.group = "customer";
  Json memory;
  const auto sides = sides_of(split_rows({rows, {}, {}}, task, memory));
  for (const Row& row : rows)
    EXPECT_EQ(sides.at(row.id), sides.at(fmt::format("10-{}", std::stoul(row.group.substr(9)))));
}

// Pairs of equal texts under two names each.
std::vector<Row> crossed_pairs(std::size_t pairs, std::uint64_t seed) {
  std::vector<Row> rows = random_rows(2 * pairs, seed);
  for (std::size_t i = 0; i < pairs; ++i) {
    rows[pairs + i].input = rows[i].input;
    rows[pairs + i].output = rows[i].output;
    rows[i].group = fmt::format("left {}", i);
    rows[pairs + i].group = fmt::format("right {}", i);
  }
  return rows;
}

TEST(Split, NearDuplicatesUnderTwoGroupNamesShareASide) {
  Task task = labelled_task();
  task.data.group = "customer";
  std::vector<Row> rows = crossed_pairs(300, 30);
  Json memory;
  auto sides = sides_of(split_rows({rows, {}, {}}, task, memory));
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(sides.at(rows[i].id), sides.at(rows[300 + i].id)) << i;
  // A new row of either name goes where the pair is, also after the record was written and read.
  const auto before = sides;
  for (std::size_t i = 0; i < 100; ++i) {
    Row more = random_rows(1, 1000 + i)[0];
    more.group = rows[i % 2 == 0 ? i : 300 + i].group;
    rows.push_back(more);
  }
  const Split again = split_rows({rows, {}, {}}, task, memory);
  sides = sides_of(again);
  EXPECT_TRUE(again.set_aside.empty());
  for (const auto& [id, side] : before) EXPECT_EQ(sides.at(id), side);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(sides.at(rows[600 + i].id), sides.at(rows[i].id)) << i;
}

TEST(Split, ATextThatMostGroupsShareDoesNotChainThemAll) {
  Task task = labelled_task();
  task.data.group = "customer";
  std::vector<Row> rows = random_rows(600, 31);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].group = fmt::format("customer {}", i % 100);
    if (i < 90) rows[i].input = "thank you very much indeed";
  }
  Json memory;
  const Split split = split_rows({rows, {}, {}}, task, memory);
  EXPECT_GE(split.test.size(), 100U);
  EXPECT_GE(split.validation.size(), 80U);
  EXPECT_NE(split.notices.at(0).find("near-copies may stand on both sides"), std::string::npos) << split.notices[0];
  const auto sides = sides_of(split);
  for (std::size_t i = 100; i < rows.size(); ++i) EXPECT_EQ(sides.at(rows[i].id), sides.at(rows[i % 100].id));
  EXPECT_EQ(sides_of(split_rows({rows, {}, {}}, task, memory)), sides);
}

TEST(Split, ANewRowOfAKnownNameThatRepeatsTheOtherSideIsSetAside) {
  Task task = labelled_task();
  task.data.group = "customer";
  std::vector<Row> rows = random_rows(60, 32);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].group = fmt::format("customer {}", i);
  Json memory;
  const auto sides = sides_of(split_rows({rows, {}, {}}, task, memory));
  const auto on = [&](const std::string& side) {
    return *std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return sides.at(row.id) == side; });
  };
  const Row trained = on("train");
  const Row tested = on("test");
  Row bridge = trained;
  bridge.id = "bridge";
  bridge.input = tested.input;
  bridge.line = 77;
  Row harmless = random_rows(1, 33)[0];
  harmless.group = trained.group;
  rows.push_back(bridge);
  rows.push_back(harmless);
  const Split split = split_rows({rows, {}, {}}, task, memory);
  ASSERT_EQ(split.set_aside.size(), 1U);
  EXPECT_EQ(split.set_aside[0].row.id, "bridge");
  EXPECT_EQ(split.set_aside[0].row.line, 77U);
  EXPECT_EQ(why_set_aside(split.set_aside[0]),
            fmt::format("nearly repeats rows of train ({}) and test ({})", trained.group, tested.group));
  EXPECT_EQ(sides_of(split).at(harmless.id), "train");
}

TEST(Split, AnotherGroupColumnSplitsAnew) {
  std::vector<Row> rows = random_rows(300, 34);
  Json memory;
  split_rows({rows, {}, {}}, labelled_task(), memory);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].group = fmt::format("customer {}", i % 30);
  Task task = labelled_task();
  task.data.group = "customer";
  const Split split = split_rows({rows, {}, {}}, task, memory);
  EXPECT_NE(split.notices.at(0).find("now groups by \"customer\": rows were split anew"), std::string::npos);
  const auto sides = sides_of(split);
  for (std::size_t i = 30; i < rows.size(); ++i) EXPECT_EQ(sides.at(rows[i].id), sides.at(rows[i % 30].id));
}

TEST(Split, ARecordWhoseRowsNameNoGroupIsRefused) {
  Json memory;
  const std::vector<Row> rows = random_rows(30, 35);
  split_rows({rows, {}, {}}, labelled_task(), memory);
  memory["rows"].push_back({"x", "no such group"});
  EXPECT_THROW(split_rows({rows, {}, {}}, labelled_task(), memory), Failure);
}

TEST(Split, RowsThatDifferInNumbersOnlyAreDealtOneByOne) {
  std::vector<Row> rows = random_rows(60, 36);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].input = fmt::format("{} + {}", 10 + i, 3 * i);
  Json memory;
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  EXPECT_NEAR(static_cast<double>(split.test.size()), 12, 2);
  EXPECT_NEAR(static_cast<double>(split.validation.size()), 9, 2);
}

TEST(Split, ANewRowThatJoinsTwoSidesIsSetAside) {
  const std::string first = "one two three four five six";
  const std::string bridge = "one two three four five six seven";
  const std::string second = "one two three four five six seven eight";
  std::vector<Row> rows = random_rows(40, 11);
  rows[0].input = first;
  rows[1].input = second;
  Task task = labelled_task();
  std::map<std::string, std::string> before;
  Json memory;
  // Some seed puts the two on different sides.
  do {
    ++task.seed;
    ASSERT_LT(task.seed, 100U);
    memory = Json();
    before = sides_of(split_rows({rows, {}, {}}, task, memory));
  } while (before.at(rows[0].id) == before.at(rows[1].id));
  Row joining = rows[2];
  joining.id = "bridge";
  joining.input = bridge;
  rows.push_back(joining);
  for (int again = 0; again < 2; ++again) {
    const Split split = split_rows({rows, {}, {}}, task, memory);
    ASSERT_EQ(split.set_aside.size(), 1U);
    EXPECT_EQ(split.set_aside[0].row.id, "bridge");
    EXPECT_EQ(sides_of(split), before);
    EXPECT_NE(split.notices[0].find("1 new row was set aside"), std::string::npos);
    ASSERT_EQ(split.set_aside[0].touches.size(), 2U);
    EXPECT_NE(split.set_aside[0].touches[0].side, split.set_aside[0].touches[1].side);
  }
}

TEST(Split, TheUsersTestFileIsUsedWholeAndItsCopiesAreNotTrainedOn) {
  std::vector<Row> rows = random_rows(500, 12);
  std::vector<Row> test = random_rows(3200, 13);
  test[5].input = rows[7].input;
  test[5].id = rows[7].id;
  Json memory;
  const Split split = split_rows({rows, {}, test}, labelled_task(), memory);
  EXPECT_EQ(split.test.size(), 3200U);
  ASSERT_EQ(split.set_aside.size(), 1U);
  EXPECT_EQ(split.set_aside[0].row.id, rows[7].id);
  EXPECT_EQ(split.train.size() + split.validation.size(), 499U);
  EXPECT_GE(split.validation.size(), 150U);
  EXPECT_TRUE(split.unscored.empty());
  for (const auto* side : {&split.train, &split.validation, &split.test}) {
    for (const Row& row : *side) EXPECT_FALSE(row.group.empty());
  }
  EXPECT_EQ(why_set_aside(split.set_aside[0]), fmt::format("nearly repeats rows of test ({})", test[5].id));
}

TEST(Split, WithBothFilesOfTheUsersAllRowsTrain) {
  Json memory;
  const Split split =
      split_rows({random_rows(100, 14), random_rows(30, 15), random_rows(30, 16)}, labelled_task(), memory);
  EXPECT_EQ(split.train.size(), 100U);
  EXPECT_EQ(split.validation.size(), 30U);
  EXPECT_EQ(split.test.size(), 30U);
}

TEST(Split, WithoutTheTestFileThatItHadARowIsDealtAnew) {
  const std::vector<Row> rows = random_rows(500, 17);
  Json memory;
  split_rows({rows, {}, random_rows(200, 18)}, labelled_task(), memory);
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  EXPECT_GE(split.test.size(), 150U);
  EXPECT_NE(split.notices[0].find("no longer names its own test file"), std::string::npos);
}

TEST(Split, The3000LowestHashesAreScored) {
  Json memory;
  const std::vector<Row> rows = random_rows(16000, 19);
  const Split split = split_rows({rows, {}, {}}, labelled_task(), memory);
  EXPECT_EQ(split.test.size(), 3000U);
  EXPECT_LE(split.validation.size(), 3000U);
  EXPECT_EQ(split.train.size() + split.validation.size() + split.test.size() + split.unscored.size(), rows.size());
}

TEST(Split, AGroupLargerThanATenthTrains) {
  std::vector<Row> rows = random_rows(400, 20);
  for (std::size_t i = 0; i < 100; ++i) rows[i].input = "always the same " + std::string(i % 7, '!');
  Json memory;
  const auto sides = sides_of(split_rows({rows, {}, {}}, labelled_task(), memory));
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(sides.at(rows[i].id), "train");
}

TEST(Split, ADamagedRecordIsRefused) {
  Json memory = {{"version", 1}, {"groups", 3}};
  EXPECT_THROW(split_rows({random_rows(10, 21), {}, {}}, labelled_task(), memory), Failure);
}

TEST(Split, ADamagedRecordInAFileNamesTheFileAndWhatToDo) {
  const Path file = std::filesystem::temp_directory_path() / fmt::format("hone_split_{}.json", ::getpid());
  const auto refusal = [&](const std::string& bytes) {
    write_file(file, bytes);
    try {
      split_remembered({random_rows(40, 1), {}, {}}, labelled_task(), file);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ErrorCode::bad_input);
      return std::string(failure.what());
    }
    return std::string("no failure");
  };
  Json memory;
  split_rows({random_rows(40, 1), {}, {}}, labelled_task(), memory);
  const std::string whole = to_text(memory);
  for (const std::string& bytes : {std::string(), whole.substr(0, whole.size() / 2), std::string("[]"),
                                   std::string("{}"), std::string(R"({"seed": "one"})"), std::string("\xff")}) {
    const std::string message = refusal(bytes);
    EXPECT_EQ(message.find(file.string() + ": the record of the earlier split is damaged"), 0U) << message;
    EXPECT_NE(message.find("delete it to split anew"), std::string::npos) << message;
    EXPECT_EQ(message.find("json.exception"), std::string::npos) << message;
  }
  EXPECT_EQ(refusal(whole), "no failure");
  EXPECT_FALSE(split_remembered({random_rows(40, 1), {}, {}}, labelled_task(), file).is_changed);
  std::filesystem::remove(file);
  EXPECT_TRUE(split_remembered({random_rows(40, 1), {}, {}}, labelled_task(), file).is_changed);
}

TEST(Folds, AreBalancedStableAndKeepGroupsTogether) {
  std::vector<Row> rows = random_rows(203, 22);
  for (std::size_t i = 0; i < 20; ++i) rows[i].group = "together " + std::to_string(i / 4);
  const std::vector<int> fold = folds(rows, 5, 1);
  EXPECT_EQ(fold, folds(rows, 5, 1));
  std::map<int, int> sizes;
  std::map<int, int> rare;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ++sizes[fold[i]];
    rare[fold[i]] += rows[i].output == "b" ? 1 : 0;
    EXPECT_TRUE(i >= 20 || fold[i] == fold[i / 4 * 4]) << i;
  }
  ASSERT_EQ(sizes.size(), 5U);
  for (const auto& [index, size] : sizes) EXPECT_NEAR(size, 40.6, 5) << index;
  for (const auto& [index, count] : rare) EXPECT_NEAR(count, 10.2, 2) << index;
}

TEST(Folds, BalanceWhereEveryOutputIsDifferent) {
  std::vector<Row> rows = random_rows(100, 23);
  for (Row& row : rows) row.output = row.input;
  std::map<int, int> sizes;
  for (const int fold : folds(rows, 5, 1)) ++sizes[fold];
  for (const auto& [index, size] : sizes) EXPECT_EQ(size, 20) << index;
}

// The law of generated rows, whichever file they stand in.
TEST(Split, WhatAModelWroteIsNeverOnASideThatJudges) {
  Json memory;
  SplitInput input{random_rows(600, 5), {}, {}};
  const Split real = split_rows(input, labelled_task(), memory);
  const std::string train_id = real.train[0].id;
  const std::string train_group = real.train[0].group;
  const std::string test_id = real.test[0].id;
  std::vector<Row> generated = random_rows(5, 6);
  for (Row& row : generated) row.source = "generated: paraphrase by m";
  generated[0].made_from = train_id;
  generated[1].made_from = test_id;         // a test row said otherwise
  generated[2].input = real.test[1].input;  // a test row by chance
  generated[3].input = real.validation[0].input + "!";
  input.generated_rows = {generated[0], generated[1], generated[2]};
  input.rows.push_back(generated[3]);
  input.rows.push_back(generated[4]);
  const Split split = split_rows(input, labelled_task(), memory);
  EXPECT_EQ(split.validation.size(), real.validation.size());
  EXPECT_EQ(split.test.size(), real.test.size());
  ASSERT_EQ(split.train.size(), real.train.size() + 2);
  std::map<std::string, std::string> groups;
  for (const Row& row : split.train) groups[row.id] = row.group;
  EXPECT_EQ(groups.at(generated[0].id), train_group) << "folds keep it with the row that it was made from";
  EXPECT_TRUE(groups.contains(generated[4].id));
  ASSERT_EQ(split.set_aside.size(), 3U);
  for (const SetAside& row : split.set_aside) EXPECT_FALSE(why_set_aside(row).empty());
}

TEST(Split, GeneratedRowsOfTheUsersOwnTestFileAreSetAside) {
  Task task = labelled_task();
  task.data.test = "test.jsonl";
  std::vector<Row> test = random_rows(200, 8);
  for (std::size_t i = 0; i < 50; ++i) test[i].source = "generated";
  Json memory;
  const Split split = split_rows({random_rows(400, 7), {}, test}, task, memory);
  EXPECT_EQ(split.test.size(), 150U);
  EXPECT_EQ(split.set_aside.size(), 50U);
  ASSERT_FALSE(split.notices.empty());
  EXPECT_NE(split.notices[0].find("50 rows of test.jsonl"), std::string::npos) << split.notices[0];
}

}  // namespace
}  // namespace hone::data
