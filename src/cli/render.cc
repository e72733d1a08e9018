// hone render: what a conversation looks like to the model, with its ids and loss mask.
#include "cli/command.h"
#include "cli/input.h"
#include "solve/model_reference.h"
#include "text/prompt_encoding.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string messages;
  std::string task = ".";
  bool json = false;
};

// A conversation that ends with the assistant is rendered as training does it: the prompt as at inference, then the
// answer and the end of the turn, the loss on those.
Result<Json> rendered(const model::Model& model, std::vector<text::Message> messages, const std::string& today) {
  text::PromptSpec spec;
  spec.today = today;
  std::optional<std::string> answer;
  if (messages.back().role == "assistant") {
    answer = messages.back().content;
    messages.pop_back();
  }
  auto prompt = text::encode_prompt(messages, model.tokenizer, model.chat_template, spec);
  if (!prompt) return tl::unexpected(prompt.error());
  std::vector<text::TokenId> ids = prompt->ids;
  std::vector<int> mask(ids.size(), 0);
  std::string shown = prompt->rendered;
  if (answer) {
    const auto tail = value_or_throw(text::encode_answer(*answer, model.tokenizer, model.chat_template));
    ids.insert(ids.end(), tail.begin(), tail.end());
    mask.insert(mask.end(), tail.size(), 1);
    shown += model.tokenizer.decode(tail);
  }
  return Json{{"text", shown}, {"ids", ids}, {"loss_mask", mask}};
}

int run(const Options& options) {
  tensor::Exec exec(1);
  const auto reference = solve::resolve_model(options.model, options.task);
  const auto opened = solve::open_language_model(exec, reference, model::Parts::tokenizer_only);
  for_each_line(options.messages, [&](std::size_t number, const std::string& line) {
    if (is_blank(line)) return;
    const std::string where = fmt::format("{}:{}", options.messages, number);
    const Json json = value_or_throw(parse_json(line, where));
    auto document = rendered(opened.base, value_or_throw(messages_from(json, where)), reference.today);
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
  command->add_option("--messages", options->messages, ".jsonl, a conversation a line; - for standard input")
      ->required();
  command->add_option("--task", options->task, "Task folder where a run is recorded (default: here)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
