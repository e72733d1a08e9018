// Writing what was trained in other programs' formats, and asking the written files the test rows again.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "solve/export_check.h"

namespace hone::solve {

enum class ExportFormat { peft, gguf_adapter, hf, gguf };
const char* name_of(ExportFormat format);  // as --format takes it

// The type weights get where none was asked for: f16 in merged GGUF files, else f32.
formats::GgmlType default_type(ExportFormat format);
// "f32", "q8_0" ...: as --type takes it.
std::string name_of_type(formats::GgmlType type);

struct ExportSpec {
  ExportSourceSpec source;
  Path to;
  ExportFormat format = ExportFormat::peft;
  std::optional<formats::GgmlType> type;
  Quiet quiet;
};

struct ExportedFile {
  std::string name;
  std::uint64_t bytes = 0;
};

struct ExportOutcome {
  Path folder;
  ExportFormat format = ExportFormat::peft;
  formats::GgmlType type = formats::GgmlType::f32;
  std::string base;                   // as other programs name it
  std::vector<ExportedFile> files;    // by name
  std::vector<std::string> commands;  // that serve it
  std::vector<std::string> notes;     // what to know, a sentence each
  std::optional<ExportCheck> check;
  std::string unchecked;  // why there is no check
};

// Writes the folder (aside, then in place at once), then scores the task's test rows through it. Throws Failure where
// it cannot be written, and (usage) for a format or type that does not fit what is exported. Stopped while writing:
// Failure (interrupted), and nothing is left; stopped while checking: the check says so.
ExportOutcome export_model(const ExportSpec& spec, std::stop_token stop);

}  // namespace hone::solve
