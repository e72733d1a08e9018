// The files of a bundle: their names, what bundle.json says, and hashes checked.
//
//   bundle.json                      the record; "record_sha256" is over its text without that key
//   adapter/adapter_config.json, adapter/adapter_model.safetensors   tuned (PEFT)
//   classifier/...                   ngram
//   head.json                        probe
//   rows.jsonl                       majority, knn, nearest, kNN few-shot
#pragma once

#include <vector>

#include "generate/bundle.h"

namespace hone::generate {

inline constexpr const char* record_file = "bundle.json";
inline constexpr const char* adapter_folder = "adapter";
inline constexpr const char* adapter_config = "adapter/adapter_config.json";
inline constexpr const char* adapter_weights = "adapter/adapter_model.safetensors";
inline constexpr const char* classifier_folder = "classifier";
inline constexpr const char* head_file = "head.json";
inline constexpr const char* rows_file = "rows.jsonl";

std::string record_text(const BundleRecord& record);

// Reads and checks bundle.json and the hash of every file it names. Failure (bad_input) names the file that is missing,
// was changed, or lies outside the folder.
BundleRecord read_record(const Path& folder);

// The hash of every file below `folder` but bundle.json, by its path with '/' between names.
std::map<std::string, std::string> hash_files(const Path& folder);

std::string rows_text(const std::vector<data::Row>& rows);
std::vector<data::Row> read_rows(const Path& folder);

}  // namespace hone::generate
