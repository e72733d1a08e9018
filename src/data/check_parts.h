// The parts of check_data: each adds what it finds about one thing.
#pragma once

#include <string>
#include <vector>

#include "data/check.h"
#include "data/copy_search.h"

namespace hone::data {

using Findings = std::vector<Finding>;

void check_rejected(const CheckInput& input, Findings& findings);
void check_columns(const CheckInput& input, Findings& findings);
// Rows that repeat an earlier one, stand on two sides of the user's own files or of the split, or are set aside.
void check_copies(const CheckInput& input, const Copies& copies, Findings& findings);
// Equal or near-identical inputs with different labels.
void check_conflicts(const CheckInput& input, const Copies& copies, Findings& findings);
void check_balance(const CheckInput& input, Findings& findings);
// Labels that confident learning doubts, and words that give a label away; nothing without out-of-fold answers.
void check_suspects(const CheckInput& input, Findings& findings);
void check_words(const CheckInput& input, Findings& findings);
// Length outliers, answers that are too long, look cut or have no end.
void check_lengths(const CheckInput& input, Findings& findings);
void check_rationale(const CheckInput& input, Findings& findings);
void check_templates(const CheckInput& input, Findings& findings);
// What a JSON answer says and its input does not; JSON that is none.
void check_values(const CheckInput& input, Findings& findings);
void check_unparsable(const CheckInput& input, Findings& findings);
void check_characters(const CheckInput& input, Findings& findings);
void check_personal(const CheckInput& input, Findings& findings);
void check_shifts(const CheckInput& input, Findings& findings);
void check_length(const CheckInput& input, Findings& findings);
// Whether the rows that judge are enough.
void check_size(const CheckInput& input, Findings& findings);

std::string check_command(const Task& task);
// A command that shows these lines of a file.
std::string show_command(const Path& file, const std::vector<std::size_t>& lines);
// The user's file that a row stands in.
Path file_of(const CheckInput& input, const Row& row);
// The same for those of the rows that stand in the file of the first one, in the order given.
std::string show_rows_command(const CheckInput& input, const std::vector<const Row*>& rows);
// "1 row", "3 rows".
std::string count_of(std::size_t n, const char* one, const char* many);
double share(std::size_t part, std::size_t whole);
std::size_t all_rows(const CheckInput& input);

}  // namespace hone::data
