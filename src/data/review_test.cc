#include "data/review.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing.h"
#include "data/import_patched.h"

namespace hone::data {
namespace {

Row row_of(const std::string& id, const std::string& output) {
  Row row;
  row.id = id;
  row.input = "text of " + id;
  row.output = output;
  return row;
}

class Review : public testing::Test {
 protected:
  Review() {
    task_.labels = {"a", "b"};
    task_.metric = "macro_f1";
    sides_.rows = {row_of("r1", "a"), row_of("r2", "a"), row_of("r3", "b")};
  }

  Decision decision(const Row& row, Action action, const std::string& value = {}) {
    return {.id = row.id,
            .content = content_hash(row),
            .action = action,
            .value = value,
            .note = {},
            .side = "train",
            .who = "ann",
            .when = "2026-01-31T10:00:00Z"};
  }

  Task task_;
  SplitInput sides_;
};

TEST_F(Review, DecisionsAreReadAsTheyWereWritten) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "review.jsonl";
  EXPECT_TRUE(read_decisions(file)->empty()) << "no file: nothing was decided";
  Decision one = decision(sides_.rows[0], Action::relabel, "b");
  one.note = "line\nbreak \"quote\" \x1b[31m";
  write_decisions(file, {one, decision(sides_.rows[1], Action::drop)});
  const auto read = read_decisions(file);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).note, one.note);
  EXPECT_EQ(read->at(0).value, "b");
  EXPECT_EQ(decisions_text(*read), *read_file(file));
}

TEST_F(Review, WhatIsNoReviewIsRefusedWithItsLine) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "review.jsonl";
  const auto error_of = [&](const std::string& text) {
    write_file(file, text);
    const auto read = read_decisions(file);
    return read ? std::string("read") : read.error().message;
  };
  EXPECT_NE(error_of("{\"id\": \"x\"}\n").find("review.jsonl:1: expected {\"hone_review\": 1}"), std::string::npos);
  EXPECT_NE(error_of("{\"hone_review\": 2}\n").find("newer Hone"), std::string::npos);
  EXPECT_NE(error_of("{\"hone_review\": 1}\n{\"id\": 3}\n").find("review.jsonl:2"), std::string::npos);
  EXPECT_NE(error_of("{\"hone_review\": 1}\n\n{\"id\": \"x\", \"content\": \"y\", \"action\": \"eat\"}\n")
                .find("review.jsonl:3: action: expected keep"),
            std::string::npos);
  EXPECT_NE(error_of("{\"hone_review\": 1}\n{\"id\": \"x\", \"con").find("review.jsonl:2"), std::string::npos);
}

TEST_F(Review, TheLastDecisionAboutARowIsApplied) {
  const std::vector<Decision> decisions = {
      decision(sides_.rows[0], Action::drop),         decision(sides_.rows[0], Action::relabel, "b"),
      decision(sides_.rows[0], Action::note),         decision(sides_.rows[1], Action::drop),
      decision(sides_.rows[2], Action::relabel, "a"), decision(sides_.rows[2], Action::keep)};
  const PatchReport report = apply_decisions(decisions, task_, sides_);
  ASSERT_EQ(sides_.rows.size(), 2U);
  EXPECT_EQ(sides_.rows[0].output, "b");
  EXPECT_EQ(sides_.rows[0].labels_by, "ann");
  EXPECT_EQ(sides_.rows[1].id, "r3");
  EXPECT_EQ(sides_.rows[1].output, "b");
  EXPECT_EQ(report.relabelled, 1U);
  EXPECT_EQ(report.dropped, 1U);
  EXPECT_EQ(report.kept, 1U);
  EXPECT_TRUE(report.unapplied.empty());
}

TEST_F(Review, ARowThatChangedSinceIsReportedAndLeftAlone) {
  const std::vector<Decision> decisions = {decision(sides_.rows[0], Action::relabel, "b"),
                                           decision(row_of("gone", "a"), Action::drop),
                                           decision(sides_.rows[2], Action::relabel, "c")};
  sides_.rows[0].input += " and more";
  const PatchReport report = apply_decisions(decisions, task_, sides_);
  EXPECT_EQ(sides_.rows[0].output, "a");
  EXPECT_EQ(sides_.rows.size(), 3U);
  ASSERT_EQ(report.unapplied.size(), 3U);
  EXPECT_EQ(report.unapplied[0].why, "no row has this id any more");
  EXPECT_NE(report.unapplied[1].why.find("something else"), std::string::npos);
  EXPECT_NE(report.unapplied[2].why.find("none of the labels"), std::string::npos);
}

TEST_F(Review, ATestRowNeedsADecisionMadeAsOneAboutATestRow) {
  task_.data.test = "test.jsonl";
  sides_.test_rows = {row_of("t1", "a"), row_of("t2", "a")};
  Decision told = decision(sides_.test_rows[1], Action::relabel, "b");
  told.side = "test";
  const PatchReport report =
      apply_decisions({decision(sides_.test_rows[0], Action::relabel, "b"), told}, task_, sides_);
  EXPECT_EQ(sides_.test_rows[0].output, "a");
  EXPECT_EQ(sides_.test_rows[1].output, "b");
  ASSERT_EQ(report.unapplied.size(), 1U);
  EXPECT_NE(report.unapplied[0].why.find("--test"), std::string::npos);
  EXPECT_EQ(report.test_rows, std::vector<std::string>{"t2"});
}

TEST_F(Review, ATestLabelThatWasChangedOnAnotherSideIsNamed) {
  PatchReport report = apply_decisions({decision(sides_.rows[0], Action::relabel, "b")}, task_, sides_);
  report.file = "review.jsonl";
  Split split;
  split.train = sides_.rows;
  EXPECT_EQ(patch_notices(report, split).size(), 1U);
  split.test = {sides_.rows[0]};
  const auto notices = patch_notices(report, split);
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[1].find("1 test label was changed"), std::string::npos) << notices[1];
}

TEST_F(Review, AFileOfTheTaskIsReadWithItsPatchAndAnotherIsNot) {
  const TemporaryFolder folder;
  const auto line = [](const Row& row) { return to_text(Json{{"input", row.input}, {"output", row.output}}) + "\n"; };
  task_.folder = folder.path();
  task_.data.train = folder.path() / "train.jsonl";
  task_.data.test = folder.path() / "test.jsonl";
  task_.data.patch = folder.path() / "review.jsonl";
  for (const char* name : {"train.jsonl", "test.jsonl", "other.jsonl"}) {
    write_file(folder.path() / name, line(sides_.rows[0]) + line(sides_.rows[1]));
  }
  const std::vector<Row> rows = import_rows(*task_.data.test, task_)->rows;
  Decision relabel = decision(rows[0], Action::relabel, "b");
  relabel.side = "test";
  write_decisions(*task_.data.patch, {relabel});
  const auto outputs = [&](const char* name) {
    const auto imported = import_patched(folder.path() / name, task_);
    return imported ? imported->rows[0].output + imported->rows[1].output : imported.error().message;
  };
  EXPECT_EQ(outputs("test.jsonl"), "ba");
  EXPECT_EQ(outputs("other.jsonl"), "aa");
  std::filesystem::remove(*task_.data.patch);
  EXPECT_NE(outputs("test.jsonl").find("is not there"), std::string::npos) << "labels known to be wrong are not taken";
}

TEST_F(Review, AJudgementChangesNothing) {
  const PatchReport report = apply_decisions({decision(sides_.rows[0], Action::judge, "b")}, task_, sides_);
  EXPECT_EQ(sides_.rows[0].output, "a");
  EXPECT_EQ(report.decisions, 1U);
  EXPECT_EQ(report.relabelled, 0U);
}

}  // namespace
}  // namespace hone::data
