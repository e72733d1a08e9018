// hone ask: one text, or a file of them, answered by a bundle, a run or a model.
#include <unistd.h>

#include <algorithm>
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
#include "generate/field_scoring.h"
#include "solve/answerer.h"
#include "solve/precision_gate.h"

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

// Of rows held to a schema, by place.
using FieldsOfRows = std::map<std::size_t, std::vector<generate::FieldProbabilities>>;

Json fields_json(const std::vector<generate::FieldProbabilities>& fields) {
  Json all = Json::array();
  for (const generate::FieldProbabilities& field : fields) {
    Json values = Json::array();
    for (const auto& [value, p] : field.values) values.push_back({{"value", Json::parse(value)}, {"probability", p}});
    all.push_back({{"field", field.field}, {"values", std::move(values)}});
  }
  return all;
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
  Printer(const std::vector<Question>& questions, const Options& options, const FieldsOfRows& fields)
      : questions_(questions),
        fields_(fields),
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
      Json document = reply_json(*reply, question.rule);
      const auto fields = fields_.find(next_);
      if (fields != fields_.end()) document["field_probabilities"] = fields_json(fields->second);
      print_json(document);
      return;
    }
    std::string line = reply->label_probabilities.empty() ? shown_text(reply->answer) : printable(reply->answer);
    for (const auto& [label, p] : reply->label_probabilities) {
      if (label == reply->answer) line += fmt::format("  ({:.1f} %)", 100 * p);
    }
    print_line(line);
  }

  const std::vector<Question>& questions_;
  const FieldsOfRows& fields_;
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

// Passes the usable questions on and prints the others' errors. `fields` of a row are there before its reply.
template <class Ask>
int ask_usable(const std::vector<Question>& questions, const Options& options, const Ask& ask,
               const FieldsOfRows& fields = {}) {
  Printer printer(questions, options, fields);
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

// Said behind what the user said last: every chat template has a place for that.
void ask_for_rationale(std::vector<text::Message>& messages) {
  const auto last = std::find_if(messages.rbegin(), messages.rend(), [](const text::Message& message) {
    const bool has_parts = message.fields.is_object() && message.fields.contains("content");
    return message.role == "user" && !has_parts;
  });
  if (last != messages.rend()) last->content += generate::rationale_request;
}

// The requests of the usable questions of a model without a task.
std::vector<text::Request> requests_of(const std::vector<Question>& questions, const std::vector<std::size_t>& places,
                                       const Options& options) {
  std::vector<text::Request> requests;
  for (const std::size_t place : places) {
    const Question& question = questions[place];
    auto messages = question.messages.empty() ? std::vector<text::Message>{{"user", question.text}} : question.messages;
    if (question.rule.rationale > 0 && !options.raw) ask_for_rationale(messages);
    requests.push_back({.id = question.id, .messages = std::move(messages), .answer = answer_spec(options)});
    apply_rule(question.rule, requests.back().answer);
  }
  return requests;
}

// A chat with a model whose answers are held each to its question's rule.
class Chat {
 public:
  // All outlive it.
  Chat(tensor::Exec& exec, const solve::LanguageModel& opened, ReadyRules& rules, const Options& options)
      : exec_(exec), opened_(opened), rules_(rules), options_(options) {}

  // With --logprobs, of the rows held to a schema that have been answered.
  const FieldsOfRows& fields() const { return fields_; }

  // Leaves the prompts the room that the longest answer does, but never none.
  void respond(const std::vector<Question>& questions, const std::vector<std::size_t>& places,
               generate::LocalOptions local, const text::OnReply& on_reply, const std::stop_token& stop) {
    const std::vector<text::Request> requests = requests_of(questions, places, options_);
    int longest = options_.max_tokens;
    for (const text::Request& request : requests) longest = std::max(longest, request.answer.max_tokens);
    const int context = opened_.base.decoder->config().context;
    local.max_prompt_tokens = std::max(context / 2, context - longest);
    const generate::ConstraintOf constraint_of = [&](std::size_t i) -> Result<generate::MakeConstraint> {
      const AnswerRule& rule = questions[places[i]].rule;
      if (is_free(rule)) return generate::MakeConstraint();
      if (!vocabulary_) vocabulary_.emplace(opened_.base.tokenizer);
      return rules_.constraint(rule, *vocabulary_);
    };
    generate::OnAnswerTokens on_tokens;
    if (options_.logprobs) {
      on_tokens = [&](std::size_t i, std::span<const text::TokenId> prompt, std::span<const text::TokenId> answer) {
        const std::size_t place = places[i];
        if (questions[place].rule.schema) fields_.emplace(place, fields_of(questions[place].rule, prompt, answer));
      };
    }
    generate::constrained_responder(exec_, opened_.base, adapter(), local, generate::EachHeld{constraint_of, on_tokens})
        ->respond(requests, on_reply, stop);
  }

  const model::Adapter* adapter() const { return opened_.adapter ? &*opened_.adapter : nullptr; }

 private:
  std::vector<generate::FieldProbabilities> fields_of(const AnswerRule& rule, std::span<const text::TokenId> prompt,
                                                      std::span<const text::TokenId> answer) {
    std::optional<text::JsonMatcher> matcher = rules_.matcher(rule);
    HONE_CHECK(matcher && vocabulary_);
    std::size_t json_begin = 0;
    if (rule.rationale > 0) {
      std::string text;
      for (const text::TokenId token : answer) text += opened_.base.tokenizer.token_bytes(token);
      json_begin = text.size() - generate::split_at_marker(text).answer.size();
    }
    return generate::FieldScoring(opened_.base, adapter(), *vocabulary_)
        .probabilities(exec_, *matcher, {prompt, answer, json_begin});
  }

  tensor::Exec& exec_;
  const solve::LanguageModel& opened_;
  ReadyRules& rules_;
  const Options& options_;
  std::optional<generate::ConstraintVocabulary> vocabulary_;
  FieldsOfRows fields_;
};

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
  if (opened.base.default_template && !options.raw) warn(solve::no_template_notice(opened.base));
  Chat chat(exec, opened, rules, options);
  const auto ask = [&](const std::vector<std::size_t>& places, const text::OnReply& on_reply) {
    if (options.raw) {
      const std::vector<text::Request> requests = requests_of(questions, places, options);
      for (std::size_t i = 0; i < requests.size() && !stop.stop_requested(); ++i)
        on_reply(i, generate::continue_text(exec, opened.base, chat.adapter(), requests[i]));
      return;
    }
    generate::LocalOptions local;
    local.today = reference.today;
    chat.respond(questions, places, local, on_reply, stop);
  };
  return ask_usable(questions, options, ask, chat.fields());
}

int run(const Options& options, const std::stop_token& stop) {
  if (options.text && !options.file.empty()) fail(ErrorCode::usage, "give a text or --file, not both");
  if (!options.text && options.file.empty())
    fail(ErrorCode::usage, "nothing to ask: give a text, - for standard input, or --file rows.jsonl");
  solve::ModelReference reference = solve::resolve_model(options.model, options.task.empty() ? "." : options.task,
                                                         {.base = options.base, .precision = options.precision});
  const bool is_open = options.precision.value_or(model::Precision::automatic) == model::Precision::automatic;
  if (is_open && !options.raw)  // a task's answers were compared, not raw text
    if (const auto notice = solve::take_what_passed(reference)) warn(*notice);
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
  add_precision(*command, options->precision, "How weights are kept");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
