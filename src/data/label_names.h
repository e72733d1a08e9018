// What the names of labels say by themselves, before any row is read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/task.h"

namespace hone::data {

// Whether the instruction holds the label as whole words, however it is written. `folded_instruction` is
// folded_text() of it.
bool names_label(const std::string& folded_instruction, const std::string& label);

// Whether the instruction says what the label means: it stands there before ":", "=", "(", a dash, or "means", "for",
// "if", "when", "is".
bool explains_label(const std::string& instruction, const std::string& label);

// Places of labels whose name says nothing ("A", "0", "class1", "LABEL_2", "c3") and that the instruction does not
// explain.
std::vector<std::size_t> silent_labels(const Task& task);

// Places of labels that the instruction does not hold.
std::vector<std::size_t> unnamed_labels(const Task& task);

struct NamePair {
  std::size_t a = 0, b = 0;  // places of labels, a < b
  std::string why;           // "same-words", "one-in-the-other", "nearly-the-same-spelling", "synonyms"
};
// Pairs of labels whose names may be taken for each other. Names are cut into words at everything that is no letter or
// digit and where a capital follows a small letter; plural and verb endings are dropped. The synonyms are a short list
// of words that labels are often called by ("bug" and "error"). A name that only denies the other ("spam", "not_spam")
// makes no pair.
std::vector<NamePair> overlapping_labels(const std::vector<std::string>& labels);

}  // namespace hone::data
