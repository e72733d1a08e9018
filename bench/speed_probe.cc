// Times the decoder directly, for bench/inference.py.
//   speed_probe MODEL PRECISION PROMPT DECODE SEQUENCES REPEATS
// Prints {"prefill_s": [...], "decode_s": [...]}: seconds for a prompt of PROMPT tokens, and for DECODE further tokens
// of each of SEQUENCES sequences that are decoded together. MODEL as `hone ask` takes it.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "model/model.h"

namespace {

using namespace hone;

struct Shape {
  int prompt = 0, decode = 0, sequences = 1;
};

std::vector<std::int32_t> some_ids(Rng& rng, int count, int vocabulary) {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocabulary))));
  return ids;
}

// Seconds for the prompt of each sequence, one after the other, and for the decoding of all.
std::pair<double, double> run_once(tensor::Exec& exec, const model::Decoder& decoder, const Shape& shape) {
  const model::Config& config = decoder.config();
  Rng rng(1, 1);
  model::KvCache cache(config, static_cast<std::int64_t>(shape.sequences) * (shape.prompt + shape.decode));
  tensor::Tensor hidden = tensor::Tensor::empty({shape.sequences, config.width});
  tensor::Tensor logits = tensor::Tensor::empty({shape.sequences, config.vocabulary});
  const Stopwatch prefill;
  for (int s = 0; s < shape.sequences; ++s) {
    model::Step step;
    step.ids = some_ids(rng, shape.prompt, config.vocabulary);
    step.pieces = {{cache.add_node(-1, shape.prompt + shape.decode), shape.prompt}};
    step.wanted = {shape.prompt - 1};
    decoder.forward(exec, step, nullptr, cache, hidden.view().rows(s, s + 1));
    decoder.logits(exec, hidden.view().rows(s, s + 1), logits.view().rows(s, s + 1));
  }
  const double prefill_s = prefill.seconds();
  const Stopwatch decode;
  for (int t = 0; t < shape.decode; ++t) {
    model::Step step;
    for (int s = 0; s < shape.sequences; ++s) {
      const float* line = logits.f32() + static_cast<std::int64_t>(s) * config.vocabulary;
      step.ids.push_back(static_cast<std::int32_t>(std::max_element(line, line + config.vocabulary) - line));
      step.pieces.push_back({s, 1});
      step.wanted.push_back(s);
    }
    decoder.forward(exec, step, nullptr, cache, hidden.view());
    decoder.logits(exec, hidden.view(), logits.view());
  }
  return {prefill_s, decode.seconds()};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::cerr << "usage: speed_probe MODEL PRECISION PROMPT DECODE SEQUENCES REPEATS\n";
    return 2;
  }
  tensor::Exec exec;
  const model::Model model =
      model::open_model(exec, arguments[1], model::Parts::everything, model::precision_named(arguments[2]).value());
  const Shape shape = {std::atoi(arguments[3]), std::atoi(arguments[4]), std::atoi(arguments[5])};
  Json prefill = Json::array();
  Json decode = Json::array();
  for (int i = 0; i < std::atoi(arguments[6]); ++i) {
    const auto [first, second] = run_once(exec, *model.decoder, shape);
    prefill.push_back(first);
    decode.push_back(second);
  }
  std::cout << Json{{"prefill_s", prefill}, {"decode_s", decode}}.dump() << '\n';
}
