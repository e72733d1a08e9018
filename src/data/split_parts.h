// What a split does before and after groups are dealt to sides.
#pragma once

#include <cstdint>
#include <vector>

#include "data/split.h"
#include "data/split_memory.h"

namespace hone::data {

// Rows that nearly duplicate one of the user's own test (or validation) file may not be trained on: moved to
// `split.set_aside`, with a notice.
void protect_own_files(SplitInput& input, const Task& task, Split& split);

// Moves the generated rows of the train file to `input.generated_rows`, and sets those of the user's own test and
// validation files aside, with a notice.
void take_generated(SplitInput& input, const Task& task, Split& split);

// Adds generated rows to the training side, each in the group of the row that it was made from; sets aside what comes
// from, or nearly duplicates, a row of another side, or has the id of a training row. To be called last, when the other
// sides are whole.
void place_generated(std::vector<Row> rows, const Task& task, Split& split);

// Moves all but the `most` rows with the lowest hashes (of id and seed) from a side to `split.unscored`, with a notice.
void bound_side(Split& split, Side side, std::size_t most, std::uint64_t seed);

// Says which of validation and test is empty or has fewer than least_side_rows rows.
void note_small_sides(Split& split);

}  // namespace hone::data
