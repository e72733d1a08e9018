// hone ask: one text, or a file of them, answered by a bundle, a run or a model.
#include "base/clock.h"
#include "base/files.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "solve/evaluate.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string text;
  std::string file;
  std::string task;
  int max_tokens = 256;
  double temperature = 0;
  double top_p = 1;
  bool raw = false;
  bool logprobs = false;
  bool json = false;
};

struct Question {
  std::string id;
  std::string text;
  std::vector<text::Message> messages;  // where the row gives a conversation
};

Json reply_json(const text::Reply& reply) {
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
  return document;
}

void print_reply(const text::Reply& reply, bool json) {
  if (json) {
    print_json(reply_json(reply));
    return;
  }
  std::string line = reply.label_probabilities.empty() ? reply.answer : printable(reply.answer);
  for (const auto& [label, p] : reply.label_probabilities) {
    if (label == reply.answer) line += fmt::format("  ({:.1f} %)", 100 * p);
  }
  print_line(line);
}

// Rows of a .jsonl file ("input", "text" or "messages", with an optional "id"), or the lines of any other file.
std::vector<Question> questions_of(const Options& options) {
  if (options.file.empty()) return {{.id = "1", .text = options.text, .messages = {}}};
  const std::string bytes = value_or_throw(read_file(options.file));
  std::vector<Question> questions;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string line = bytes.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty()) continue;
    Question question{.id = fmt::format("{}", number), .text = line, .messages = {}};
    if (options.file.ends_with(".jsonl")) {
      const auto json = parse_json(line, fmt::format("{}:{}", options.file, number));
      const bool usable = json && json->is_object() &&
                          (json->contains("input") || json->contains("text") || json->contains("messages"));
      if (!usable) {
        warn(json ? fmt::format("{}:{}: expected an object with \"input\" or \"messages\"; the line is left out",
                                options.file, number)
                  : json.error().message + "; the line is left out");
        continue;
      }
      if (json->contains("id"))
        question.id = json->at("id").is_string() ? json->at("id").get<std::string>() : to_text(json->at("id"));
      for (const char* key : {"text", "input"}) {
        if (json->contains(key))
          question.text = json->at(key).is_string() ? json->at(key).get<std::string>() : to_text(json->at(key));
      }
      for (const auto& message : json->value("messages", Json::array())) {
        question.messages.push_back(
            {message.value("role", std::string("user")), message.value("content", std::string())});
      }
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

text::AnswerSpec answer_spec(const Options& options) {
  text::AnswerSpec spec;
  spec.max_tokens = options.max_tokens;
  spec.temperature = options.temperature;
  spec.top_p = options.top_p;
  spec.logprobs = options.logprobs;
  return spec;
}

int finish_reply(Question& question, Result<text::Reply> reply, const Options& options) {
  if (!reply) {
    warn(fmt::format("{}: {}", printable(question.id), reply.error().message));
    return exit_code(reply.error().code);
  }
  reply->id = question.id;
  print_reply(*reply, options.json);
  return 0;
}

// A bundle, or a run or model with its task.
int ask_task(std::vector<Question> questions, const Options& options, const data::Task* task, std::stop_token stop) {
  const auto answerer = solve::Answerer::open(options.model, task);
  std::vector<std::string> inputs;
  for (const auto& question : questions) inputs.push_back(question.text);
  int code = 0;
  answerer->answer(
      inputs, answer_spec(options),
      [&](std::size_t i, Result<text::Reply> reply) {
        code = std::max(code, finish_reply(questions[i], std::move(reply), options));
      },
      std::move(stop));
  return code;
}

// A bare model: free text, or the raw continuation.
int ask_model(std::vector<Question> questions, const Options& options, std::stop_token stop) {
  tensor::Exec exec;
  const model::Model opened = model::open_model(exec, options.model, model::Parts::everything);
  std::vector<text::Request> requests;
  for (const auto& question : questions) {
    auto messages = question.messages.empty() ? std::vector<text::Message>{{"user", question.text}} : question.messages;
    requests.push_back({.id = question.id, .messages = std::move(messages), .answer = answer_spec(options)});
  }
  int code = 0;
  if (options.raw) {
    for (std::size_t i = 0; i < requests.size() && !stop.stop_requested(); ++i) {
      code = std::max(code,
                      finish_reply(questions[i], generate::continue_text(exec, opened, nullptr, requests[i]), options));
    }
    return code;
  }
  const auto responder = generate::local_responder(
      exec, opened, nullptr,
      {.max_prompt_tokens = opened.decoder->config().context, .batch_tokens = 4096, .today = utc_today()});
  responder->respond(
      requests,
      [&](std::size_t i, Result<text::Reply> reply) {
        code = std::max(code, finish_reply(questions[i], std::move(reply), options));
      },
      std::move(stop));
  return code;
}

int run(const Options& options, std::stop_token stop) {
  if (options.text.empty() && options.file.empty())
    fail(ErrorCode::usage, "nothing to ask: give a text, or --file rows.jsonl");
  auto questions = questions_of(options);
  if (generate::is_bundle(options.model)) return ask_task(std::move(questions), options, nullptr, std::move(stop));
  if (!options.task.empty()) {
    const data::Task task = value_or_throw(data::load_task(options.task));
    return ask_task(std::move(questions), options, &task, std::move(stop));
  }
  return ask_model(std::move(questions), options, std::move(stop));
}

}  // namespace

void add_ask(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "ask", "Ask a bundle, a run or a model", options->json);
  command
      ->add_option("model", options->model,
                   "Bundle folder, catalogue name, .gguf file, model folder, or run id (with --task)")
      ->required();
  command->add_option("text", options->text, "The text");
  command->add_option("--file", options->file, "Rows: .jsonl with \"input\" or \"messages\", or one text a line");
  command->add_option("--task", options->task, "Ask as this task does (instruction, labels)");
  command->add_option("--max-tokens", options->max_tokens, "Longest answer in tokens")->check(CLI::PositiveNumber);
  command->add_option("--temperature", options->temperature, "0 is greedy")->check(CLI::NonNegativeNumber);
  command->add_option("--top-p", options->top_p, "Sample from the smallest set of this probability")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--raw", options->raw, "Continue the text as it is, without the chat template");
  command->add_flag("--logprobs", options->logprobs, "Add each answer token's log-probability");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
