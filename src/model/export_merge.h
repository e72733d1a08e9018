// A base with an adapter merged into it, tensor by tensor as the base's files hold them: never all in memory at once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "model/weights.h"
#include "tensor/exec.h"

namespace hone::model {

// Whose conventions values follow: order of q and k rows, and whether norms hold Gemma's 1 already.
enum class Layout : std::uint8_t { hugging_face, gguf };

// A base model's files, opened but not read.
class BaseFiles {
 public:
  // A .gguf file, or a folder with config.json and safetensors. What the decoder could not run is refused.
  static Result<BaseFiles> open(const Path& path);

  const Path& path() const { return path_; }
  const Config& config() const { return config_; }
  const formats::GgufFile* gguf() const { return gguf_ ? &*gguf_ : nullptr; }  // null: a folder
  // By Hugging Face names, in the decoder's order.
  const std::vector<WeightsBuilder::Wanted>& tensors() const { return tensors_; }

  // The values of tensors()[index] as f32. A tensor that is missing or of another shape is refused by name.
  Result<tensor::Tensor> read(tensor::Exec& exec, std::size_t index, Layout layout) const;
  // Its bytes, where the file holds them as `type` already in GGUF's conventions.
  std::optional<std::string_view> stored(std::size_t index, formats::GgmlType type) const;

 private:
  Result<tensor::Tensor> read_gguf(tensor::Exec& exec, std::size_t index, Layout layout) const;
  Result<tensor::Tensor> read_shard(std::size_t index, Layout layout) const;

  Path path_;
  Config config_;
  std::vector<WeightsBuilder::Wanted> tensors_;
  std::optional<formats::GgufFile> gguf_;
  std::vector<formats::SafetensorsFile> shards_;
  std::map<std::string, std::size_t, std::less<>> shard_of_;  // tensor name -> index in shards_
};

struct MergeSource {
  const BaseFiles* base = nullptr;
  const Adapter* adapter = nullptr;  // null: the base as it is
};

// Whether the adapter changes tensors()[index]: it targets it, and B is not all zero.
bool is_changed(const MergeSource& source, std::size_t index);

// W + s B A of tensors()[index] in f32, summed in f64 and rounded once. A value that is not finite is an error that
// names the tensor.
Result<tensor::Tensor> merged(tensor::Exec& exec, const MergeSource& source, std::size_t index, Layout layout);

// What long writes tell and ask.
struct ExportHooks {
  std::stop_token stop;                               // asked for: the write throws Failure (interrupted)
  std::function<void(std::uint64_t bytes)> on_bytes;  // written so far; may be empty
};

}  // namespace hone::model
