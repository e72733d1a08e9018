// A model as people have it: a GGUF file, a Hugging Face folder or a catalogue name, opened with its decoder, tokenizer
// and chat template.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "model/decoder.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace hone::model {

struct Model {
  std::string name;     // as the user named it
  Path path;            // file or folder
  std::string sha256;   // of the GGUF file, or of the folder's weight files in name order
  std::shared_ptr<const Decoder> decoder;  // null when only the tokenizer was asked for
  text::Tokenizer tokenizer;
  text::ChatTemplate chat_template;
  bool default_template = false;  // the model brought none
};

enum class Parts { tokenizer_only, everything };

// Opens MODEL: a `.gguf` file, a folder with config.json, or a catalogue name already pulled (else Failure environment,
// naming `hone models pull`). Throws Failure.
Model open_model(tensor::Exec& exec, const std::string& model, Parts parts);

}  // namespace hone::model
