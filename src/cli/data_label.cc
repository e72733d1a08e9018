// hone data label: from rows without answers to a labelled set, the most useful rows first; and how far two people
// agree.
#include <cstdlib>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "classic/row_picker.h"
#include "cli/command.h"
#include "cli/row_screen.h"
#include "data/label_file.h"
#include "data/normal_text.h"
#include "data/task.h"
#include "eval/kappa.h"

namespace hone::cli {
namespace {

constexpr std::size_t batch_rows = 10;
constexpr double longest_look = 120;  // seconds; more is a pause

struct Options {
  std::string task = ".";
  std::string rows;   // without answers
  std::string again;  // a file of labels, to be labelled by a second person
  std::string out;    // default: labelled.jsonl beside the task; with --again it must be given
  std::string test_out;
  std::string input;
  std::string who;
  std::size_t test = 200;
  std::size_t most = 0;  // 0: until q
  double wage = 0;       // an hour
  bool json = false;
};

// What a session adds to: labels in the order in which they were made, and those kept for the test apart.
struct Labels {
  Path file;
  std::vector<data::PersonLabel> rows;
};

struct Answered {
  std::size_t labelled = 0;
  std::size_t unsure = 0;
  double seconds = 0;  // of looks of at most longest_look
};

class Labelling {
 public:
  Labelling(const data::Task& task, const Options& options, std::stop_token stop)
      : task_(task), who_(options.who), screen_(options.json ? stderr : stdout), keyboard_(std::move(stop)) {}

  enum class Step { answered, back, quit };

  // Shows a text and keeps what was answered at the end of `labels`, on the disk too.
  Step ask(const std::string& input, const std::string& place, Labels& labels) {
    screen_.line("");
    screen_.line(fmt::format("-- {} --", place));
    screen_.text(input);
    screen_.line("");
    const Stopwatch watch;
    while (true) {
      const Choice choice = choose_answer(keyboard_, screen_, task_);
      if (choice.kind == Choice::Kind::quit) return Step::quit;
      if (choice.kind == Choice::Kind::back) return Step::back;
      if (choice.kind == Choice::Kind::none) continue;
      keep({input, choice.answer, who_, utc_today(), watch.seconds()}, labels);
      return Step::answered;
    }
  }

  const Answered& answered() const { return answered_; }
  const RowScreen& screen() const { return screen_; }

 private:
  void keep(data::PersonLabel label, Labels& labels) {
    ++(label.output.empty() ? answered_.unsure : answered_.labelled);
    answered_.seconds += std::min(label.seconds, longest_look);
    std::erase_if(labels.rows, [&](const data::PersonLabel& other) { return other.input == label.input; });
    labels.rows.push_back(std::move(label));
    data::write_labels(labels.file, labels.rows);
  }

  const data::Task& task_;
  std::string who_;
  RowScreen screen_;
  Keyboard keyboard_;
  Answered answered_;
};

int place_of(const data::Task& task, const std::string& label) {
  const auto found = std::find(task.labels.begin(), task.labels.end(), label);
  return found == task.labels.end() ? -1 : static_cast<int>(found - task.labels.begin());
}

// The rows without answers, and which of them comes next.
class Pool {
 public:
  Pool(const data::Task& task, const Options& options, const Labels& train, const Labels& test)
      : task_(task),
        inputs_(value_or_throw(data::unlabelled_inputs(options.rows, options.input))),
        picker_(inputs_, std::max(1, static_cast<int>(task.labels.size())), task.seed) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) places_.emplace(inputs_[i], i);
    for (const auto& label : train.rows) know(label);
    std::set<std::string> done;
    for (const auto& label : test.rows) {
      done.insert(label.input);
      if (const auto found = places_.find(label.input); found != places_.end()) picker_.bar(found->second);
    }
    for (const std::size_t row : picker_.random_part(options.test)) {
      picker_.bar(row);
      if (!done.contains(inputs_[row])) test_.push_back(row);
    }
  }

  struct Next {
    std::size_t row = 0;
    bool is_test = false;
  };
  // Two rows to learn from, then one for the test, as long as there are both.
  std::optional<Next> next() {
    if (batch_.empty()) {
      batch_ = picker_.next(batch_rows);
      std::reverse(batch_.begin(), batch_.end());
    }
    const bool is_test = !test_.empty() && (batch_.empty() || turn_ % 3 == 2);
    if (!is_test && batch_.empty()) return std::nullopt;
    ++turn_;
    auto& from = is_test ? test_ : batch_;
    const std::size_t row = is_test ? from.front() : from.back();
    is_test ? from.erase(from.begin()) : from.erase(from.end() - 1);
    return Next{row, is_test};
  }

  void know(const data::PersonLabel& label) {
    const auto found = places_.find(label.input);
    if (found != places_.end()) picker_.know(found->second, place_of(task_, label.output));
  }

  const std::string& input(std::size_t row) const { return inputs_[row]; }
  std::size_t size() const { return inputs_.size(); }

 private:
  const data::Task& task_;
  std::vector<std::string> inputs_;
  classic::RowPicker picker_;
  std::map<std::string, std::size_t> places_;
  std::vector<std::size_t> test_;   // to be labelled yet, first first
  std::vector<std::size_t> batch_;  // last first
  std::size_t turn_ = 0;
};

void label_pool(Labelling& labelling, Pool& pool, Labels& train, Labels& test, std::size_t most) {
  std::vector<Pool::Next> shown;  // for going back
  for (std::size_t at = 0; most == 0 || at < most;) {
    if (at == shown.size()) {
      const auto next = pool.next();
      if (!next) break;
      shown.push_back(*next);
    }
    const Pool::Next& row = shown[at];
    Labels& labels = row.is_test ? test : train;
    const auto step = labelling.ask(pool.input(row.row), fmt::format("row {}", at + 1), labels);
    if (step == Labelling::Step::quit) return;
    if (step == Labelling::Step::back) {
      at -= at > 0 ? 1 : 0;
      continue;
    }
    if (!row.is_test) pool.know(labels.rows.back());
    ++at;
  }
}

void label_again(Labelling& labelling, const std::vector<data::PersonLabel>& first, Labels& second, std::size_t most) {
  std::set<std::string> done;
  for (const auto& label : second.rows) done.insert(label.input);
  std::vector<std::string> inputs;
  for (const auto& label : first) {
    if (!label.output.empty() && !done.contains(label.input)) inputs.push_back(label.input);
  }
  if (most > 0 && inputs.size() > most) inputs.resize(most);
  for (std::size_t at = 0; at < inputs.size();) {
    const auto step = labelling.ask(inputs[at], fmt::format("{} of {}", at + 1, inputs.size()), second);
    if (step == Labelling::Step::quit) return;
    at += step == Labelling::Step::answered ? 1 : 0;
    at -= step == Labelling::Step::back && at > 0 ? 1 : 0;
  }
}

std::optional<eval::Agreement> agreement_of(const std::vector<data::PersonLabel>& first,
                                            const std::vector<data::PersonLabel>& second) {
  std::map<std::string, std::string> answers;
  for (const auto& label : first) answers[label.input] = label.output;
  std::vector<std::string> a, b;
  for (const auto& label : second) {
    const auto other = answers.find(label.input);
    if (other == answers.end() || other->second.empty() || label.output.empty()) continue;
    a.push_back(other->second);
    b.push_back(label.output);
  }
  if (a.empty()) return std::nullopt;
  return eval::agreement(a, b);
}

std::size_t sure(const Labels& labels) {
  return static_cast<std::size_t>(
      std::count_if(labels.rows.begin(), labels.rows.end(), [](const auto& label) { return !label.output.empty(); }));
}

struct Pace {
  std::optional<double> rows_per_hour, cost_a_row;
};
Pace pace_of(const Answered& answered, double wage) {
  Pace pace;
  if (answered.labelled == 0 || answered.seconds <= 0) return pace;
  pace.rows_per_hour = 3600 * static_cast<double>(answered.labelled) / answered.seconds;
  if (wage > 0) pace.cost_a_row = wage / *pace.rows_per_hour;
  return pace;
}

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json document(const Options& options, const Labels& labels, const Labels& test, const Answered& answered,
              const std::optional<eval::Agreement>& agreed) {
  const Pace pace = pace_of(answered, options.wage);
  Json kappa;
  if (agreed) {
    kappa = {{"rows", agreed->rows},
             {"agreement", eval::to_json(agreed->agreement)},
             {"kappa", eval::to_json(agreed->kappa)}};
  }
  return {{"out", labels.file.string()},
          {"test_out", test.file.empty() ? Json() : Json(test.file.string())},
          {"labelled", sure(labels)},
          {"test", sure(test)},
          {"now", {{"labelled", answered.labelled}, {"unsure", answered.unsure}, {"seconds", answered.seconds}}},
          {"rows_per_hour", number_or_null(pace.rows_per_hour)},
          {"cost_a_row", number_or_null(pace.cost_a_row)},
          {"agreement", std::move(kappa)}};
}

void print_pace(const Options& options, const Answered& answered) {
  const Pace pace = pace_of(answered, options.wage);
  if (!pace.rows_per_hour) return;
  const std::string cost =
      pace.cost_a_row
          ? fmt::format(", {:.2f} a row at {:g} an hour; another 100 rows take {:.1f} hours and cost {:.0f}",
                        *pace.cost_a_row, options.wage, 100 / *pace.rows_per_hour, 100 * *pace.cost_a_row)
          : std::string();
  print_wrapped(fmt::format("{} rows labelled now, {:.0f} an hour{}.", answered.labelled, *pace.rows_per_hour, cost));
}

void print_agreement(const std::optional<eval::Agreement>& agreed) {
  if (!agreed) {
    print_line("No row has been labelled by both yet.");
    return;
  }
  print_wrapped(
      fmt::format("Both labelled {} rows and agree on {:.1f} of 100 (95 %: {:.1f} to {:.1f}). Beyond chance that is "
                  "a kappa of {:.2f} ({:.2f} to {:.2f}); under 0.6 the labels are too loosely defined: say in the "
                  "instruction how to decide where you differ.",
                  agreed->rows, 100 * agreed->agreement.value, 100 * agreed->agreement.low,
                  100 * agreed->agreement.high, agreed->kappa.value, agreed->kappa.low, agreed->kappa.high));
}

int run_again(const data::Task& task, const Options& options, const std::stop_token& stop) {
  if (options.out.empty()) fail(ErrorCode::usage, "--again needs --out FILE for the second person's labels");
  std::error_code error;
  if (std::filesystem::equivalent(options.out, options.again, error)) {
    fail(ErrorCode::usage, "--out: {} holds the first person's labels; name another file", printable(options.out));
  }
  const auto first = value_or_throw(data::read_labels(options.again));
  if (first.empty()) fail(ErrorCode::bad_input, "{}: no labels there", printable(options.again));
  Labels second{options.out, value_or_throw(data::read_labels(options.out))};
  Labelling labelling(task, options, stop);
  label_again(labelling, first, second, options.most);
  const auto agreed = agreement_of(first, second.rows);
  if (options.json) {
    print_json(document(options, second, {}, labelling.answered(), agreed));
    return 0;
  }
  print_line("");
  print_pace(options, labelling.answered());
  print_agreement(agreed);
  return 0;
}

int run_pool(const data::Task& task, const Options& options, const std::stop_token& stop) {
  const Path out = options.out.empty() ? task.folder / "labelled.jsonl" : Path(options.out);
  const Path test_out =
      options.test_out.empty() ? out.parent_path() / (out.stem().string() + "_test.jsonl") : Path(options.test_out);
  Labels train{out, value_or_throw(data::read_labels(out))};
  Labels test{test_out, value_or_throw(data::read_labels(test_out))};
  Pool pool(task, options, train, test);
  Labelling labelling(task, options, stop);
  labelling.screen().wrapped(
      fmt::format("{} different rows; {} labelled before, {} of the test. .b back, .u not sure, .q quit", pool.size(),
                  sure(train), sure(test)));
  label_pool(labelling, pool, train, test, options.most);
  if (options.json) {
    print_json(document(options, train, test, labelling.answered(), {}));
    return 0;
  }
  print_line("");
  print_pace(options, labelling.answered());
  print_wrapped(
      fmt::format("{} rows to learn from in {}, {} for the test in {}. In {}: train = \"{}\" and test = \"{}\"",
                  sure(train), printable(out.filename().string()), sure(test), printable(test_out.filename().string()),
                  printable(task.file.filename().string()), printable(out.filename().string()),
                  printable(test_out.filename().string())));
  return 0;
}

int run(Options options, const std::stop_token& stop) {
  if (options.rows.empty() == options.again.empty()) {
    fail(ErrorCode::usage, "name a file of rows without answers, or with --again FILE one that somebody labelled");
  }
  if (options.who.empty()) {
    const char* name = std::getenv("USER");
    options.who = name != nullptr && *name != '\0' ? name : "people";
  }
  const data::Task task = value_or_throw(data::load_task(options.task));
  const auto lock = value_or_throw(FileLock::try_lock(task.folder / ".hone" / "label.lock"));
  return options.again.empty() ? run_pool(task, options, stop) : run_again(task, options, stop);
}

}  // namespace

void add_data_label(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(data, "label", "Label rows by keyboard, the most useful first, and some for the test", options->json);
  command->add_option("rows", options->rows, "Rows without answers, in any form that import reads");
  command->add_option("--task", options->task, "Task folder with the labels (default: here)");
  command->add_option("--input", options->input, "The column to show, or a template over several (default: guessed)");
  command->add_option("--out", options->out, "Where labels go (default: labelled.jsonl beside the task)");
  command->add_option("--test-out", options->test_out,
                      "Where those of the test go (default: ..._test.jsonl beside --out)");
  command->add_option("--test", options->test, "Random rows kept for the test (default 200)")
      ->check(CLI::Range(0, 100000));
  command->add_option("--most", options->most, "End after so many rows (default: when you quit)")
      ->check(CLI::Range(1, 1000000));
  command->add_option(
      "--again", options->again,
      "Label the rows of this file of labels a second time, without seeing them: how far do you agree?");
  command->add_option("--who", options->who, "Who labels (default: your user name)");
  command->add_option("--wage", options->wage, "Of an hour, for what a row costs")->check(CLI::PositiveNumber);
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
