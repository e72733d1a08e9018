// hone render: what a conversation looks like to the model, with its ids and loss mask.
#include "base/clock.h"
#include "base/files.h"
#include "cli/command.h"
#include "model/model.h"
#include "text/prompt_encoding.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string messages;
  bool json = false;
};

Result<std::vector<text::Message>> messages_of(const Json& json, const std::string& where) {
  const Json& list = json.is_object() && json.contains("messages") ? json.at("messages") : json;
  if (!list.is_array() || list.empty())
    return bad_input("{}: expected a list of messages, or an object with \"messages\"", where);
  std::vector<text::Message> messages;
  for (const auto& message : list) {
    if (!message.is_object() || !message.contains("role") || !message.at("role").is_string() ||
        !message.contains("content") || !message.at("content").is_string()) {
      return bad_input("{}: each message needs \"role\" and \"content\" as strings", where);
    }
    messages.push_back({message.at("role"), message.at("content")});
  }
  return messages;
}

// A conversation that ends with the assistant is rendered as training does it: the prompt as at inference, then the
// answer and the end of the turn, the loss on those.
Result<Json> rendered(const model::Model& model, std::vector<text::Message> messages) {
  text::PromptSpec spec;
  spec.today = utc_today();
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
  const model::Model opened = model::open_model(exec, options.model, model::Parts::tokenizer_only);
  const std::string bytes = value_or_throw(read_file(options.messages));
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string where = fmt::format("{}:{}", options.messages, ++number);
    if (end > begin) {
      const Json json = value_or_throw(parse_json(bytes.substr(begin, end - begin), where));
      const Json document = value_or_throw(rendered(opened, value_or_throw(messages_of(json, where))));
      options.json ? print_json(document) : print_line(document.at("text").get<std::string>());
    }
    begin = end + 1;
  }
  return 0;
}

}  // namespace

void add_render(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command =
      add_command(cli.app, "render", "Conversations as the model sees them: text, ids, loss mask", options->json);
  command->add_option("model", options->model, "Catalogue name, .gguf file or Hugging Face folder")->required();
  command->add_option("--messages", options->messages, ".jsonl, a conversation a line")->required();
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
