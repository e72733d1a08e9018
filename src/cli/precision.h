// The option --precision of the commands that open a language model.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "model/precision.h"

namespace hone::cli {

// Adds the option; `value` outlives the parsing. `of_what` begins its help text.
inline void add_precision(CLI::App& command, std::optional<model::Precision>& value, const std::string& of_what) {
  std::vector<std::string> names;
  for (const char* name : model::precision_names()) names.emplace_back(name);
  command
      .add_option_function<std::string>(
          "--precision", [&value](const std::string& name) { value = model::precision_named(name); },
          of_what +
              ": auto (as-is for answers, f32 for training: the same bits), f32, bf16, int8 (fastest, near f32), "
              "int8-weights, nf4, nf4-double, or as-is, which is how its file has it")
      ->check(CLI::IsMember(names));
}

}  // namespace hone::cli
