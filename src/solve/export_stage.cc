#include "solve/export_stage.h"

#include <algorithm>

#include "base/hash.h"
#include "base/progress.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "data/prompt_version.h"
#include "model/export_folder.h"
#include "model/export_gguf.h"
#include "model/export_modelfile.h"
#include "model/export_output.h"
#include "solve/machine.h"
#include "text/prompt_encoding.h"

namespace hone::solve {
namespace {

using formats::GgmlType;

constexpr std::uint64_t room = 32 << 20;  // for tokenizer and descriptions
constexpr const char* merged_file = "model.gguf";
constexpr const char* adapter_file = "adapter.gguf";

tensor::DType dtype_of(GgmlType type) {
  return type == GgmlType::f16 ? tensor::DType::f16 : type == GgmlType::bf16 ? tensor::DType::bf16 : tensor::DType::f32;
}

void check_fits(const ExportSpec& spec, GgmlType type, const ExportSource& source) {
  const bool is_narrow = type == GgmlType::q8_0 || type == GgmlType::q4_0;
  if (is_narrow && spec.format != ExportFormat::gguf)
    fail(ErrorCode::usage, "--type {} is for --format gguf; {} takes f32, f16 and bf16", name_of_type(type),
         name_of(spec.format));
  const bool wants_adapter = spec.format == ExportFormat::peft || spec.format == ExportFormat::gguf_adapter;
  if (wants_adapter && source.reference.adapter.empty())
    fail(ErrorCode::usage, "{} has no adapter, only its base model; export it with --format hf or gguf",
         printable(spec.source.model));
}

// All that writing needs, opened; the base's weights stay on disk.
struct Prepared {
  ExportSource source;
  model::Model base;  // its tokenizer and template only
  model::BaseFiles files;
  std::optional<model::Adapter> adapter;
  model::TokenIds ids;
  GgmlType type = GgmlType::f32;
  std::string name;  // of the model, for people and commands
};

model::TokenIds token_ids(const model::Model& base) {
  model::TokenIds ids;
  ids.bos = base.tokenizer.bos();
  ids.ends.push_back(value_or_throw(text::turn_end(base.tokenizer, base.chat_template)));
  for (const text::TokenId end : base.tokenizer.end_of_turn())
    if (std::find(ids.ends.begin(), ids.ends.end(), end) == ids.ends.end()) ids.ends.push_back(end);
  ids.padding = base.tokenizer.eos() ? base.tokenizer.eos() : ids.ends.front();
  return ids;
}

// A word of letters, digits and dashes: what servers take for a model's name.
std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (fits) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "tuned" : name;
}

Prepared prepare(const ExportSpec& spec) {
  ExportSource source = export_source(spec.source);
  const bool has_adapter = !source.reference.adapter.empty();
  const GgmlType type = spec.type.value_or(default_type(spec.format));
  check_fits(spec, type, source);
  tensor::Exec exec(1);
  model::Model base = open_language_model(exec, source.reference, model::Parts::tokenizer_only).base;
  model::BaseFiles files = value_or_throw(model::BaseFiles::open(base.path));
  std::optional<model::Adapter> adapter;
  if (has_adapter) {
    value_or_throw(model::check_adapter_base(source.reference.adapter, base.sha256));
    adapter = value_or_throw(model::Adapter::load(source.reference.adapter, files.config()));
  }
  model::TokenIds ids = token_ids(base);
  const std::string name = plain_name(source.reference.task ? source.reference.task->name : "tuned");
  return {.source = std::move(source),
          .base = std::move(base),
          .files = std::move(files),
          .adapter = std::move(adapter),
          .ids = std::move(ids),
          .type = type,
          .name = name};
}

std::uint64_t bytes_needed(const Prepared& prepared, ExportFormat format) {
  switch (format) {
    case ExportFormat::hf:
      return model::folder_bytes_needed(prepared.files, dtype_of(prepared.type));
    case ExportFormat::gguf:
      return model::gguf_bytes_needed(prepared.files, prepared.type);
    default:
      return prepared.adapter->parameters() * sizeof(float);
  }
}

// What stands before every input.
std::vector<text::Message> messages_before(const Prepared& prepared) {
  const auto& task = prepared.source.reference.task;
  if (!task) return {};
  std::vector<text::Message> before = data::conversation(*task, prepared.source.shots, "");
  before.pop_back();
  return before;
}

// The Modelfile beside a GGUF file: `from` and `adapter` as it sees them.
std::string modelfile_of(const Prepared& prepared, const std::string& from, const std::string& adapter) {
  const int context = prepared.files.config().context;
  const int wanted = prepared.source.max_prompt_tokens > 0 ? prepared.source.max_prompt_tokens : 4096;
  return model::modelfile({.chat_template = &prepared.base.chat_template,
                           .tokenizer = &prepared.base.tokenizer,
                           .from = from,
                           .adapter = adapter,
                           .before = messages_before(prepared),
                           .today = prepared.source.reference.today,
                           .context = std::min(context, wanted)});
}

class Writing {
 public:
  Writing(const Prepared& prepared, const Path& folder, const model::ExportHooks& hooks)
      : prepared_(prepared), folder_(folder), hooks_(hooks) {}

  void run(ExportFormat format) {
    switch (format) {
      case ExportFormat::peft:
        model::write_peft_folder({.adapter = &*prepared_.adapter,
                                  .base = model::public_name(prepared_.source.reference.base),
                                  .base_sha256 = prepared_.base.sha256,
                                  .dtype = dtype_of(prepared_.type)},
                                 folder_);
        break;
      case ExportFormat::gguf_adapter:
        model::write_gguf_adapter({.adapter = &*prepared_.adapter,
                                   .config = &prepared_.files.config(),
                                   .name = prepared_.name,
                                   .type = prepared_.type},
                                  folder_ / adapter_file);
        write_file(folder_ / "Modelfile",
                   modelfile_of(prepared_, prepared_.base.path.string(), std::string("./") + adapter_file));
        break;
      case ExportFormat::hf:
        write_hf();
        break;
      case ExportFormat::gguf:
        write_gguf();
        break;
    }
  }

 private:
  model::MergeSource merge_source() const {
    return {&prepared_.files, prepared_.adapter ? &*prepared_.adapter : nullptr};
  }
  void write_hf() {
    const bool writes_template = prepared_.files.gguf() != nullptr || prepared_.base.default_template;
    const model::FolderHead head{.base = &prepared_.files,
                                 .ids = prepared_.ids,
                                 .chat_template = writes_template ? prepared_.base.chat_template.source() : "",
                                 .dtype = dtype_of(prepared_.type)};
    model::write_merged_folder(exec_, merge_source(), head, folder_, hooks_);
  }
  void write_gguf() {
    const model::GgufHead head{.base = &prepared_.files,
                               .tokenizer = &prepared_.base.tokenizer,
                               .ids = prepared_.ids,
                               .chat_template = prepared_.base.chat_template.source(),
                               .name = prepared_.name,
                               .type = prepared_.type};
    model::write_merged_gguf(exec_, merge_source(), head, folder_ / merged_file, hooks_);
    write_file(folder_ / "Modelfile", modelfile_of(prepared_, std::string("./") + merged_file, ""));
  }

  const Prepared& prepared_;
  Path folder_;
  const model::ExportHooks& hooks_;
  tensor::Exec exec_;
};

std::vector<ExportedFile> files_in(const Path& folder) {
  std::vector<ExportedFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back({entry.path().filename().string(), entry.file_size()});
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

// Of the files in `folder`, which hold everything else already.
Json record_of(const ExportSpec& spec, const Prepared& prepared, const Path& folder) {
  const ModelReference& reference = prepared.source.reference;
  Json files = Json::array();
  for (const ExportedFile& file : files_in(folder)) files.push_back(file.name);
  Json record = {{"format", name_of(spec.format)},
                 {"type", name_of_type(prepared.type)},
                 {"base", {{"model", model::public_name(reference.base)}, {"sha256", prepared.base.sha256}}},
                 {"files", std::move(files)},
                 {"hone", program_facts()}};
  if (reference.run) record["run"] = reference.run->id;
  if (!reference.adapter.empty()) {
    record["adapter_sha256"] = value_or_throw(sha256_file(reference.adapter / "adapter_model.safetensors"));
    const model::LoraSpec& lora = prepared.adapter->spec();
    record["lora"] = {{"rank", lora.rank}, {"scale", model::lora_scale(lora.scaling, lora.alpha, lora.rank)}};
  }
  return record;
}

// Whether some maps have a rank or alpha of their own.
bool has_exceptions(const model::Adapter& adapter) {
  const model::LoraSpec& spec = adapter.spec();
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const model::Site site : model::all_sites) {
      const model::LoraPair& pair = adapter.at(layer, site);
      if (!pair.is_absent() && (pair.rank() != spec.rank || pair.alpha != spec.alpha)) return true;
    }
  }
  return false;
}

constexpr const char* note_on_base =
    "llama.cpp and Ollama want the base as GGUF, and this one is a Hugging Face folder: convert it with llama.cpp's "
    "convert_hf_to_gguf.py, or take the merged model of --format gguf.";

constexpr const char* note_on_exceptions =
    "vLLM reads one rank and one alpha for all maps and leaves the exceptions of this adapter out, so no command for "
    "it "
    "is given; transformers and PEFT apply them, and vLLM serves the merged weights of --format hf.";

std::vector<std::string> commands_for(const ExportSpec& spec, const Prepared& prepared, const Path& folder) {
  const std::string place = shell_word(folder.string());
  const std::string base = prepared.base.path.string();
  const std::string length = fmt::format("--max-model-len {}", prepared.files.config().context);
  switch (spec.format) {
    case ExportFormat::peft: {
      if (has_exceptions(*prepared.adapter)) return {};  // note_on_exceptions() says why
      int most = 8;                                      // vLLM takes powers of two from 8
      while (most < prepared.adapter->largest_rank()) most *= 2;
      return {fmt::format("vllm serve {} --enable-lora --max-lora-rank {} --lora-modules {}",
                          shell_word(model::public_name(prepared.source.reference.base)), most,
                          shell_word(prepared.name + "=" + folder.string()))};
    }
    case ExportFormat::gguf_adapter:
      if (prepared.files.gguf() == nullptr) return {};  // note_on_base says why
      return {
          fmt::format("llama-server -m {} --lora {}", shell_word(base), shell_word((folder / adapter_file).string())),
          fmt::format("ollama create {} -f {}", prepared.name, shell_word((folder / "Modelfile").string()))};
    case ExportFormat::hf:
      return {fmt::format("vllm serve {} --served-model-name {} {}", place, prepared.name, length)};
    case ExportFormat::gguf:
      return {fmt::format("llama-server -m {}", shell_word((folder / merged_file).string())),
              fmt::format("ollama create {} -f {}", prepared.name, shell_word((folder / "Modelfile").string()))};
  }
  return {};
}

// The written files as a model; the base beside an adapter.
ExportedModel opened_as(const ExportSpec& spec, const Prepared& prepared, const Path& folder) {
  const std::string base = prepared.source.reference.base;
  switch (spec.format) {
    case ExportFormat::peft:
      return {.model = base, .peft = folder, .gguf_adapter = {}};
    case ExportFormat::gguf_adapter:
      return {.model = base, .peft = {}, .gguf_adapter = folder / adapter_file};
    case ExportFormat::hf:
      return {.model = folder.string(), .peft = {}, .gguf_adapter = {}};
    case ExportFormat::gguf:
      break;
  }
  return {.model = (folder / merged_file).string(), .peft = {}, .gguf_adapter = {}};
}

void add_notes(const ExportSpec& spec, const Prepared& prepared, ExportOutcome& outcome) {
  outcome.notes = prepared.source.notes;
  if (spec.format == ExportFormat::peft && has_exceptions(*prepared.adapter))
    outcome.notes.emplace_back(note_on_exceptions);
  if (spec.format == ExportFormat::peft && prepared.files.gguf() != nullptr)
    outcome.notes.push_back(fmt::format(
        "The adapter was trained over {}; over other weights of the same model ({}) answers may differ a little.",
        prepared.base.path.filename().string(), outcome.base));
  if (spec.format == ExportFormat::peft && has_exceptions(*prepared.adapter))
    outcome.notes.emplace_back(
        "Some maps have a rank or alpha of their own. PEFT applies them; servers that read one rank and alpha for all, "
        "as vLLM does, need the merged model (--format hf).");
  const std::vector<text::Message> before = messages_before(prepared);
  const bool has_modelfile = spec.format == ExportFormat::gguf || spec.format == ExportFormat::gguf_adapter;
  if (has_modelfile && std::any_of(before.begin(), before.end(),
                                   [](const text::Message& message) { return !model::can_be_quoted(message.content); }))
    outcome.notes.emplace_back(
        "The instruction or an example holds three quotes, or begins or ends with one, which a Modelfile cannot hold: "
        "it "
        "is left out, so in Ollama it must be sent with each request.");
  if (spec.format == ExportFormat::gguf_adapter && prepared.files.gguf() == nullptr)
    outcome.notes.emplace_back(note_on_base);
  if (prepared.base.default_template)
    outcome.notes.emplace_back("The base brings no chat template; ChatML, as in training, is written into the files.");
}

void check(const ExportSpec& spec, const Prepared& prepared, std::stop_token stop, ExportOutcome& outcome) {
  if (prepared.source.task_folder.empty()) {
    outcome.unchecked = "no task is known whose test rows could be asked; name it with --task";
    return;
  }
  Workspace workspace = open_workspace(prepared.source.task_folder);
  if (workspace.split.test.empty()) {
    outcome.unchecked = "the task has no test rows";
    return;
  }
  outcome.check = check_export({.source = &prepared.source,
                                .exported = opened_as(spec, prepared, outcome.folder),
                                .workspace = &workspace,
                                .quiet = spec.quiet},
                               std::move(stop));
}

}  // namespace

const char* name_of(ExportFormat format) {
  switch (format) {
    case ExportFormat::peft:
      return "peft";
    case ExportFormat::gguf_adapter:
      return "gguf-adapter";
    case ExportFormat::hf:
      return "hf";
    case ExportFormat::gguf:
      return "gguf";
  }
  return "";
}

formats::GgmlType default_type(ExportFormat format) {
  return format == ExportFormat::gguf ? GgmlType::f16 : GgmlType::f32;
}

std::string name_of_type(formats::GgmlType type) {
  std::string name = formats::name_of(type);
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

ExportOutcome export_model(const ExportSpec& spec, std::stop_token stop) {
  const Prepared prepared = prepare(spec);
  ExportOutcome outcome;
  outcome.format = spec.format;
  outcome.type = prepared.type;
  outcome.base = model::public_name(prepared.source.reference.base);
  {
    model::OutputFolder output(spec.to, room + bytes_needed(prepared, spec.format));
    Progress progress({.label = "export",
                       .unit = "bytes",
                       .total = bytes_needed(prepared, spec.format),
                       .quiet = spec.quiet.progress});
    const model::ExportHooks hooks{stop, [&](std::uint64_t bytes) { progress.update(bytes); }};
    Writing(prepared, output.path(), hooks).run(spec.format);
    write_file(output.path() / model::export_record, to_pretty_text(record_of(spec, prepared, output.path())));
    if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped; nothing was written");
    output.commit();
    outcome.folder = output.place();
  }
  outcome.files = files_in(outcome.folder);
  outcome.commands = commands_for(spec, prepared, outcome.folder);
  add_notes(spec, prepared, outcome);
  check(spec, prepared, std::move(stop), outcome);
  return outcome;
}

}  // namespace hone::solve
