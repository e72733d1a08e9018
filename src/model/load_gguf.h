// A model out of a GGUF file: its weights, its vocabulary.
#pragma once

#include <string>

#include "formats/gguf.h"
#include "model/gguf_config.h"
#include "model/stored_weights.h"
#include "tensor/exec.h"
#include "text/tokenizer.h"

namespace hone::model {

// The tensors of `file`, which outlives the result, named and ordered as the decoder wants them: GGUF holds the rows of
// q and k of llama models (of no other family) in the order of interleaved RoPE; here row h*w + j*w/2 + i is the file's
// row h*w + 2i + j (w = head width, j < 2, i < w/2). Gemma's norms have their 1 added in the file. A tensor that is
// missing, of another shape or not known is refused by name.
Result<StoredModel> stored_gguf(const formats::GgufFile& file, const std::string& where);

// Kept in `precision`; one that is not finite is refused by name, too.
Result<Weights> load_gguf(tensor::Exec& exec, const formats::GgufFile& file, const std::string& where,
                          Precision precision = Precision::f32);

// tokenizer.ggml.*; token ids outside the vocabulary are refused by key.
Result<text::GgufVocabulary> gguf_vocabulary(const formats::GgufFile& file, const std::string& where);

}  // namespace hone::model
