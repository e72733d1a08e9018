// The rows without secrets and personal data, for `data check --redact`.
#pragma once

#include <string>

#include "data/check.h"

namespace hone::cli {

// Writes train.jsonl, and validation.jsonl and test.jsonl where the task has such files, into `folder`, which is made:
// a line a row, {id?, input, output, rationale?, group?, source?}, with data/personal_data.h's redacted() in all texts.
// The files that the task names stay as they are. Failure where one of the files would be written over.
void write_redacted(const std::string& folder, const data::CheckInput& input);

}  // namespace hone::cli
