// hone tokenize: token ids of each line (or of each JSON string of a .jsonl file).
#include <fstream>
#include <iostream>

#include "cli/command.h"
#include "model/model.h"

namespace hone::cli {
namespace {

struct Options {
  std::string model;
  std::string file;
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
  const model::Model opened = model::open_model(exec, options.model, model::Parts::tokenizer_only);
  std::ifstream file;
  if (!options.file.empty()) {
    file.open(options.file, std::ios::binary);
    if (!file) fail(ErrorCode::bad_input, "cannot read {}", options.file);
  }
  std::istream& in = options.file.empty() ? std::cin : file;
  const bool rows = options.file.ends_with(".jsonl");
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (!rows) {
      print_ids(opened.tokenizer, line, options);
      continue;
    }
    if (line.empty()) continue;
    const Json json = value_or_throw(parse_json(line, fmt::format("{}:{}", options.file, number)));
    for_each_string(json, [&](const std::string& text) { print_ids(opened.tokenizer, text, options); });
  }
  return 0;
}

}  // namespace

void add_tokenize(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(cli.app, "tokenize", "Token ids of text, a line at a time", options->json);
  command->add_option("model", options->model, "Catalogue name, .gguf file or Hugging Face folder")->required();
  command->add_option("--file", options->file,
                      "Text, or .jsonl whose strings are taken one by one (default: standard input)");
  command->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hone::cli
