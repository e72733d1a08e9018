// hone ask: one text, or a file of them, answered by a bundle, a run or a model.
#include <unistd.h>

#include <map>

#include "base/progress.h"
#include "base/terminal.h"
#include "cli/answer_rule.h"
#include "cli/command.h"
#include "cli/constrain.h"
#include "cli/input.h"
#include "cli/precision.h"
#include "cli/questions.h"
#include "generate/constrained_responder.h"
#include "generate/constraint_sequence.h"
#include "solve/answerer.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string base;
  std::optional<std::string> text;
  std::string file;
  std::string task;
  std::optional<model::Precision> precision;
  int max_tokens = 256;
  double temperature = 0;
  double top_p = 1;
  bool raw = false;
  bool logprobs = false;
  SchemaOptions schema;
  RuleOptions rule;
  bool json = false;
};

// `rule`: what the answer was held to.
Json reply_json(const text::Reply& reply, const AnswerRule& rule) {
  Json probabilities = nullptr;
  if (!reply.label_probabilities.empty()) {
    probabilities = Json::object();
    for (const auto& [label, p] : reply.label_probabilities) probabilities[label] = p;
  }
  Json document = {
      {"id", reply.id},
      {"answer", reply.answer},
      {"label_probabilities", probabilities},
      {"finish", reply.finish},
      {"usage", {{"prompt_tokens", reply.usage.prompt_tokens}, {"completion_tokens", reply.usage.completion_tokens}}},
      {"latency_ms", reply.latency_ms}};
  if (!reply.logprobs.empty()) {
    Json tokens = Json::array();
    for (const auto& token : reply.logprobs) tokens.push_back({{"token", token.token}, {"logprob", token.logprob}});
    document["logprobs"] = tokens;
  }
  if (rule.rationale > 0) {
    const generate::ReasonedAnswer parts = generate::split_at_marker(reply.answer);
    document["rationale"] = parts.rationale;
    document["answer"] = parts.answer;
  }
  return document;
}

// A row without an answer still gives its object, so that outputs line up with inputs.
Json error_json(const std::string& id, const Error& error) {
  text::Reply none;
  none.id = id;
  none.finish = "error";
  Json document = reply_json(none, {});
  document["answer"] = nullptr;
  document["error"] = error.message;
  return document;
}

// A pipe gets the answer as it is; on a terminal its control characters are escaped, line by line.
std::string shown_text(const std::string& answer) {
  return isatty(STDOUT_FILENO) == 0 ? answer : printable_lines(answer);
}

// Prints replies in the order of the questions, each as soon as those before it are there.
class Printer {
 public:
  Printer(const std::vector<Question>& questions, const Options& options)
      : questions_(questions),
        json_(options.json),
        progress_({.label = "ask", .unit = "rows", .total = questions.size(), .quiet = questions.size() < 2}) {}

  void take(std::size_t index, Result<text::Reply> reply) {
    waiting_.emplace(index, std::move(reply));
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      print(questions_[next_], waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      progress_.update(++next_);
    }
  }

  // 0; that of the first row without an answer; or that of an interruption.
  int code() const { return next_ < questions_.size() && code_ == 0 ? exit_code(ErrorCode::interrupted) : code_; }

 private:
  void print(const Question& question, Result<text::Reply>& reply) {
    const std::string& id = question.id;
    if (!reply) {
      warn(fmt::format("row {}: {}", printable(id), printable(reply.error().message)));
      json_ ? print_json(error_json(id, reply.error())) : print_line("(no answer)");
      if (code_ == 0) code_ = exit_code(reply.error().code);
      return;
    }
    reply->id = id;
    if (reply->cut_tokens > 0) {
      warn(fmt::format("row {}: the text is longer than the model reads; {} tokens were cut from its middle",
                       printable(id), reply->cut_tokens));
    }
    if (json_) {
      print_json(reply_json(*reply, question.rule));
      return;
    }
    std::string line = reply->label_probabilities.empty() ? shown_text(reply->answer) : printable(reply->answer);
    for (const auto& [label, p] : reply->label_probabilities) {
      if (label == reply->answer) line += fmt::format("  ({:.1f} %)", 100 * p);
    }
    print_line(line);
  }

  const std::vector<Question>& questions_;
  bool json_;
  Progress progress_;
  std::map<std::size_t, Result<text::Reply>> waiting_;
  std::size_t next_ = 0;
  int code_ = 0;
};

text::AnswerSpec answer_spec(const Options& options) {
  text::AnswerSpec spec;
  spec.max_tokens = options.max_tokens;
  spec.temperature = options.temperature;
  spec.top_p = options.top_p;
  spec.logprobs = options.logprobs;
  return spec;
}

// What answers bare inputs (a task's contender) takes the one user message of a conversation, and no more.
void keep_inputs_only(std::vector<Question>& questions) {
  for (Question& question : questions) {
    if (question.messages.empty()) continue;
    if (question.messages.size() == 1 && question.messages.front().role == "user") {
      question.text = question.messages.front().content;
    } else {
      question.usable = bad_input(
          "a conversation of {} messages; what answers a task takes one input: give \"input\", or one user message",
          question.messages.size());
    }
  }
}

// Passes the usable questions on and prints the others' errors.
template <class Ask>
int ask_usable(const std::vector<Question>& questions, const Options& options, const Ask& ask) {
  Printer printer(questions, options);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (questions[i].usable) {
      places.push_back(i);
    } else {
      printer.take(i, tl::unexpected(questions[i].usable.error()));
    }
  }
  ask(places, [&](std::size_t i, Result<text::Reply> reply) { printer.take(places[i], std::move(reply)); });
  return printer.code();
}

// What is asked: a bare model's task where one is named, else the recorded one.
std::optional<data::Task> task_of(const solve::ModelReference& reference, const Options& options) {
  if (reference.kind != solve::ModelKind::bare) return reference.task;
  if (options.task.empty()) return std::nullopt;
  return value_or_throw(data::load_task(options.task));
}

int ask_task(std::vector<Question> questions, const solve::ModelReference& reference,
             const std::optional<data::Task>& named, const Options& options, const std::stop_token& stop) {
  std::optional<data::Task> task;
  if (reference.kind == solve::ModelKind::bare) task = named;
  const auto answerer = solve::Answerer::open(reference, task ? &*task : nullptr);
  for (const auto& notice : answerer->notices()) warn(notice);
  keep_inputs_only(questions);
  return ask_usable(questions, options, [&](const auto& places, const text::OnReply& on_reply) {
    std::vector<std::string> inputs;
    for (const std::size_t place : places) inputs.push_back(questions[place].text);
    answerer->answer(inputs, answer_spec(options), on_reply, stop);
  });
}

// A language model without a task: a conversation, or with --raw the text continued.
int ask_model(const std::vector<Question>& questions, const solve::ModelReference& reference, const Options& options,
              const AnswerRule& all, const std::stop_token& stop) {
  // Before the model is opened: what can't be enforced is no reason to wait.
  ReadyRules rules(spelling_in(options.schema));
  if (const Result<void> possible = rules.check(all); !possible) {
    fail(possible.error().code, "{}", possible.error().message);
  }
  tensor::Exec exec;
  const auto opened = solve::open_language_model(exec, reference, model::Parts::everything);
  const model::Adapter* adapter = opened.adapter ? &*opened.adapter : nullptr;
  if (opened.base.default_template && !options.raw) warn(solve::no_template_notice(opened.base));
  std::optional<generate::ConstraintVocabulary> vocabulary;
  return ask_usable(questions, options, [&](const auto& places, const text::OnReply& on_reply) {
    std::vector<text::Request> requests;
    int longest = options.max_tokens;
    for (const std::size_t place : places) {
      const Question& question = questions[place];
      auto messages =
          question.messages.empty() ? std::vector<text::Message>{{"user", question.text}} : question.messages;
      requests.push_back({.id = question.id, .messages = std::move(messages), .answer = answer_spec(options)});
      apply_rule(question.rule, requests.back().answer);
      longest = std::max(longest, requests.back().answer.max_tokens);
    }
    if (!options.raw) {
      generate::LocalOptions local;
      // Room for the answer, but never for it alone.
      const int context = opened.base.decoder->config().context;
      local.max_prompt_tokens = std::max(context / 2, context - longest);
      local.today = reference.today;
      const generate::ConstraintOf constraint_of = [&](std::size_t i) -> Result<generate::MakeConstraint> {
        const AnswerRule& rule = questions[places[i]].rule;
        if (is_free(rule)) return generate::MakeConstraint();
        if (!vocabulary) vocabulary.emplace(opened.base.tokenizer);
        return rules.constraint(rule, *vocabulary);
      };
      generate::constrained_responder(exec, opened.base, adapter, local, constraint_of)
          ->respond(requests, on_reply, stop);
      return;
    }
    for (std::size_t i = 0; i < requests.size() && !stop.stop_requested(); ++i)
      on_reply(i, generate::continue_text(exec, opened.base, adapter, requests[i]));
  });
}

int run(const Options& options, const std::stop_token& stop) {
  if (options.text && !options.file.empty()) fail(ErrorCode::usage, "give a text or --file, not both");
  if (!options.text && options.file.empty())
    fail(ErrorCode::usage, "nothing to ask: give a text, - for standard input, or --file rows.jsonl");
  const solve::ModelReference reference = solve::resolve_model(options.model, options.task.empty() ? "." : options.task,
                                                               {.base = options.base, .precision = options.precision});
  const std::optional<data::Task> task = task_of(reference, options);
  const AnswerRule rule = rule_in(options.rule, options.schema);
  if (!is_free(rule) && (options.raw || task)) {
    fail(ErrorCode::usage, "--schema, --regex and --labels go with a bare model's chat; leave out --raw and --task");
  }
  const QuestionColumns columns{.input = task ? task->data.input : "",
                                .id = task ? task->data.id : "",
                                .rule = options.raw || task ? nullptr : &rule};
  std::vector<Question> questions;
  if (options.file.empty()) {
    Question question;
    question.id = "1";
    question.text = *options.text == "-" ? standard_input() : *options.text;
    question.rule = rule;
    check_text(question);
    questions.push_back(std::move(question));
  } else {
    questions = questions_in(options.file, columns);
  }
  if (task && !options.raw) return ask_task(std::move(questions), reference, task, options, stop);
  return ask_model(questions, reference, options, rule, stop);
}

}  // namespace

void add_ask(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "ask", "Ask a bundle, a run or a model", options->json);
  command->add_option("model", options->model, std::string(model_help))->required();
  command->add_option("text", options->text, "The text; - reads it from standard input");
  command->add_option("--file", options->file,
                      "Rows: .jsonl (or - for standard input) with \"input\" or \"messages\" in each line; any other "
                      "file: a text a line");
  command->add_option("--task", options->task,
                      "Task folder: where a run is recorded (default: here); a bare model is asked as this task does");
  command->add_option("--base", options->base, base_help);
  command->add_option("--max-tokens", options->max_tokens, "Longest answer in tokens")->check(CLI::PositiveNumber);
  command->add_option("--temperature", options->temperature, "0 is greedy")->check(number_between(0, 100));
  command->add_option("--top-p", options->top_p, "Sample from the smallest set of this probability")
      ->check(number_between(1e-6, 1));
  add_schema_options(*command, options->schema, "schema");
  add_rule_options(*command, options->rule);
  command->add_flag("--raw", options->raw, "Continue the text as it is, without chat template and task");
  command->add_flag("--logprobs", options->logprobs, "Add each answer token's log-probability");
  add_precision(*command, options->precision, "How a bare model's weights are kept");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
