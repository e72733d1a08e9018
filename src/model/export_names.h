// Names and conventions of tensors in GGUF files, beside Hugging Face's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/adapter.h"
#include "model/config.h"

namespace hone::model {

// The GGUF name of a tensor that WeightsBuilder wants under this Hugging Face name.
std::string gguf_tensor_name(const Config& config, std::string_view name);

// The layer's linear map that a Hugging Face name ("model.layers.3.self_attn.q_proj.weight") stands for.
struct MapPlace {
  int layer = 0;
  Site site = Site::q;
};
std::optional<MapPlace> map_place(std::string_view name);

// How a tensor's values differ in a GGUF file of this family.
struct GgufConvention {
  // Rows of each head's q and k in the order of interleaved RoPE (llama): in heads of this many rows, the file's row
  // 2i + j is Hugging Face's row j w/2 + i. 0: as they are.
  int interleaved_width = 0;
  float added = 0;  // norms of gemma3: 1 is in the file already
};
GgufConvention gguf_convention(const Config& config, std::string_view name);

// The Hugging Face row that lies at `row` of the file, in heads of `width` rows.
std::int64_t row_in_gguf(std::int64_t row, std::int64_t width);
// Its inverse: where the file has Hugging Face's `row`.
std::int64_t gguf_row_of(std::int64_t row, std::int64_t width);

}  // namespace hone::model
