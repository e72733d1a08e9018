// hone init FILE: a task file that `hone solve` accepts, each guess explained.
#include "data/init.h"

#include "base/files.h"
#include "base/terminal.h"
#include "cli/command.h"

namespace hone::cli {
namespace {

struct Options {
  std::string file;
  std::string folder;
  bool force = false;
  bool json = false;
};

int run(const Options& options) {
  const Path file = std::filesystem::absolute(options.file);
  const Path folder = options.folder.empty() ? file.parent_path() : std::filesystem::absolute(options.folder);
  const Path target = folder / "hone.toml";
  if (std::filesystem::exists(target) && !options.force) {
    fail(ErrorCode::usage, "{} exists; give --force to replace it, or --folder for another place", target.string());
  }
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
  auto* command = add_command(cli.app, "init", "Write hone.toml for a file of examples (CSV or JSONL)", options->json);
  command->add_option("file", options->file, "The examples")->required();
  command->add_option("--folder", options->folder, "Where hone.toml goes (default: beside the file)");
  command->add_flag("--force", options->force, "Replace an existing hone.toml");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
