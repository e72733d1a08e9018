// hone data export: rows in the forms that other programs read.
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/row_pass.h"
#include "data/export_file.h"

namespace hone::cli {
namespace {

struct Options {
  std::string file;
  std::string out;
  std::string format;
  std::string from;
  data::ExportSpec spec;
  bool json = false;
};

int run(Options options, const std::stop_token& stop) {
  data::ExportSpec& spec = options.spec;
  spec.file = options.file;
  spec.out = options.out;
  spec.format =
      value_or_throw(options.format.empty() ? data::guess_format(spec.out, {}) : data::format_named(options.format));
  if (!options.from.empty()) spec.read.format = value_or_throw(data::format_named(options.from));
  const auto progress = follow({"export", spec.file, spec.out}, spec.read, stop);
  const data::ExportReport report = value_or_throw(data::export_file(spec));
  if (report.is_stopped) fail(ErrorCode::interrupted, "stopped; nothing was written");
  if (options.json) {
    print_json({{"out", spec.out.string()},
                {"format", data::name_of(spec.format)},
                {"rows", report.rows},
                {"left_out", report.left_out},
                {"escaped", report.escaped}});
    return 0;
  }
  print_line(fmt::format("wrote {} rows to {}", report.rows, printable(options.out)));
  if (report.left_out > 0) {
    print_wrapped(fmt::format("{} were left out; the first: line {}: {}", report.left_out, report.first_left_out->line,
                              printable(report.first_left_out->why)),
                  2);
  }
  if (report.escaped > 0) {
    print_wrapped(fmt::format("{} texts that a spreadsheet would run as formulas have a ' before them", report.escaped),
                  2);
  }
  return 0;
}

}  // namespace

void add_data_export(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  data::ExportSpec& spec = options->spec;
  auto* command = add_command(data, "export", "Rows for other programs: tables, chats, Alpaca", options->json);
  command->add_option("file", options->file, "The rows, in any form that import reads")->required();
  command->add_option("--out", options->out, "Where they go")->required();
  command->add_option("--format", options->format,
                      "csv, tsv, jsonl, json, xlsx, openai-chat, sharegpt, alpaca or prompt-completion (default: by "
                      "the ending of --out)");
  command->add_option("--from", options->from, "The form of the rows (default: by the file's ending and keys)");
  command->add_option("--input", spec.input, "Column or template of the input, for chats, Alpaca and prompts")
      ->capture_default_str();
  command->add_option("--output", spec.output, "Column of the answer")->capture_default_str();
  command->add_option("--system", spec.system, "What every chat begins with, for instance the task's instruction");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
