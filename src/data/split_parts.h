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

// Moves all but the `most` rows with the lowest hashes (of id and seed) from a side to `split.unscored`, with a notice.
void bound_side(Split& split, Side side, std::size_t most, std::uint64_t seed);

// Says which of validation and test is empty or has fewer than least_side_rows rows.
void note_small_sides(Split& split);

}  // namespace hone::data
