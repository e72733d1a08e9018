// Whether what was exported still answers as the trained run did, and if not, why.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "eval/score.h"
#include "model/export_merge.h"
#include "solve/contenders.h"
#include "solve/export_source.h"

namespace hone::solve {

// The exported files, opened as a model; a base beside an adapter that was written alone.
struct ExportedModel {
  std::string model;        // as open_model takes it
  Path peft, gguf_adapter;  // an adapter over it; at most one
};

struct ExportCause {
  std::string cause;   // "template", "tokenizer", "scale" or "precision"
  std::string detail;  // a sentence with figures
};

struct ExportCheck {
  std::size_t rows = 0;
  std::size_t agreeing = 0;
  std::vector<std::string> different;  // ids of rows answered differently
  std::vector<ExportCause> causes;     // filled where agreement is too low
  bool interrupted = false;            // the figures are of the rows so far
  double agreement() const { return rows == 0 ? 1 : static_cast<double>(agreeing) / static_cast<double>(rows); }
};

// Below this share of equal final answers an export has failed.
inline constexpr double least_agreement = 0.99;

// Asks both for the rows of `test`, one after the other; answers that the trained run left in `workspace`'s store for
// the same rows are taken from there. Final answers are compared as the task's kind says (labels, JSON values, text).
struct CheckSpec {
  const ExportSource* source = nullptr;
  ExportedModel exported;
  Workspace* workspace = nullptr;
  Quiet quiet;
};
ExportCheck check_export(const CheckSpec& spec, std::stop_token stop);

// How the weights of an export differ from the merge of base and adapter, over all changed maps.
struct WeightDifference {
  double scale = 1;     // what the export adds, measured along s B A; 1: all of it
  double rounding = 0;  // |export - merge| / |s B A|, Frobenius
};
// Both adapters on the same base. Shapes must fit.
WeightDifference compare_adapters(const model::Adapter& exported, const model::Adapter& trained);
// `exported` are the merged files; `source` what they were merged from.
WeightDifference compare_merged(tensor::Exec& exec, const model::BaseFiles& exported, const model::MergeSource& source);

}  // namespace hone::solve
