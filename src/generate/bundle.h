// A bundle: a folder that can be served. bundle.json (kind, task, base reference, hashes) plus what its kind needs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "classic/classic.h"
#include "data/task.h"
#include "generate/generate.h"

namespace hone::generate {

// copy answers with the input itself; nearest with the output of the training row most like it.
enum class BundleKind { majority, knn, ngram, copy, nearest, probe, prompted, tuned };
const char* name_of(BundleKind kind);

// What bundle.json says. A bundle is complete in itself except for the base model, named by catalogue name or path and
// SHA-256.
struct BundleRecord {
  BundleKind kind = BundleKind::tuned;
  std::string contender;   // its name in the table
  data::Task task;         // instruction, labels, kind, abstain are kept
  std::string base_model;  // as open_model takes it; empty for classic kinds
  std::string base_sha256;
  model::Precision precision = model::Precision::f32;  // in which the base is kept
  std::vector<text::Message> shots;                    // few-shot turns put before the input; prompted kinds
  int knn_shots = 0;                                   // kNN few-shot: nearest rows put before the input
  int neighbours = 8;                                  // knn: rows that vote
  std::string today;                                   // the run's date, for templates that print one
  int max_prompt_tokens = 2048;
  int max_answer_tokens = 0;  // of a free text answer, where the caller sets no limit; 0: AnswerSpec's default
  Json manifest;              // run id, data hashes, metrics: provenance
  std::map<std::string, std::string> hashes;  // file -> SHA-256, filled by write_bundle
};

// What is written beside the record: whichever its kind needs.
struct BundleParts {
  const model::Adapter* adapter = nullptr;          // tuned
  const classic::NgramClassifier* ngram = nullptr;  // ngram
  const classic::LinearHead* head = nullptr;        // probe
  std::vector<data::Row> rows;                      // majority, knn, nearest, kNN few-shot
};
// Writes `folder` (aside, then renamed; an older bundle there is replaced in one step). Throws Failure where it can't,
// or where `folder` holds something else.
void write_bundle(const Path& folder, BundleRecord record, const BundleParts& parts);

// Whether answers are held to the schema of the task, where it has one.
enum class Holding { to_task, to_nothing };

struct BundleOptions {
  Holding holding = Holding::to_task;
  std::optional<model::Precision> precision{};  // in which the base is kept; nothing: as recorded
};

// An open bundle answers bare inputs: wraps each in the task's conversation (with shots), asks, and returns the reply.
class Bundle {
 public:
  // Checks every hash; a missing base model is a Failure that names `hone models pull`. `exec` outlives the bundle.
  static std::unique_ptr<Bundle> open(tensor::Exec& exec, const Path& folder, const BundleOptions& options = {});
  virtual ~Bundle() = default;
  virtual const BundleRecord& record() const = 0;
  // inputs[i] -> on_reply(i, ...). `base_answer` carries logprobs, max_tokens; labels come from the task.
  virtual void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer,
                      const text::OnReply& on_reply, std::stop_token stop) = 0;
};
bool is_bundle(const Path& folder);

}  // namespace hone::generate
