// hone data task: is the task defined, before anything is promised about it?
#include <algorithm>

#include "base/hash.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/label_scores.h"
#include "cli/teacher_options.h"
#include "data/task_rows.h"
#include "solve/task_check.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  TeacherOptions reader;
  std::size_t reader_rows = 60;
  bool json = false;
};

// Rows with the lowest hashes: the same for every reader.
std::vector<const data::Row*> sampled(const data::OutOfFold& answers, const data::Task& task, std::size_t most) {
  std::vector<std::pair<std::uint64_t, const data::Row*>> order;
  for (const data::Row& row : answers.rows) order.emplace_back(hash64(row.id, task.seed), &row);
  std::sort(order.begin(), order.end());
  std::vector<const data::Row*> rows;
  for (std::size_t i = 0; i < std::min(most, order.size()); ++i) rows.push_back(order[i].second);
  return rows;
}

std::vector<eval::ScoredRow> ask_reader(const data::Task& task, const data::OutOfFold& answers, const Options& options,
                                        const std::stop_token& stop) {
  if (options.reader.spec.model.empty()) return {};
  const auto rows = sampled(answers, task, options.reader_rows);
  const auto teacher = open_teacher(task, options.reader, fmt::format("The inputs of {} rows", rows.size()));
  std::vector<text::Request> requests;
  for (const data::Row* row : rows) requests.push_back(solve::reading_request(task, *row, *teacher));
  Progress progress({.label = "reading", .unit = "rows", .total = rows.size()});
  std::vector<eval::ScoredRow> scored;
  const auto on_reply = [&](std::size_t i, const Result<text::Reply>& reply) {
    scored.push_back(eval::score_row(*rows[i], reply, task));
    progress.update(scored.size());
  };
  teacher->responder().respond(requests, on_reply, stop);
  if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped while the reader was asked");
  if (teacher->totals().capped) {
    fail(ErrorCode::environment, "the cap came after {} of {} rows: allow more with --max-usd, or fewer --reader-rows",
         scored.size(), rows.size());
  }
  std::sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return scored;
}

std::string figure(const eval::Interval& interval) {
  return fmt::format("{:.3f} ({:.3f} to {:.3f})", interval.value, interval.low, interval.high);
}

void print_evidence(const solve::TaskCheck& check) {
  print_wrapped(
      fmt::format("A plain classifier that never saw them gets {} of {} rows right; always the most frequent "
                  "label would get {:.3f}.",
                  figure(check.classifier.named.at("accuracy")), check.classifier.n, check.majority));
  print_wrapped(fmt::format("The most similar other row has the same label in {} of cases; by chance {:.3f}.",
                            figure(check.neighbours.named.at("accuracy")), check.neighbours_by_chance));
  if (check.reader) {
    print_wrapped(fmt::format("A model given only the instruction agrees with {} of {} labels.",
                              figure(check.reader->named.at("accuracy")), check.reader->n));
  }
}

void print_verdict(const solve::TaskCheck& check, const data::OutOfFold& answers) {
  print_line("");
  if (check.verdict == solve::TaskVerdict::clear) {
    print_wrapped("clear: labels can be told apart, every pair of them.");
    return;
  }
  if (check.verdict == solve::TaskVerdict::not_learnable) {
    print_wrapped(
        "not learnable with what was tried: nothing that was tried answers these rows better than a guesser. Are these "
        "the right labels for these inputs?");
    return;
  }
  std::string pairs;
  for (const solve::LabelPair& pair : check.pairs) {
    if (!pair.is_one) break;
    pairs += fmt::format("{}{} / {}", pairs.empty() ? "" : "; ", printable(answers.labels[pair.a]),
                         printable(answers.labels[pair.b]));
  }
  print_wrapped("ambiguous where: " + pairs);
}

int run(const Options& options, const std::stop_token& stop) {
  const data::Task task = value_or_throw(data::load_task(options.task));
  if (task.kind != data::Kind::classify) {
    fail(
        ErrorCode::unsupported,
        "data task looks at labels, and this task's kind is \"{}\"; `hone data check` says what is wrong with its rows",
        data::name_of(task.kind));
  }
  data::TaskRows rows = value_or_throw(data::read_task_rows(task));
  const data::Split split =
      data::split_remembered(std::move(rows.sides), task, task.folder / ".hone" / "split.json").split;
  const auto answers = label_answers(task, split);
  if (!answers) {
    // What can be said without rows is said before the refusal.
    if (!options.json) print_findings(solve::check_names(task, {}), "nothing to say of the labels' names");
    fail(ErrorCode::bad_input,
         "too few rows to say whether the labels can be told apart: 50 or more of two labels or more are needed");
  }
  const auto reader = ask_reader(task, *answers, options, stop);
  const solve::TaskCheck check = solve::check_task(task, *answers, reader);
  if (options.json) {
    print_json(solve::to_json(check, *answers));
    return 0;
  }
  print_findings(check.findings, "nothing found");
  print_line("");
  print_evidence(check);
  print_verdict(check, *answers);
  return 0;
}

}  // namespace

void add_data_task(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(data, "task", "Is the task defined? Labels that say nothing or cannot be told apart", options->json);
  command->add_option("task", options->task, "Task folder (default: here)");
  command->add_option("--reader", options->reader.spec.model,
                      "Ask this model, given only the instruction, and say how far it agrees");
  command->add_option("--reader-rows", options->reader_rows, "Rows it is asked (default 60)")
      ->check(CLI::Range(10, 100000));
  add_teacher_options(*command, options->reader);
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
