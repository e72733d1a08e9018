// Rows made by a teacher, out of training rows only, for training only.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "prompt/synthesis.h"
#include "solve/recorded_responder.h"
#include "solve/teacher.h"
#include "solve/workspace.h"

namespace hone::solve {

// Who must find the new row's answer again before the row is kept.
enum class Agreeing { teacher, classifier, nobody };
const char* name_of(Agreeing agreeing);
Result<Agreeing> agreeing_named(const std::string& name);

// A word that gives a label away.
struct TriggerWord {
  std::string word;
  std::string label;
};

struct SynthesisSpec {
  prompt::SynthesisKind kind = prompt::SynthesisKind::paraphrase;
  std::size_t count = 100;            // rows of this kind by this teacher that the file holds in the end
  std::vector<std::string> labels;    // make rows of these only; empty: of all
  std::vector<TriggerWord> triggers;  // negatives
  Agreeing agreeing = Agreeing::teacher;
  std::size_t rows_a_plea = 3;
  Path out;
};

struct SynthesisOutcome {
  std::size_t earlier = 0;   // rows of this kind by this teacher that the file held
  std::size_t accepted = 0;  // now
  std::size_t pleas = 0, failed = 0;
  std::size_t texts = 0;  // that answers held
  std::size_t repeats_rows = 0, repeats_generated = 0, disagreed = 0;
  std::vector<data::Row> rows;  // accepted now
  std::string failed_why;
  std::string ended;  // "finished", "capped", "interrupted", "exhausted": the teacher had nothing new to say
};

// What a row says of its making: "generated: paraphrase by NAME".
std::string source_of(prompt::SynthesisKind kind, const Teacher& teacher);

// Asks in rounds until the file holds `count` rows. A text is left out that nearly duplicates any row of the task, of
// whichever side, or a generated one, and one whose answer is not found again. Accepted rows go to spec.out after each
// round, behind what stands there: {id, input, output, group, source, labels_by, made_on, made_from}. Only training
// rows that no model wrote are shown to the teacher. The same call goes on where an earlier one ended, from `answers`.
// Failure: a kind that needs labels and a task without, no row to start from, or what the teacher's responder throws.
SynthesisOutcome synthesise(const Workspace& workspace, const SynthesisSpec& spec, Teacher& teacher,
                            RecordedResponder& answers, std::stop_token stop);

struct RationaleSpec {
  std::size_t count = 0;                  // rows at most; 0: all training rows
  Agreeing agreeing = Agreeing::teacher;  // teacher or nobody
  Path out;
};
struct RationaleOutcome {
  std::size_t rows = 0, accepted = 0, unusable = 0, disagreed = 0, failed = 0;
  std::string failed_why;
  std::string ended;
};

// One sentence of reason for each training row that no model wrote, kept where the teacher, given the input and the
// reason but not the answer, finds the answer again (classify tasks). Writes {id, input, output, rationale,
// rationale_by, reasoned_output, made_on} to spec.out, in the order of rows; reasoned_output is the reason, a line
// "Answer:" and the answer: what `ask --rationale` lets a model write.
RationaleOutcome write_rationales(const Workspace& workspace, const RationaleSpec& spec, Teacher& teacher,
                                  RecordedResponder& answers, std::stop_token stop);

// Distinct pairs of neighbouring words, as a share of all: how little texts repeat each other. 0 without pairs.
double distinct_pairs(const std::vector<std::string>& texts);

}  // namespace hone::solve
