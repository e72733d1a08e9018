// hone data review: a person looks at rows that look wrong and decides; the decisions are a patch beside the data.
#include <cstdlib>

#include "base/clock.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/review_items.h"
#include "cli/row_screen.h"
#include "eval/significance.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  ItemSpec items;
  std::size_t sample = 0;  // 0: no blind judgement
  std::string who;
  bool json = false;
};

// Works through the items; every decision is on the disk before the next row is shown.
class Session {
 public:
  Session(ReviewedTask& reviewed, const Options& options, std::stop_token stop)
      : reviewed_(reviewed),
        who_(options.who),
        file_(data::review_file(reviewed.task)),
        screen_(options.json ? stderr : stdout),
        keyboard_(std::move(stop)) {}

  void review(const std::vector<ReviewItem>& items) {
    for (std::size_t i = 0; i < items.size();) {
      show(items[i], fmt::format("{} of {}", i + 1, items.size()));
      const Step step = decide(items[i]);
      if (step == Step::quit) return;
      if (step == Step::next) ++i;
      if (step == Step::back && i > 0) --i;
    }
    if (items.empty()) return;
    screen_.line("");
    screen_.line("That was the last one.");
  }

  // Rows that were judged before are passed over, but `back` reaches them.
  void judge(const std::vector<ReviewItem>& items) {
    screen_.wrapped(fmt::format("{} test rows, one at a time. You see the input only: what do you think the answer is?",
                                items.size()));
    bool goes_on = true;
    for (std::size_t i = 0; i < items.size();) {
      if (goes_on && judgement_about(reviewed_, items[i]) != nullptr) {
        ++i;
        continue;
      }
      screen_.line("");
      screen_.line(fmt::format("-- {} of {} --", i + 1, items.size()));
      screen_.text(items[i].row.input);
      screen_.line("");
      const Choice choice = choose_answer(keyboard_, screen_, reviewed_.task);
      goes_on = choice.kind != Choice::Kind::back;
      if (choice.kind == Choice::Kind::quit) return;
      if (choice.kind == Choice::Kind::back && i > 0) --i;
      if (choice.kind == Choice::Kind::answer || choice.kind == Choice::Kind::unsure) {
        record(items[i], data::Action::judge, choice.answer, {});
        ++i;
      }
    }
  }

  const std::map<std::string, std::size_t>& counts() const { return counts_; }

 private:
  enum class Step { next, back, again, quit };

  void show(const ReviewItem& item, const std::string& place) const {
    screen_.line("");
    screen_.line(fmt::format("-- {} -- {} line {} ({}), {}", place, printable(item.file), item.row.line, item.side,
                             clipped(item.row.id, 30)));
    screen_.text(item.row.input);
    screen_.line("");
    screen_.wrapped(fmt::format("answer: {}", clipped(item.row.output, 400)));
    if (!item.why.empty()) screen_.wrapped(fmt::format("shown because {}", printable(item.why)));
    if (const data::Decision* decision = decision_about(reviewed_, item)) {
      screen_.wrapped(fmt::format("decided before: {} {}", name_of(decision->action), clipped(decision->value, 60)));
    }
  }

  Step decide(const ReviewItem& item) {
    const std::string suggestion = item.suggested.empty() ? "" : fmt::format(", s = {}", clipped(item.suggested, 30));
    screen_.wrapped(fmt::format("k keep{}, r relabel, d drop, n note, b back, q quit", suggestion));
    screen_.ask("> ");
    const auto typed = keyboard_.command();
    if (!typed) return Step::quit;
    if (keyboard_.is_terminal()) screen_.line(printable(*typed));
    const std::size_t first = typed->find_first_not_of(" \t");
    const char key = first == std::string::npos ? ' ' : (*typed)[first];
    const std::size_t rest = first == std::string::npos ? first : typed->find_first_not_of(" \t", first + 1);
    return act(item, key, rest == std::string::npos ? std::string() : typed->substr(rest));
  }

  // `rest`: what stood on the line behind the key, where lines are read.
  Step act(const ReviewItem& item, char key, const std::string& rest) {
    switch (key) {
      case 'k':
        record(item, data::Action::keep, {}, {});
        return Step::next;
      case 'd':
        record(item, data::Action::drop, {}, {});
        return Step::next;
      case 's':
        if (item.suggested.empty()) return Step::again;
        record(item, data::Action::relabel, item.suggested, {});
        return Step::next;
      case 'r':
        return relabel(item, rest);
      case 'n':
        return note(item, rest);
      case 'b':
        return Step::back;
      case 'q':
        return Step::quit;
      default:
        screen_.line("  a key of the line above, please");
        return Step::again;
    }
  }

  Step relabel(const ReviewItem& item, const std::string& rest) {
    if (rest.empty()) {
      const Choice choice = choose_answer(keyboard_, screen_, reviewed_.task);
      if (choice.kind == Choice::Kind::quit) return Step::quit;
      if (choice.kind != Choice::Kind::answer) return Step::again;
      record(item, data::Action::relabel, choice.answer, {});
      return Step::next;
    }
    const Result<std::string> label =
        reviewed_.task.labels.empty() ? Result<std::string>(rest) : label_typed(rest, reviewed_.task.labels);
    if (!label) {
      screen_.wrapped(label.error().message, 2);
      return Step::again;
    }
    record(item, data::Action::relabel, *label, {});
    return Step::next;
  }

  Step note(const ReviewItem& item, std::string rest) {
    if (rest.empty()) {
      screen_.ask("note: ");
      rest = keyboard_.line().value_or("");
    }
    if (!rest.empty()) record(item, data::Action::note, {}, rest);
    return Step::again;
  }

  void record(const ReviewItem& item, data::Action action, const std::string& value, const std::string& note) {
    reviewed_.decisions.push_back({.id = item.row.id,
                                   .content = item.content,
                                   .action = action,
                                   .value = value,
                                   .note = note,
                                   .side = item.side,
                                   .who = who_,
                                   .when = utc_now()});
    data::write_decisions(file_, reviewed_.decisions);
    ++counts_[data::name_of(action)];
  }

  ReviewedTask& reviewed_;
  std::string who_;
  Path file_;
  RowScreen screen_;
  Keyboard keyboard_;
  std::map<std::string, std::size_t> counts_;
};

// What the blind judgements say of the test's own labels.
struct TestError {
  std::size_t sampled = 0, judged = 0, unsure = 0;
  std::vector<const ReviewItem*> different;
  eval::Interval rate;  // of the judged rows; Wilson
};

TestError test_error(const ReviewedTask& reviewed, const std::vector<ReviewItem>& items) {
  TestError error;
  error.sampled = items.size();
  for (const ReviewItem& item : items) {
    const data::Decision* decision = judgement_about(reviewed, item);
    if (decision == nullptr) continue;
    if (decision->value.empty()) {
      ++error.unsure;
      continue;
    }
    ++error.judged;
    if (decision->value != item.given) error.different.push_back(&item);
  }
  error.rate = eval::wilson(error.different.size(), error.judged);
  return error;
}

Json to_json(const TestError& error, const ReviewedTask& reviewed) {
  Json rows = Json::array();
  for (const ReviewItem* item : error.different) {
    rows.push_back({{"id", item->row.id},
                    {"file", item->file},
                    {"line", item->row.line},
                    {"answer", item->given},
                    {"judged", judgement_about(reviewed, *item)->value}});
  }
  return {{"sampled", error.sampled},
          {"judged", error.judged},
          {"unsure", error.unsure},
          {"different", error.different.size()},
          {"rate", error.judged > 0 ? eval::to_json(error.rate) : Json()},
          {"rows", std::move(rows)}};
}

void print_error(const TestError& error, const Options& options) {
  print_line("");
  if (error.judged == 0) {
    print_line("No test row has been judged yet.");
    return;
  }
  print_wrapped(
      fmt::format("{} of {} rows were judged; {} more left you unsure. You gave another answer than the file in "
                  "{}: {:.1f} of 100 test labels may be wrong (95 %: {:.1f} to {:.1f}). Your own slips count "
                  "among them.",
                  error.judged, error.sampled, error.unsure, error.different.size(), 100 * error.rate.value,
                  100 * error.rate.low, 100 * error.rate.high));
  if (!error.different.empty()) {
    print_wrapped(fmt::format("To look at those again: hone data review {} --test", shell_word(options.task)));
  }
}

void print_counts(const Session& session, const ReviewedTask& reviewed) {
  std::string done;
  for (const auto& [action, count] : session.counts())
    done += fmt::format("{}{} {}", done.empty() ? "" : ", ", action, count);
  print_line("");
  if (done.empty()) {
    print_line("Nothing was decided.");
    return;
  }
  const Path file = data::review_file(reviewed.task);
  print_wrapped(fmt::format("Decided: {}. Kept in {}; every command applies it, and your files stay as they are.", done,
                            printable(file.filename().string())));
}

Json document(const Session& session, const ReviewedTask& reviewed, const std::vector<ReviewItem>& items,
              const Options& options) {
  std::size_t left = 0;
  for (const ReviewItem& item : items) {
    const auto* decided = options.sample > 0 ? judgement_about(reviewed, item) : decision_about(reviewed, item);
    left += decided == nullptr ? 1 : 0;
  }
  Json counts = Json::object();
  for (const char* action : {"keep", "relabel", "drop", "note", "judge"}) {
    const auto found = session.counts().find(action);
    counts[action] = found == session.counts().end() ? 0 : found->second;
  }
  return {{"file", data::review_file(reviewed.task).string()},
          {"shown", items.size()},
          {"left", left},
          {"decisions", std::move(counts)},
          {"test_error", options.sample > 0 ? to_json(test_error(reviewed, items), reviewed) : Json()}};
}

void check_options(const Options& options) {
  if (options.sample > 0 && !options.items.of_test) {
    fail(ErrorCode::usage, "--sample judges test rows without seeing their answers: say so with --test");
  }
  if (!options.items.finding.empty() && options.items.findings_file.empty()) {
    fail(ErrorCode::usage, "--finding chooses among those of --findings FILE, which `hone data check --json` writes");
  }
}

std::string user_name() {
  const char* name = std::getenv("USER");
  return name != nullptr && *name != '\0' ? name : "somebody";
}

int run(Options options, const std::stop_token& stop) {
  check_options(options);
  if (options.who.empty()) options.who = user_name();
  const data::Task task = value_or_throw(data::load_task(options.task));
  const auto lock = value_or_throw(FileLock::try_lock(task.folder / ".hone" / "review.lock"));
  ReviewedTask reviewed = open_reviewed(options.task);
  const std::vector<ReviewItem> items =
      options.sample > 0 ? blind_sample(reviewed, options.sample) : suspect_items(reviewed, options.items);
  if (!options.json) {
    for (const std::string& notice : reviewed.notices) print_wrapped("note: " + notice, 2);
    if (items.empty()) print_line("No row to review.");
  }
  Session session(reviewed, options, stop);
  options.sample > 0 ? session.judge(items) : session.review(items);
  if (options.json) {
    print_json(document(session, reviewed, items, options));
  } else if (options.sample > 0) {
    print_error(test_error(reviewed, items), options);
  } else {
    print_counts(session, reviewed);
  }
  return 0;
}

}  // namespace

void add_data_review(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(data, "review", "Look at rows that look wrong, one at a time: keep, relabel, drop, note",
                              options->json);
  command->add_option("task", options->task, "Task folder (default: here)");
  command->add_option("--findings", options->items.findings_file,
                      "Show the rows of these findings, as `data check --json` wrote them (default: suspect labels)");
  command->add_option("--finding", options->items.finding, "Of them, only those of this id");
  command->add_flag("--test", options->items.of_test, "Test rows; without it they are neither shown nor changed");
  command
      ->add_option("--sample", options->sample,
                   "Judge so many test rows without seeing any answer: says how many of the test's labels are wrong")
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--again", options->items.decided_too, "Rows that were decided about, too");
  command->add_option("--who", options->who, "Who decides (default: your user name)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
