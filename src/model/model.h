// A model as people have it: a GGUF file, a Hugging Face folder or a catalogue name, opened with its decoder, tokenizer
// and chat template.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "model/decoder.h"
#include "model/precision.h"
#include "model/stored_weights.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hone::model {

struct Model {
  std::string name;  // as the user named it
  Path path;         // file or folder
  // Of the GGUF file, or of the folder's weight file; of several weight files: of a line "hash  name" each, in name
  // order; empty for a folder without weights. Remembered between starts (model/file_hash.h).
  std::string sha256;
  std::shared_ptr<const Decoder> decoder;  // null when only the tokenizer was asked for
  text::Tokenizer tokenizer;
  text::ChatTemplate chat_template;
  bool default_template = false;         // the model brought none
  Precision precision = Precision::f32;  // of the decoder's matrices; never automatic
};

enum class Parts { tokenizer_only, everything };

// Opens MODEL: a catalogue name already pulled (else Failure environment, naming `hone models pull`; write ./NAME for a
// folder of that name), a `.gguf` file, or a folder with config.json. A file whose hash is not the catalogue's, tensors
// that are missing, unknown or of another shape, and models this version cannot run are refused by name. Throws
// Failure.
Model open_model(tensor::Exec& exec, const std::string& model, Parts parts, Precision precision = Precision::f32);

// The shape of MODEL and what its weights would take up, from its files' headers.
ModelSize measure_model(const std::string& model, Precision precision);

}  // namespace hone::model
