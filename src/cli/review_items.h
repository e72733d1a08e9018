// The rows that `hone data review` shows, and in which order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/review.h"
#include "data/split.h"
#include "data/task.h"
#include "data/task_rows.h"

namespace hone::cli {

struct ReviewItem {
  data::Row row;        // as the task has it now: with what was decided before
  std::string content;  // content_hash() of the row as its file has it
  std::string given;    // the file's answer
  std::string side;     // "train", "validation", "test"
  std::string file;
  std::string why;        // it is shown; may be empty
  std::string suggested;  // another answer that looks right; empty: none
};

// A task with its rows on their sides, and what each row was before the patch.
struct ReviewedTask {
  data::Task task;
  data::Split split;
  std::vector<data::Decision> decisions;
  std::vector<std::string> notices;
  struct Original {
    std::string content;  // content_hash()
    std::string output;
  };
  // By id and line: the rows as their files have them.
  std::map<std::pair<std::string, std::size_t>, Original> originals;
};

// Reads the task; the split is fixed now if it was not, so that decisions cannot move rows to other sides.
ReviewedTask open_reviewed(const std::string& folder);

struct ItemSpec {
  bool of_test = false;       // test rows, else those of training and validation
  std::string findings_file;  // of `data check --json`; empty: suspect labels are looked for anew
  std::string finding;        // only those of this id; empty: all
  bool decided_too = false;   // rows that were decided about, too
};
// Rows whose blind judgement differs from the file's answer, then the findings' rows or the suspect labels, likeliest
// first.
std::vector<ReviewItem> suspect_items(const ReviewedTask& reviewed, const ItemSpec& spec);

// At most `most` rows of the test side, drawn by the task's seed: the same ones at every start, judged ones included.
std::vector<ReviewItem> blind_sample(const ReviewedTask& reviewed, std::size_t most);

// The last decision to keep, relabel or drop the row as its file has it; null: none. The same for blind judgements.
const data::Decision* decision_about(const ReviewedTask& reviewed, const ReviewItem& item);
const data::Decision* judgement_about(const ReviewedTask& reviewed, const ReviewItem& item);

}  // namespace hone::cli
