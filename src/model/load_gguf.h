// A model out of a GGUF file: its weights widened to f32, its vocabulary.
#pragma once

#include <string>

#include "formats/gguf.h"
#include "model/gguf_config.h"
#include "model/weights.h"
#include "tensor/exec.h"
#include "text/tokenizer.h"

namespace hone::model {

// Every tensor widened to f32 in parallel, named and ordered as the decoder wants it: GGUF holds the rows of q and k of
// llama models (of no other family) in the order of interleaved RoPE; here row h*w + j*w/2 + i is the file's row
// h*w + 2i + j (w = head width, j < 2, i < w/2). Gemma's norms have their 1 added in the file. A tensor that is
// missing, of another shape, not known or not finite is refused by name.
Result<Weights> load_gguf(tensor::Exec& exec, const formats::GgufFile& file, const std::string& where);

// tokenizer.ggml.*; token ids outside the vocabulary are refused by key.
Result<text::GgufVocabulary> gguf_vocabulary(const formats::GgufFile& file, const std::string& where);

}  // namespace hone::model
