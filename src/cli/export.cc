// hone export: what was trained, in other programs' formats, with its answers checked.
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "solve/export_stage.h"

namespace hone::cli {
namespace {

using formats::GgmlType;
using solve::ExportFormat;

struct Options {
  solve::ExportSourceSpec source;
  std::string task;
  std::string to;
  std::string format;
  std::string type;
  bool allow_mismatch = false;
  bool json = false;
};

const std::map<std::string, ExportFormat> formats_by_name = {{"peft", ExportFormat::peft},
                                                             {"gguf-adapter", ExportFormat::gguf_adapter},
                                                             {"hf", ExportFormat::hf},
                                                             {"gguf", ExportFormat::gguf}};
const std::map<std::string, GgmlType> types_by_name = {{"f32", GgmlType::f32},
                                                       {"f16", GgmlType::f16},
                                                       {"bf16", GgmlType::bf16},
                                                       {"q8_0", GgmlType::q8_0},
                                                       {"q4_0", GgmlType::q4_0}};

bool is_too_low(const solve::ExportOutcome& outcome) {
  return outcome.check && !outcome.check->interrupted && outcome.check->agreement() < solve::least_agreement;
}

Json check_json(const solve::ExportCheck& check) {
  Json causes = Json::array();
  for (const auto& cause : check.causes) causes.push_back({{"cause", cause.cause}, {"detail", cause.detail}});
  return {{"rows", check.rows},           {"agreeing", check.agreeing}, {"agreement", check.agreement()},
          {"different", check.different}, {"causes", causes},           {"interrupted", check.interrupted}};
}

Json document_of(const solve::ExportOutcome& outcome) {
  Json files = Json::array();
  for (const auto& file : outcome.files) files.push_back({{"name", file.name}, {"bytes", file.bytes}});
  return {{"folder", outcome.folder.string()},
          {"format", solve::name_of(outcome.format)},
          {"type", solve::name_of_type(outcome.type)},
          {"base", outcome.base},
          {"files", files},
          {"commands", outcome.commands},
          {"notes", outcome.notes},
          {"check", outcome.check ? check_json(*outcome.check) : Json()},
          {"unchecked", outcome.unchecked}};
}

void print_check(const solve::ExportOutcome& outcome, const Options& options) {
  if (!outcome.check) {
    print_wrapped(fmt::format("Not checked: {}.", outcome.unchecked));
    return;
  }
  const solve::ExportCheck& check = *outcome.check;
  print_wrapped(fmt::format("{} of {} test rows are answered as by what was exported ({:.1f} %).", check.agreeing,
                            check.rows, check.agreement() * 100));
  if (check.interrupted) {
    print_wrapped("Stopped before all rows were asked; the files are complete.");
    return;
  }
  if (!is_too_low(outcome)) return;
  for (const auto& cause : check.causes) print_wrapped(fmt::format("Why: {}: {}.", cause.cause, cause.detail), 5);
  if (!options.allow_mismatch)
    print_wrapped(
        fmt::format("This is under {:.0f} %. The files are kept in {}; --allow-mismatch takes them as they "
                    "are.",
                    solve::least_agreement * 100, outcome.folder.string()));
}

// A command in lines of 80 columns, which a shell takes as one; broken before options only, never inside quotes.
void print_command(const std::string& command) {
  std::string line;
  for (std::size_t begin = 0; begin < command.size();) {
    std::size_t end = begin;
    do {
      end = std::min(command.find(" -", end + 1), command.size());
    } while (end < command.size() &&
             std::count(command.begin(), command.begin() + static_cast<std::ptrdiff_t>(end), '\'') % 2 != 0);
    const std::string part = command.substr(begin, end - begin);
    constexpr std::size_t columns = 74;
    if (!line.empty() && line.size() + part.size() > columns) {
      print_line("  " + line + " \\");
      line = "  " + part;
    } else {
      line += part;
    }
    begin = end;
  }
  print_line("  " + line);
}

void print_outcome(const solve::ExportOutcome& outcome, const Options& options) {
  print_line(fmt::format("{}: {}, {}", printable(outcome.folder.string()), solve::name_of(outcome.format),
                         solve::name_of_type(outcome.type)));
  for (const auto& file : outcome.files)
    print_line(fmt::format("  {} {:>10}", padded(file.name, 40), bytes_text(file.bytes)));
  for (const std::string& note : outcome.notes) print_wrapped(note);
  print_check(outcome, options);
  if (!outcome.commands.empty()) print_line("Serve it with:");
  for (const std::string& command : outcome.commands) print_command(command);
}

int run(Options options, std::stop_token stop) {
  options.source.task = options.task;
  const solve::ExportOutcome outcome =
      solve::export_model({.source = options.source,
                           .to = options.to,
                           .format = formats_by_name.at(options.format),
                           .type = options.type.empty() ? std::nullopt : std::optional(types_by_name.at(options.type)),
                           .quiet = {}},
                          std::move(stop));
  options.json ? print_json(document_of(outcome)) : print_outcome(outcome, options);
  if (outcome.check && outcome.check->interrupted) return exit_code(ErrorCode::interrupted);
  return is_too_low(outcome) && !options.allow_mismatch ? exit_code(ErrorCode::target_missed) : 0;
}

}  // namespace

void add_export(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "export", "Write what was trained for other programs, and check that it answers the same",
                  options->json);
  command->add_option("model", options->source.model, "Bundle folder, run id or adapter folder")->required();
  command->add_option("--to", options->to, "Folder to write: new, empty, or an earlier export")->required();
  command
      ->add_option("--format", options->format,
                   "peft: the adapter, for PEFT and vLLM; gguf-adapter: the adapter, for llama.cpp and Ollama; hf: the "
                   "merged model as a Hugging Face folder; gguf: the merged model for llama.cpp and Ollama")
      ->required()
      ->check(CLI::IsMember({"peft", "gguf-adapter", "hf", "gguf"}));
  command
      ->add_option("--type", options->type,
                   "Of the weights: f32, f16 or bf16, for gguf q8_0 or q4_0 as well (default: f32, for gguf f16)")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0", "q4_0"}));
  command->add_option("--task", options->task,
                      "Task folder, for its runs and test rows (default: the bundle's, else here)");
  command->add_option("--base", options->source.base, "Base model of an adapter folder, where its own is not here");
  command->add_flag("--allow-mismatch", options->allow_mismatch,
                    "Exit 0 also where fewer than 99 % of the test rows have the same answer");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
