// What a plain classifier that never saw a row thinks of its label, for `data check` and `data task`.
#pragma once

#include <optional>
#include <string>

#include "data/out_of_fold.h"
#include "data/split.h"
#include "data/task.h"

namespace hone::cli {

// Of all rows of the split, with progress; none where the task has no labels, or fewer than 50 rows or two labels have
// rows.
std::optional<data::OutOfFold> label_answers(const data::Task& task, const data::Split& split);

// A line a row: {id, line, output, suggested, quality, is_suspect, probabilities: {label: p}} (data/suspect_labels.h).
// Failure (bad_input) without answers.
void write_label_scores(const std::string& file, const std::optional<data::OutOfFold>& answers);

}  // namespace hone::cli
