// Decisions about rows, made by a person who looked at them: a patch beside the data, never an edit of it.
#pragma once

#include <string>
#include <vector>

#include "data/split.h"

namespace hone::data {

// judge: what a person who saw neither the file's answer nor any model's thinks the answer is; never applied.
enum class Action { keep, relabel, drop, note, judge };
const char* name_of(Action action);

struct Decision {
  std::string id;       // of the row
  std::string content;  // content_hash() of the row as it was when decided
  Action action = Action::keep;
  std::string value;  // relabel and judge: the answer ("" of judge: not sure)
  std::string note;
  std::string side;  // on which the row stood: "train", "validation", "test"
  std::string who, when;
};

// The first 32 hex digits of the SHA-256 of ["input", "output"] as JSON.
std::string content_hash(const Row& row);

// The patch file: {"hone_review": 1}, then a decision a line, oldest first: {id, content, action, value, note, side,
// who, when}. Nothing where the file is not there. An error names the line; a newer version is one.
Result<std::vector<Decision>> read_decisions(const Path& file);
std::string decisions_text(const std::vector<Decision>& decisions);
// Written aside, flushed to the disk and renamed.
void write_decisions(const Path& file, const std::vector<Decision>& decisions);

// The patch of a task: data.patch, else review.jsonl beside the task file.
Path review_file(const Task& task);

struct Unapplied {
  Decision decision;
  std::string why;
};
struct PatchReport {
  std::string file;  // its name without folders; empty: the task has no patch
  std::string sha256;
  std::size_t decisions = 0;
  std::size_t kept = 0, relabelled = 0, dropped = 0;
  std::vector<std::string> test_rows;  // ids of test rows that were relabelled or dropped
  // Ids of rows that were changed when they stood on another side than test.
  std::vector<std::string> other_rows;
  std::vector<Unapplied> unapplied;
};

// Relabels and drops `sides`' rows as the last decision about each says. Not applied, and reported: a decision whose
// row is gone or holds something else now, an answer that the task does not allow, and a decision about a row of the
// task's own test file that was not made as one about a test row.
PatchReport apply_decisions(const std::vector<Decision>& decisions, const Task& task, SplitInput& sides);

// The same with the task's patch; nothing where it has none. An error where the file that the task names cannot be
// read.
Result<PatchReport> patch_rows(const Task& task, SplitInput& sides);

// What the patch did, for people: what was changed, which test rows among it, what was not applied. `split` is made
// from the patched rows: a test row in it that was decided on another side is named.
std::vector<std::string> patch_notices(const PatchReport& report, const Split& split);

}  // namespace hone::data
