// The program `hone`: parses the command line, runs one command, turns errors into messages and exit codes.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/fold.h"
#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/constrain.h"
#include "cli/help.h"

namespace {

int report_error(const std::string& message, int code) {
  hone::write_message(message);
  return code;
}

int run(int argc, char** argv) {
  hone::cli::Cli cli;
  cli.stop = hone::interrupt_token();
  cli.app.description(
      "Should I prompt a large model or fine-tune a small one? Evidence for one task, and then the doing.");
  cli.app.name("hone");
  cli.app.set_version_flag("--version", std::string("hone ") + HONE_VERSION);
  cli.app.require_subcommand(1);
  cli.app.formatter(std::make_shared<hone::cli::Help>());
  using Add = void (*)(hone::cli::Cli&);
  for (const Add add : {hone::cli::add_solve, hone::cli::add_init, hone::cli::add_doctor, hone::cli::add_models,
                        hone::cli::add_data, hone::cli::add_train, hone::cli::add_eval, hone::cli::add_export,
                        hone::cli::add_compare, hone::cli::add_bench, hone::cli::add_diagnose, hone::cli::add_runs,
                        hone::cli::add_reproduce, hone::cli::add_ask, hone::cli::add_tokenize, hone::cli::add_render,
                        hone::cli::add_prompt, hone::cli::add_decide, hone::cli::add_constrain}) {
    add(cli);
  }
  try {
    cli.app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    const int code = cli.app.exit(help);
    if (!std::cout.flush())
      hone::fail(hone::ErrorCode::environment, "cannot write standard output: {}", std::strerror(errno));
    return code;
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return report_error(hone::cli::explain_parse_error(cli.app, arguments, error),
                        hone::exit_code(hone::ErrorCode::usage));
  }
  return cli.action ? cli.action() : hone::exit_code(hone::ErrorCode::usage);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const hone::Failure& failure) {
    return report_error(failure.what(), hone::exit_code(failure.code()));
  } catch (const std::bad_alloc&) {
    return report_error("out of memory; close other programs, or choose a smaller model or shorter rows", 4);
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string place = hone::printable(error.path1().string());
    return report_error(fmt::format("{}: {}", place.empty() ? "an empty path" : place, error.code().message()),
                        hone::exit_code(hone::ErrorCode::environment));
  } catch (const std::exception& error) {
    return report_error(error.what(), 70);
  }
}
