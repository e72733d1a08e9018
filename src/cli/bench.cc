// hone bench: what this machine does with a task.
#include "base/terminal.h"
#include "cli/command.h"
#include "eval/agreement.h"
#include "report/report.h"
#include "solve/machine_bench.h"

namespace hone::cli {
namespace {

struct Options {
  std::string folder = ".";
  std::string model;
  std::string base;
  std::size_t rows = 500;
  bool json = false;
};

bool answers_the_same(const solve::PrecisionFigures& figures) {
  return eval::disagreement_bound(figures.differing, figures.compared) <= eval::most_disagreement;
}

Json document_of(const solve::MachineBench& bench) {
  Json list = Json::array();
  for (const auto& figures : bench.figures) {
    list.push_back({{"precision", model::name_of(figures.precision)},
                    {"open_seconds", figures.open_seconds},
                    {"latency_ms", {{"p50", figures.latency_p50}, {"p90", figures.latency_p90}}},
                    {"requests_per_second", figures.rows_a_second},
                    {"train_rows_per_second", figures.train_rows_a_second},
                    {"epoch_seconds", figures.epoch_seconds},
                    {"peak_bytes", figures.peak_bytes},
                    {"agreement",
                     {{"rows", figures.compared},
                      {"differing", figures.differing},
                      {"bound", eval::disagreement_bound(figures.differing, figures.compared)},
                      {"passed", answers_the_same(figures)}}}});
  }
  return {{"model", bench.model},
          {"train_rows", bench.train_rows},
          {"figures", list},
          {"kept", bench.is_kept},
          {"interrupted", bench.interrupted}};
}

std::string time_text(double seconds) {
  return seconds < 90 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

void print_verdict(const solve::PrecisionFigures& figures, const char* what_then) {
  const double bound = eval::disagreement_bound(figures.differing, figures.compared);
  const char* name = model::name_of(figures.precision);
  const std::string seen =
      fmt::format("{} answers otherwise than f32 on {} of {} rows, so on at most {:.1f} % of all rows (95 % sure)",
                  name, figures.differing, figures.compared, 100 * bound);
  if (answers_the_same(figures)) {
    print_wrapped(fmt::format("{}: few enough to take it. {}", seen, what_then));
  } else if (figures.differing == 0) {
    print_wrapped(fmt::format("{}: too few rows to be sure; 200 would do.", seen));
  } else {
    print_wrapped(
        fmt::format("{}: more than the {:.1f} % that a short cut may cost. Stay with f32 where answers count.", seen,
                    100 * eval::most_disagreement));
  }
}

void print_bench(const solve::MachineBench& bench) {
  print_wrapped(fmt::format("What this machine does with the task {} and {}:", printable(bench.task.name),
                            printable(bench.model)));
  print_line("");
  print_line("precision    one answer   answers     open    training   a pass over");
  print_line("             p50    p90   a second            rows/s     " + fmt::format("{} rows", bench.train_rows));
  for (const auto& figures : bench.figures) {
    print_line(fmt::format("{:<10} {:3.0f} ms {:3.0f} ms {:10.1f} {:6.2f} s {:10.1f} {:>12}",
                           model::name_of(figures.precision), figures.latency_p50, figures.latency_p90,
                           figures.rows_a_second, figures.open_seconds, figures.train_rows_a_second,
                           time_text(figures.epoch_seconds)));
  }
  print_line("");
  const char* const what_then = bench.is_kept ? "`hone ask` does from now on; --precision f32 there is exact."
                                              : "Add --precision int8 to train, eval and ask.";
  for (const auto& figures : bench.figures)
    if (figures.precision != model::Precision::f32) print_verdict(figures, what_then);
  if (bench.interrupted) print_line("Stopped before the end.");
}

int run(const Options& options, const std::stop_token& stop) {
  const solve::MachineBench bench = solve::bench_machine(
      {.model = options.model, .base = options.base, .task = options.folder, .rows = options.rows, .quiet = {}}, stop);
  for (const auto& notice : bench.notices) warn(notice);
  options.json ? print_json(document_of(bench)) : print_bench(bench);
  return bench.interrupted ? exit_code(ErrorCode::interrupted) : 0;
}

}  // namespace

void add_bench(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "bench", "What this machine does with a task: answers, training", options->json);
  command->add_option("task", options->folder, "Task folder (default: here)");
  command->add_option("--model", options->model, std::string(model_help) + " (default: the task's base)");
  command->add_option("--base", options->base, base_help);
  command->add_option("--rows", options->rows, "Training rows to answer, at most (default: 500)")
      ->check(CLI::PositiveNumber);
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
