// What a teacher is asked for when rows are to be made, and what its answers hold.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/row.h"
#include "data/task.h"
#include "text/message.h"

namespace hone::prompt {

enum class SynthesisKind {
  paraphrase,  // a training row in other words
  negatives,   // rows that hold a word that gives a label away, and have another label
  missing,     // rows of a label that has few
  document,    // a training row's input, word for word, inside a longer text
};
const char* name_of(SynthesisKind kind);
Result<SynthesisKind> synthesis_named(const std::string& name);

// One thing to ask for.
struct SynthesisPlea {
  std::string output;                      // the answer that the new rows have
  const data::Row* made_from = nullptr;    // paraphrase and document
  std::string word;                        // negatives: what every new row holds
  std::vector<const data::Row*> examples;  // negatives and missing: rows that have the answer
  std::size_t rows = 1;                    // wanted
  std::uint64_t draw = 0;                  // tells pleas apart that ask for the same
};

// Only training rows stand in it. The form asked for: a row a line without numbers; a document as it is.
text::Request synthesis_request(const data::Task& task, SynthesisKind kind, const SynthesisPlea& plea);

// The texts of an answer: lines without their numbers, dashes and quotes; a document whole, without a code fence. What
// does not keep to the plea is left out: a text without the word, a document that does not hold the input (folded
// texts), one that only repeats what it was made from, an empty one.
std::vector<std::string> synthesised_texts(SynthesisKind kind, const SynthesisPlea& plea, const std::string& answer);

// For one sentence that says why the row has its answer.
text::Request rationale_request(const data::Task& task, const data::Row& row);
// The sentence, without quotes and line breaks; nothing where the answer is empty, longer than 60 words, or begins with
// a refusal.
std::optional<std::string> rationale_in(const std::string& answer);
// Whether the answer follows from input and reason: the same question with the reason before it.
text::Request reasoned_request(const data::Task& task, const data::Row& row, const std::string& rationale);

}  // namespace hone::prompt
