// hone tokenize: token ids of each line (or of each JSON string of a .jsonl file).
#include "cli/command.h"
#include "cli/input.h"
#include "solve/model_reference.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string base;
  std::string file = "-";
  std::string task = ".";
  bool json = false;
};

void print_ids(const text::Tokenizer& tokenizer, const std::string& line, const Options& options) {
  const auto ids = tokenizer.encode(line);
  if (options.json) {
    print_json(Json(ids));
    return;
  }
  std::string out;
  for (const auto id : ids) out += fmt::format("{}{}", out.empty() ? "" : " ", id);
  print_line(out);
}

// Every string value of a JSON line, in order: a bare string, or the strings of an object or array.
void for_each_string(const Json& json, const std::function<void(const std::string&)>& use) {
  if (json.is_string()) use(json.get<std::string>());
  if (json.is_structured()) {
    for (const auto& value : json) for_each_string(value, use);
  }
}

int run(const Options& options) {
  tensor::Exec exec(1);
  const auto reference = solve::resolve_model(options.model, options.task, {.base = options.base, .precision = {}});
  const auto opened = solve::open_language_model(exec, reference, model::Parts::tokenizer_only);
  const text::Tokenizer& tokenizer = opened.base.tokenizer;
  const bool rows = options.file.ends_with(".jsonl");
  for_each_line(options.file, [&](std::size_t number, const std::string& line) {
    if (!rows) {
      print_ids(tokenizer, line, options);
    } else if (!is_blank(line)) {
      const Json json = value_or_throw(parse_json(line, fmt::format("{}:{}", options.file, number)));
      for_each_string(json, [&](const std::string& text) { print_ids(tokenizer, text, options); });
    }
  });
  return 0;
}

}  // namespace

void add_tokenize(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "tokenize", "Token ids of text, a line at a time", options->json);
  command->add_option("model", options->model, std::string(model_help))->required();
  command->add_option("--file", options->file,
                      "Text, or .jsonl whose strings are taken one by one (default: standard input)");
  command->add_option("--task", options->task, "Task folder where a run is recorded (default: here)");
  command->add_option("--base", options->base, base_help);
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
