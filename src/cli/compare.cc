// hone compare A B: two scored files or two runs, on the rows they share.
#include "eval/compare.h"

#include "base/files.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/records.h"
#include "decide/wording.h"

namespace hone::cli {
namespace {

struct Options {
  std::string a, b;
  std::string task = ".";
  bool json = false;
};

std::vector<eval::ScoredRow> scored_rows(const std::string& name, const data::Task& task) {
  std::vector<eval::ScoredRow> rows;
  if (!name.ends_with(".jsonl")) {
    const track::Store store = open_records(task);
    const track::RunRecord run = store.get(name);
    rows = store.rows(run.id, "test");
    if (rows.empty()) fail(ErrorCode::bad_input, "run {} has no scored test rows", run.id);
    return rows;
  }
  const std::string bytes = value_or_throw(read_file(name));
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string where = fmt::format("{}:{}", name, ++number);
    if (end > begin) {
      auto row = eval::scored_row_from_json(value_or_throw(parse_json(bytes.substr(begin, end - begin), where)));
      if (!row)
        fail(ErrorCode::bad_input, "{}: {}; `hone eval` writes such files", printable(where), row.error().message);
      rows.push_back(std::move(*row));
    }
    begin = end + 1;
  }
  return rows;
}

std::string verdict_text(const eval::Comparison& comparison, double margin) {
  switch (comparison.verdict) {
    case eval::Verdict::a_better:
      return "the first is better";
    case eval::Verdict::b_better:
      return "the second is better";
    case eval::Verdict::equivalent:
      return fmt::format("equivalent, within the margin of {} points", decide::points(margin));
    case eval::Verdict::undecided:
      break;
  }
  return "undecided: these rows don't show which is better";
}

int run(const Options& options) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  const auto comparison =
      value_or_throw(eval::compare(scored_rows(options.a, task), scored_rows(options.b, task), task, task.seed));
  if (options.json) {
    Json document = eval::to_json(comparison);
    document["adjusted"] = false;
    print_json(document);
    return 0;
  }
  const auto line = [](const std::string& name, const eval::Interval& value) {
    print_line(fmt::format("  {:<34} {:6.3f}  (95 %: {:.3f} to {:.3f})", name, value.value, value.low, value.high));
  };
  print_line(comparison.metric);
  line(options.a, comparison.a);
  line(options.b, comparison.b);
  line("difference, row by row", comparison.difference);
  print_line(fmt::format("right only in the first: {} of {} rows; only in the second: {}", comparison.only_a_right,
                         comparison.n, comparison.only_b_right));
  print_line(fmt::format("p of the difference {:.2g} (answers swapped by chance); exact McNemar p {:.2g}", comparison.p,
                         comparison.mcnemar));
  print_wrapped(fmt::format("verdict: {}", verdict_text(comparison, task.margin)));
  if (!comparison.note.empty()) print_wrapped(comparison.note);
  print_wrapped(
      "This is a single comparison. It is not adjusted for others that were looked at, and of many some look certain "
      "by chance: `hone solve` and `hone decide` adjust for all that they report (Holm), so they may call undecided "
      "what is better here.");
  return 0;
}

}  // namespace

void add_compare(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "compare", "Two contenders on the same rows, paired", options->json);
  command->add_option("a", options->a, "Run id, or .jsonl of scored rows")->required();
  command->add_option("b", options->b, "The other one")->required();
  command->add_option("--task", options->task, "Task folder (default: here)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
