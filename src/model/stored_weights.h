// The tensors of a model file, whatever its format, on their way into the decoder: widened, checked, and kept in the
// wanted precision. A matrix is read a stretch of rows at a time, and its file's pages are given back behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/precision.h"
#include "model/weights.h"
#include "tensor/exec.h"
#include "tensor/ggml_type.h"

namespace hone::model {

struct StoredTensor {
  std::string name;       // as WeightsBuilder wants it
  std::string file_name;  // as the file has it
  tensor::GgmlType type = tensor::GgmlType::f32;
  tensor::Shape shape;
  std::string_view bytes;
  const MappedFile* map = nullptr;     // that `bytes` lie in; null: they lie elsewhere
  std::int64_t interleaved_width = 0;  // rows lie in the order of interleaved RoPE, in heads of so many; 0: in place
  float added = 0;                     // to every value
  std::shared_ptr<ops::Nf4> nf4{};     // quantised already; `type` and `bytes` are not read then
};

// All that a decoder wants, found in a file.
struct StoredModel {
  Config config;
  WeightsBuilder builder;
  std::vector<StoredTensor> tensors;
};

// All of them in place, the model is spent. A tensor that is not finite is refused by name; `where` names the file or
// folder.
Result<Weights> load_stored(tensor::Exec& exec, StoredModel model, Precision precision, const std::string& where);

struct ModelSize {
  Config config;
  std::uint64_t weight_bytes = 0;
};

// What load_stored() keeps in memory for them.
std::uint64_t kept_bytes(std::span<const StoredTensor> stored, Precision precision);

}  // namespace hone::model
