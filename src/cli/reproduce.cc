// hone reproduce: replay a recorded run and say whether the same came out.
#include "solve/reproduce.h"

#include "cli/command.h"

namespace hone::cli {
namespace {

struct Options {
  std::string run;
  std::string task = ".";
  bool json = false;
};

int run(const Options& options, std::stop_token stop) {
  const solve::Reproduced result = solve::reproduce(options.task, options.run, std::move(stop), {});
  if (options.json) {
    print_json({{"run", result.run},
                {"identical", result.identical},
                {"compared", result.compared},
                {"different", result.different},
                {"largest_difference", result.largest},
                {"what", result.what}});
  } else {
    print_line(fmt::format("run {}: {}", result.run, result.what));
  }
  return result.identical ? 0 : exit_code(ErrorCode::target_missed);
}

}  // namespace

void add_reproduce(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "reproduce", "Replay a run from its manifest; exit 1 unless the same comes out",
                              options->json);
  command->add_option("run", options->run, "Run id, or the beginning of one")->required();
  command->add_option("--task", options->task, "Task folder (default: here)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
