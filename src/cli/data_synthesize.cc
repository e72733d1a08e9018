// hone data synthesize and hone data rationale: a teacher writes rows, or reasons, for training only.
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/label_scores.h"
#include "cli/teacher_options.h"
#include "data/shortcut_words.h"
#include "decide/wording.h"
#include "solve/synthesis.h"

namespace hone::cli {
namespace {

constexpr std::size_t most_triggers = 8;
constexpr std::size_t examples_shown = 3;

struct Options {
  std::string task = ".";
  TeacherOptions teacher;
  bool no_temperature = false;
  std::string kind = "paraphrase";
  std::string agree = "teacher";
  std::vector<std::string> words;
  std::string out;
  solve::SynthesisSpec spec;
  std::size_t rationales = 0;
  bool json = false;
};

// The teacher, with what it was asked before; what earlier starts spent counts towards the cap.
struct Asked {
  std::unique_ptr<solve::Teacher> teacher;
  std::unique_ptr<solve::RecordedResponder> answers;
};

Asked open_asked(const solve::Workspace& workspace, Options& options) {
  if (options.no_temperature) options.teacher.spec.temperature = std::nullopt;
  const std::string what = "The instruction and training rows";
  Asked asked;
  asked.teacher = open_teacher(workspace.task, options.teacher, what);
  const auto price = listed_price(options.teacher);
  solve::RecordedResponder::Cost cost;
  if (price && asked.teacher->is_api()) {
    cost = [listed = *price](const text::Usage& usage) {
      return prompt::usd_of({usage.prompt_tokens, usage.completion_tokens}, listed);
    };
  }
  asked.answers =
      std::make_unique<solve::RecordedResponder>(workspace.folder / "teacher.jsonl", asked.teacher->name(), cost);
  if (asked.answers->earlier().usd > 0) {
    options.teacher.spec.spent_usd = asked.answers->earlier().usd;
    asked.teacher = open_teacher(workspace.task, options.teacher, what);
  }
  return asked;
}

// Words that were named, else those that give a label away, each with the label it stands for.
std::vector<solve::TriggerWord> triggers_of(const solve::Workspace& workspace, const std::vector<std::string>& words) {
  std::vector<solve::TriggerWord> triggers;
  for (const std::string& word : words) triggers.push_back({word, {}});
  if (!words.empty()) return triggers;
  const auto answers = label_answers(workspace.task, workspace.split);
  if (!answers) return triggers;
  for (const data::TellingWord& word : data::telling_words(*answers, workspace.task.instruction)) {
    if (triggers.size() < most_triggers) triggers.push_back({word.word, answers->labels[word.label]});
  }
  return triggers;
}

std::vector<std::string> inputs_like(const solve::Workspace& workspace, std::size_t count) {
  std::vector<std::string> inputs;
  for (const data::Row& row : workspace.split.train) {
    if (inputs.size() < count && !data::is_generated(row)) inputs.push_back(row.input);
  }
  return inputs;
}

struct Variety {
  double generated = 0;
  double real = 0;  // of as many training rows
};

Variety variety_of(const solve::Workspace& workspace, const solve::SynthesisOutcome& outcome) {
  return {solve::distinct_pairs(data::inputs_of(outcome.rows)),
          solve::distinct_pairs(inputs_like(workspace, outcome.rows.size()))};
}

Json spending_json(const Asked& asked) {
  const prompt::ApiTotals totals = asked.teacher->totals();
  return {{"asked", asked.answers->asked()},
          {"answered_before", asked.answers->earlier().answers},
          {"prompt_tokens", totals.prompt_tokens},
          {"completion_tokens", totals.completion_tokens},
          {"usd", asked.teacher->is_api() ? Json(totals.usd) : Json()}};
}

Json document(const solve::Workspace& workspace, const Options& options, const Asked& asked,
              const solve::SynthesisOutcome& outcome) {
  const Variety variety = variety_of(workspace, outcome);
  return {{"out", options.spec.out.string()},
          {"kind", prompt::name_of(options.spec.kind)},
          {"teacher", asked.teacher->name()},
          {"ended", outcome.ended},
          {"wanted", options.spec.count},
          {"earlier", outcome.earlier},
          {"accepted", outcome.accepted},
          {"texts", outcome.texts},
          {"dropped",
           {{"repeats_rows", outcome.repeats_rows},
            {"repeats_generated", outcome.repeats_generated},
            {"disagreed", outcome.disagreed}}},
          {"failed", outcome.failed},
          {"distinct_pairs", {{"generated", variety.generated}, {"real", variety.real}}},
          {"spending", spending_json(asked)}};
}

void print_ending(const std::string& ended, const Asked& asked) {
  if (ended == "capped")
    print_wrapped("Stopped by the cap; with a larger --max-usd the same command goes on from here.");
  if (ended == "interrupted") print_wrapped("Stopped; the same command goes on from here and pays for nothing twice.");
  if (ended == "exhausted") print_wrapped("The teacher had nothing new to say that was kept.");
  const prompt::ApiTotals totals = asked.teacher->totals();
  if (asked.teacher->is_api() && totals.usd > 0) print_line(fmt::format("{} spent in all.", decide::usd(totals.usd)));
}

void print_outcome(const solve::Workspace& workspace, const Options& options, const Asked& asked,
                   const solve::SynthesisOutcome& outcome) {
  for (std::size_t i = 0; i < std::min(examples_shown, outcome.rows.size()); ++i) {
    print_wrapped(fmt::format("{}: {}", clipped(outcome.rows[i].output, 40), clipped(outcome.rows[i].input, 200)), 2);
  }
  print_wrapped(
      fmt::format("{} rows written to {} ({} were there). Of {} texts {} repeat rows of the task, {} repeat generated "
                  "ones, and of {} "
                  "the answer was not found again.",
                  outcome.accepted, printable(options.spec.out.string()), outcome.earlier, outcome.texts,
                  outcome.repeats_rows, outcome.repeats_generated, outcome.disagreed));
  if (outcome.failed > 0) {
    print_wrapped(
        fmt::format("{} requests got no answer; the first: {}", outcome.failed, printable(outcome.failed_why)));
  }
  if (outcome.accepted > 0) {
    const Variety variety = variety_of(workspace, outcome);
    print_wrapped(fmt::format("Of 100 pairs of words {:.0f} are new to the rows; in as many rows of yours {:.0f}.",
                              100 * variety.generated, 100 * variety.real));
  }
  print_ending(outcome.ended, asked);
  if (!workspace.task.data.generated) {
    print_wrapped(
        fmt::format("To train on them, write generated = \"{}\" in [data]; they are never tested on. Whether they "
                    "help, a run with and one without say: hone solve {}",
                    printable(options.spec.out.filename().string()), shell_word(options.task)));
  }
}

int code_of(const std::string& ended) {
  if (ended == "interrupted") return exit_code(ErrorCode::interrupted);
  return ended == "finished" ? 0 : exit_code(ErrorCode::target_missed);
}

int synthesize(Options options, const std::stop_token& stop) {
  options.spec.kind = value_or_throw(prompt::synthesis_named(options.kind));
  options.spec.agreeing = value_or_throw(solve::agreeing_named(options.agree));
  const solve::Workspace workspace = solve::open_workspace(options.task);
  options.spec.out = !options.out.empty()
                         ? Path(options.out)
                         : workspace.task.data.generated.value_or(workspace.task.folder / "generated.jsonl");
  if (options.spec.kind == prompt::SynthesisKind::negatives && workspace.task.kind == data::Kind::classify) {
    options.spec.triggers = triggers_of(workspace, options.words);
  }
  Asked asked = open_asked(workspace, options);
  const solve::SynthesisOutcome outcome =
      solve::synthesise(workspace, options.spec, *asked.teacher, *asked.answers, stop);
  if (options.json) {
    print_json(document(workspace, options, asked, outcome));
  } else {
    print_outcome(workspace, options, asked, outcome);
  }
  return code_of(outcome.ended);
}

int rationale(Options options, const std::stop_token& stop) {
  const solve::Workspace workspace = solve::open_workspace(options.task);
  solve::RationaleSpec spec;
  spec.count = options.rationales;
  spec.agreeing = value_or_throw(solve::agreeing_named(options.agree));
  spec.out = options.out.empty() ? workspace.task.folder / "rationales.jsonl" : Path(options.out);
  Asked asked = open_asked(workspace, options);
  const solve::RationaleOutcome outcome =
      solve::write_rationales(workspace, spec, *asked.teacher, *asked.answers, stop);
  if (options.json) {
    print_json({{"out", spec.out.string()},
                {"teacher", asked.teacher->name()},
                {"ended", outcome.ended},
                {"rows", outcome.rows},
                {"accepted", outcome.accepted},
                {"dropped", {{"unusable", outcome.unusable}, {"disagreed", outcome.disagreed}}},
                {"failed", outcome.failed},
                {"spending", spending_json(asked)}});
    return code_of(outcome.ended);
  }
  print_wrapped(
      fmt::format("{} of {} training rows have a reason in {}; {} answers held no usable sentence, and {} reasons did "
                  "not lead back to "
                  "the row's answer.",
                  outcome.accepted, outcome.rows, printable(spec.out.string()), outcome.unusable, outcome.disagreed));
  if (outcome.failed > 0) {
    print_wrapped(
        fmt::format("{} requests got no answer; the first: {}", outcome.failed, printable(outcome.failed_why)));
  }
  print_ending(outcome.ended, asked);
  return code_of(outcome.ended);
}

void add_common(CLI::App& command, Options& options) {
  command.add_option("task", options.task, "Task folder (default: here)");
  command
      .add_option("--teacher", options.teacher.spec.model, "The model that writes: MODEL, or with --url its name there")
      ->required();
  command.add_flag("--no-temperature", options.no_temperature, "Leave the temperature out, for models that refuse it");
  add_teacher_options(command, options.teacher);
}

}  // namespace

void add_data_synthesize(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(data, "synthesize", "Let a model write more rows to learn from; none is tested on", options->json);
  add_common(*command, *options);
  command->add_option("--kind", options->kind,
                      "paraphrase: training rows in other words; negatives: rows that hold a word that gives a label "
                      "away and have another label; missing: rows of the labels that have fewest; document: a training "
                      "row inside a longer text (default paraphrase)");
  command->add_option("--count", options->spec.count, "Rows of this kind by this model in the end (default 100)")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--label", options->spec.labels, "Only rows of this label (may be given more than once)");
  command->add_option("--word", options->words, "negatives: this word, instead of those found");
  command->add_option("--agree", options->agree,
                      "Keep a row where its answer is found again: by the teacher, by a plain classifier, or none "
                      "(default teacher)");
  command->add_option("--out", options->out,
                      "Where rows go (default: the task's file of generated rows, else generated.jsonl)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return synthesize(*options, cli.stop); }; });
}

void add_data_rationale(Cli& cli, CLI::App& data) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(data, "rationale", "Let a model say in one sentence why each training row has its answer",
                              options->json);
  add_common(*command, *options);
  command->add_option("--count", options->rationales, "Rows at most (default: all training rows)")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--agree", options->agree,
                      "Keep a reason that leads the teacher back to the answer (teacher), or every one (none)");
  command->add_option("--out", options->out, "Where rows with reasons go (default: rationales.jsonl beside the task)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return rationale(*options, cli.stop); }; });
}

}  // namespace hone::cli
