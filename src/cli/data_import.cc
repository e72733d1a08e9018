// hone data import: examples in whatever form people have them, as rows that every command reads.
#include "base/clock.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/row_pass.h"
#include "data/column_template.h"
#include "data/import_file.h"

namespace hone::cli {
namespace {

struct Options {
  std::string file;
  std::string out;
  std::string format;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  data::ImportSpec spec;
  bool json = false;
};

// A shell hands "\n" over as two characters.
std::string with_line_breaks(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; ++at) text.replace(at, 2, "\n");
  return text;
}

// Several columns stand one below the other.
std::string input_of(const std::vector<std::string>& inputs) {
  if (inputs.size() == 1) return with_line_breaks(inputs.front());
  std::string text;
  for (const std::string& name : inputs) text += (text.empty() ? "{" : "\n{") + name + "}";
  return text;
}

Json document(const data::ImportReport& report, const Path& out, double seconds) {
  Json reasons = Json::object();
  for (const auto& [reason, count] : report.reasons) reasons[reason] = count;
  return {{"out", out.string()},
          {"rejected", report.rejected_file.empty() ? Json() : Json(report.rejected_file.string())},
          {"format", data::name_of(report.format)},
          {"input", report.input},
          {"output", report.outputs},
          {"notes", report.notes},
          {"rows", report.rows},
          {"rejected_rows", report.rejected},
          {"reasons", std::move(reasons)},
          {"bytes", report.bytes},
          {"seconds", seconds}};
}

void print_report(const data::ImportReport& report, const Path& out) {
  for (const std::string& note : report.notes) print_wrapped(printable(note), 2);
  print_line(fmt::format("wrote {} rows to {}", report.rows, printable(out.string())));
  if (report.rejected > 0) {
    print_wrapped(fmt::format("{} could not be used; the first: line {}: {}", report.rejected,
                              report.first_rejected->line, printable(report.first_rejected->why)),
                  2);
    print_line(fmt::format("  all of them: {}", printable(report.rejected_file.string())));
  }
  print_line(fmt::format("next: hone init {}", shell_word(out.string())));
}

int run(Options options, const std::stop_token& stop) {
  data::ImportSpec& spec = options.spec;
  spec.file = options.file;
  spec.out = options.out;
  spec.input = options.inputs.empty() ? std::string() : input_of(options.inputs);
  spec.outputs = options.outputs;
  if (!options.format.empty()) spec.read.format = value_or_throw(data::format_named(options.format));
  const auto progress = follow({"import", spec.file, spec.out}, spec.read, stop);
  const Stopwatch watch;
  const data::ImportReport report = value_or_throw(data::import_file(spec));
  if (report.is_stopped) fail(ErrorCode::interrupted, "stopped; nothing was written");
  if (options.json) {
    print_json(document(report, spec.out, watch.seconds()));
  } else {
    print_report(report, spec.out);
  }
  return 0;
}

}  // namespace

void add_data_import(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  data::ImportSpec& spec = options->spec;
  spec.group = "group";
  spec.source = "source";
  spec.rationale = "rationale";
  spec.date = "date";
  auto* command = add_command(data, "import", "Rows from CSV, TSV, JSONL, JSON, XLSX, chats and tests", options->json);
  command->add_option("file", options->file, "What you have")->required();
  command->add_option("--out", options->out, "Where the rows go (.jsonl)")->required();
  command->add_option("--format", options->format,
                      "csv, tsv, jsonl, json, xlsx, openai-chat, sharegpt, alpaca, prompt-completion, promptfoo or "
                      "lm-eval (default: by the file's ending and keys)");
  command
      ->add_option("--input", options->inputs,
                   "Column of the input, or a template: \"{subject}\\n{body}\"; again for more columns")
      ->allow_extra_args(false);
  command->add_option("--output", options->outputs, "Column of the answer; again for a JSON object of several")
      ->allow_extra_args(false);
  command->add_option("--split-labels", spec.label_separator,
                      "The answer is several labels with this between them, for instance \";\"");
  command->add_option("--sheet", spec.read.sheet, "Name of the sheet in an XLSX file (default: the first)");
  command->add_option("--id", spec.id, "Column of ids that are different in every row");
  command->add_option("--group", spec.group, "Column of groups that stay on one side of the split");
  command->add_option("--source", spec.source, "Column that says where a row comes from");
  command->add_option("--rationale", spec.rationale, "Column of reasons for the answer");
  command->add_option("--date", spec.date, "Column of dates");
  command->add_option("--labels-by", spec.labels_by, "Who made the answers: people, logs, unknown or a model's name");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
