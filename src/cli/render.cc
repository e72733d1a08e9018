// hone render: what a conversation looks like to the model, with its ids and loss mask.
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/input.h"
#include "solve/model_reference.h"
#include "text/prompt_encoding.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string base;
  std::string messages;
  std::string task = ".";
  bool json = false;
};

// What a line says to the template besides its messages, named as in transformers and vLLM.
Json template_variables(const Json& line) {
  Json variables = nullptr;
  if (!line.is_object()) return variables;
  for (const char* name : {"tools", "documents", "enable_thinking"}) {
    if (line.contains(name)) variables[name] = line.at(name);
  }
  if (line.contains("chat_template_kwargs") && line.at("chat_template_kwargs").is_object()) {
    for (const auto& [name, value] : line.at("chat_template_kwargs").items()) variables[name] = value;
  }
  return variables;
}

// A conversation that ends with the assistant is rendered as training does it: the prompt as at inference, then the
// answer and the end of the turn, the loss on those.
Result<Json> rendered(const model::Model& model, const std::vector<text::Message>& messages,
                      const text::PromptSpec& spec) {
  std::span<const text::Message> asked = messages;
  const bool answered = asked.back().role == "assistant";
  if (answered) asked = asked.first(asked.size() - 1);
  auto prompt = text::encode_prompt(asked, model.tokenizer, model.chat_template, spec);
  if (!prompt) return tl::unexpected(prompt.error());
  std::vector<text::TokenId> ids = prompt->ids;
  std::vector<int> mask(ids.size(), 0);
  std::string shown = prompt->rendered;
  if (answered) {
    const auto turn = text::encode_turn(messages, *prompt, model.tokenizer, model.chat_template, spec);
    if (!turn) return tl::unexpected(turn.error());
    ids.insert(ids.end(), turn->ids.begin(), turn->ids.end());
    mask.insert(mask.end(), turn->ids.size(), 1);
    shown += turn->text;
  }
  return Json{{"text", shown}, {"ids", ids}, {"loss_mask", mask}};
}

int run(const Options& options) {
  tensor::Exec exec(1);
  const auto reference = solve::resolve_model(options.model, options.task, {.base = options.base, .precision = {}});
  const auto opened = solve::open_language_model(exec, reference, model::Parts::tokenizer_only);
  if (opened.base.default_template) warn(solve::no_template_notice(opened.base));
  for_each_line(options.messages, [&](std::size_t number, const std::string& line) {
    if (is_blank(line)) return;
    const std::string where = fmt::format("{}:{}", options.messages, number);
    const Json json = value_or_throw(parse_json(line, where));
    const auto messages = value_or_throw(messages_from(json, where));
    const text::PromptSpec spec{.today = reference.today, .extra = template_variables(json)};
    auto document = rendered(opened.base, messages, spec);
    if (!document) fail(document.error().code, "{}: {}", where, document.error().message);
    options.json ? print_json(*document) : print_line(document->at("text").get<std::string>());
  });
  return 0;
}

}  // namespace

void add_render(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "render", "Conversations as the model sees them: text, ids, loss mask", options->json);
  command->add_option("model", options->model, std::string(model_help))->required();
  command
      ->add_option("--messages", options->messages,
                   ".jsonl, a conversation with its tools a line; - for standard input")
      ->required();
  command->add_option("--task", options->task, "Task folder where a run is recorded (default: here)");
  command->add_option("--base", options->base, base_help);
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
