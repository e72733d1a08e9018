// hone init FILE: a task file that `hone solve` accepts, each guess explained. hone init --idea TEXT: one without data.
#include "data/init.h"

#include "base/files.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "data/init_idea.h"

namespace hone::cli {
namespace {

struct Options {
  std::string file;
  std::string folder;
  std::string idea;
  bool force = false;
  bool json = false;
};

void refuse_to_replace(const Path& file, const Options& options) {
  if (!std::filesystem::exists(file) || options.force) return;
  fail(ErrorCode::usage, "{} exists; give --force to replace it, or --folder for another place", file.string());
}

int run_idea(const Options& options) {
  if (!options.file.empty()) fail(ErrorCode::usage, "--idea: give either a file of examples or an idea, not both");
  if (options.idea.find_first_not_of(" \t\r\n") == std::string::npos || !is_utf8(options.idea)) {
    fail(ErrorCode::usage, "--idea: expected a sentence that says what is wanted");
  }
  const Path folder = std::filesystem::absolute(options.folder.empty() ? "." : options.folder).lexically_normal();
  const Path target = folder / "hone.toml";
  const Path cases = folder / "cases.csv";
  refuse_to_replace(target, options);
  refuse_to_replace(cases, options);
  const data::IdeaResult result = data::init_idea(options.idea);
  write_file(cases, result.cases);
  write_file(target, result.toml);
  if (options.json) {
    print_json({{"task", target.string()},
                {"notes", result.notes},
                {"cases", cases.string()},
                {"verdict", result.verdict},
                {"reason", result.reason},
                {"would_change", result.would_change}});
    return 0;
  }
  print_line(fmt::format("wrote {}\nwrote {}: ten cases to write first", printable(target.string()),
                         printable(cases.string())));
  for (const auto& note : result.notes) print_wrapped(fmt::format("  {}", printable(note)), 4);
  print_wrapped(fmt::format("{}: {}", result.verdict, result.reason), 2);
  print_line("What would change it:");
  for (const auto& change : result.would_change) print_wrapped(fmt::format("  - {}", change), 4);
  print_line(fmt::format("next: hone data check {}", shell_word(folder.string())));
  return 0;
}

int run(const Options& options) {
  if (!options.idea.empty()) return run_idea(options);
  if (options.file.empty()) fail(ErrorCode::usage, "expected a file of examples, or --idea \"what you want\"");
  const Path file = std::filesystem::absolute(options.file);
  const Path folder = options.folder.empty() ? file.parent_path() : std::filesystem::absolute(options.folder);
  const Path target = folder / "hone.toml";
  refuse_to_replace(target, options);
  const data::InitResult result = value_or_throw(data::init_task(file, folder));
  write_file(target, result.toml);
  if (options.json) {
    print_json({{"task", target.string()}, {"notes", result.notes}});
    return 0;
  }
  print_line(fmt::format("wrote {}", target.string()));
  for (const auto& note : result.notes) print_wrapped(fmt::format("  {}", printable(note)), 4);
  print_line(
      fmt::format("Read it, correct the instruction, then:\n  hone data check {0} && hone solve {0}", folder.string()));
  return 0;
}

}  // namespace

void add_init(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "init", "Write hone.toml for a file of examples, or for an idea", options->json);
  command->add_option("file", options->file, "The examples: CSV, TSV, JSONL, JSON, XLSX, chats, tests");
  command->add_option("--idea", options->idea, "No data yet: what is wanted, in a sentence");
  command->add_option("--folder", options->folder, "Where hone.toml goes (default: beside the file; with --idea here)");
  command->add_flag("--force", options->force, "Replace an existing hone.toml");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
