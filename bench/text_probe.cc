// Asks src/text directly, for bench/fidelity_text.py and for speed.
//   text_probe encode MODEL FILE.jsonl   ids of each JSON string as template text, a JSON array a line
//   text_probe roundtrip MODEL FILE      bytes of FILE lost or changed by decode(encode(...)), cut at 200 random places
//   text_probe render CASES.jsonl        {template, messages, ...} a line -> the rendered text, or null and the error
//   text_probe speed MODEL FILE          MB a second of processor time for encoding FILE's lines, cold and warm
// MODEL is a .gguf file or a folder with tokenizer.json.
#include <cstdio>
#include <ctime>
#include <iostream>

#include "base/files.h"
#include "base/rng.h"
#include "base/threads.h"
#include "model/model.h"
#include "text/chat_template.h"

namespace {

using namespace hone;

using Lines = std::vector<std::string_view>;

Lines lines_of(const std::string& bytes) {
  Lines lines;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    lines.push_back(std::string_view(bytes).substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

model::Model opened(const std::string& name) {
  tensor::Exec exec(1);
  return model::open_model(exec, name, model::Parts::tokenizer_only);
}

void encode(const std::string& name, const std::string& file) {
  const model::Model model = opened(name);
  const std::string bytes = value_or_throw(read_file(file));
  for (const std::string_view line : lines_of(bytes)) {
    const Json text = value_or_throw(parse_json(line, file));
    const text::MarkedText marked(text.get<std::string>(), text::Origin::from_template);
    std::cout << Json(model.tokenizer.encode(marked)).dump() << '\n';
  }
}

void round_trip(const std::string& name, const std::string& file) {
  const model::Model model = opened(name);
  const std::string bytes = value_or_throw(read_file(file));
  Rng rng(1);
  std::size_t wrong = 0;
  for (int i = 0; i < 200; ++i) {
    const std::size_t begin = rng.below(bytes.size());
    const std::string_view part = std::string_view(bytes).substr(begin, rng.below(2000));
    if (model.tokenizer.decode(model.tokenizer.encode(part)) != part) ++wrong;
  }
  std::cout << wrong << " of 200 differ\n";
}

void render(const std::string& file) {
  const std::string bytes = value_or_throw(read_file(file));
  for (const std::string_view line : lines_of(bytes)) {
    const Json one = value_or_throw(parse_json(line, file));
    std::vector<text::Message> messages;
    for (const Json& message : one["messages"]) {
      messages.push_back(value_or_throw(text::message_from_json(message, file)));
    }
    text::RenderOptions options;
    options.add_generation_prompt = one["add_generation_prompt"];
    options.bos_token = one["bos_token"];
    options.eos_token = one["eos_token"];
    options.today = one["today"];
    options.extra = one["extra"];
    const auto parsed = text::ChatTemplate::parse(one["template"].get<std::string>());
    const auto made = parsed ? parsed->render(messages, options) : tl::unexpected(parsed.error());
    const Json shown = made ? Json{{"text", made->text()}} : Json{{"text", nullptr}, {"error", made.error().message}};
    std::cout << to_text(shown) << '\n';
  }
}

void speed(const std::string& name, const std::string& file) {
  const model::Model model = opened(name);
  const std::string bytes = value_or_throw(read_file(file));
  const Lines lines = lines_of(bytes);
  for (int pass = 0; pass < 6; ++pass) {
    const std::clock_t start = std::clock();
    std::size_t ids = 0;
    for (const std::string_view line : lines) ids += model.tokenizer.encode(line).size();
    // Of the processor, so that what else the machine does counts little.
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("pass %d: %.1f MB/s, %zu ids of %zu bytes\n", pass, static_cast<double>(bytes.size()) / 1e6 / seconds,
                ids, bytes.size());
  }
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 3 && arguments[0] == "encode") return encode(arguments[1], arguments[2]), 0;
  if (arguments.size() == 3 && arguments[0] == "roundtrip") return round_trip(arguments[1], arguments[2]), 0;
  if (arguments.size() == 3 && arguments[0] == "speed") return speed(arguments[1], arguments[2]), 0;
  if (arguments.size() == 2 && arguments[0] == "render") return render(arguments[1]), 0;
  std::cerr << "text_probe encode|roundtrip|speed MODEL FILE, or text_probe render CASES\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
