// Every family against transformers and PEFT in f64, from a Hugging Face folder and from GGUF: logits, losses,
// gradients, ten steps of training, greedy text. The small cases lie in tests/golden/decoder
// (tools/make_golden_decoder.py); bench/fidelity_model.py makes others and names their folder in HONE_FIDELITY_CASES.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/json.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "model/decoder.h"
#include "model/load_folder.h"
#include "model/load_gguf.h"
#include "ops/adamw.h"

namespace hone::model {
namespace {

using formats::SafetensorsFile;
using tensor::Exec;
using tensor::Tensor;
using Ids = std::vector<std::int32_t>;

// |got - want| / |want|; |got| where nothing is wanted.
double distance(const float* got, const Tensor& want) {
  double difference = 0;
  double norm = 0;
  for (std::int64_t i = 0; i < want.shape().count(); ++i) {
    const auto w = static_cast<double>(want.f32()[i]);
    difference += std::pow(static_cast<double>(got[i]) - w, 2);
    norm += w * w;
  }
  return std::sqrt(norm > 0 ? difference / norm : difference);
}

struct Case {
  explicit Case(const Path& path)
      : folder(path), file(value_or_throw(SafetensorsFile::open(path / "case.safetensors"))) {
    lengths = whole("lengths");
    batch.ids = whole("ids");
    for (const std::int32_t length : lengths) batch.stretches.push_back({-1, length});
    const Ids targets = whole("targets");
    const Tensor weights = values("weights");
    for (std::size_t i = 0; i < targets.size() / 2; ++i) {
      batch.targets.push_back({targets[2 * i], targets[2 * i + 1], weights.f32()[i]});
    }
  }
  Ids whole(const std::string& name) const {
    const auto view = value_or_throw(file.view(name));
    Ids out(static_cast<std::size_t>(view.shape.count()));
    std::memcpy(out.data(), view.data, out.size() * sizeof(std::int32_t));
    return out;
  }
  Tensor values(const std::string& name) const { return value_or_throw(file.f32(name)); }
  Adapter adapter(const Config& config) const {
    const auto first = value_or_throw(file.view("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
    Adapter made = Adapter::init(config, {static_cast<int>(first.shape[0]), 6, 1});
    for (const Adapter::Named& named : made.tensors()) *named.tensor = values(named.name);
    return made;
  }

  Path folder;
  SafetensorsFile file;
  Ids lengths;
  TrainBatch batch;
};

// How far a model is from its case.
struct Figures {
  double logits = 0, loss = 0, gradient = 0, losses = 0;
  std::string worst_gradient;
  Ids greedy;
};

double measure_logits(Exec& exec, const Case& c, const Decoder& decoder, const Adapter& adapter) {
  const auto rows = static_cast<std::int64_t>(c.batch.ids.size());
  KvCache cache(decoder.config(), rows);
  Step step;
  step.ids = c.batch.ids;
  for (const std::int32_t length : c.lengths) step.pieces.push_back({cache.add_node(-1, length), length});
  for (std::int32_t i = 0; i < rows; ++i) step.wanted.push_back(i);
  Tensor hidden = Tensor::empty({rows, decoder.config().width});
  Tensor logits = Tensor::empty({rows, decoder.config().vocabulary});
  decoder.forward(exec, step, &adapter, cache, hidden.view());
  decoder.logits(exec, hidden.view(), logits.view());
  return distance(logits.f32(), c.values("logits"));
}

void measure_gradient(Exec& exec, const Case& c, const Decoder& decoder, const Adapter& adapter, Figures& to) {
  Adapter gradients = adapter.zeros_like();
  const LossSum sum = decoder.loss_and_gradients(exec, c.batch, adapter, gradients);
  const auto want = static_cast<double>(c.values("loss").f32()[0]);
  to.loss = std::fabs(sum.loss - want) / want;
  for (const Adapter::Named& named : gradients.tensors()) {
    const double far = distance(named.tensor->f32(), c.values("grad." + named.name));
    if (!(far > to.gradient)) continue;
    to.gradient = far;
    to.worst_gradient = named.name;
  }
}

double measure_training(Exec& exec, const Case& c, const Decoder& decoder, Adapter adapter) {
  const Tensor want = c.values("losses");
  Adapter gradients = adapter.zeros_like();
  Adapter m = adapter.zeros_like();
  Adapter v = adapter.zeros_like();
  ops::AdamwSettings settings{std::stod(c.file.metadata().at("rate")), 0.9, 0.999, 1e-8, 0.01, 1, 1};
  double worst = 0;
  for (std::int64_t step = 0; step < want.shape().count(); ++step) {
    for (const Adapter::Named& named : gradients.tensors()) {
      std::memset(named.tensor->f32(), 0, named.tensor->bytes());
    }
    const LossSum sum = decoder.loss_and_gradients(exec, c.batch, adapter, gradients);
    settings.step = step + 1;
    settings.gradient_scale = 1 / sum.weight;
    auto parameters = adapter.tensors();
    auto slopes = gradients.tensors();
    auto first = m.tensors();
    auto second = v.tensors();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      ops::adamw(
          exec, settings,
          {parameters[i].tensor->view(), slopes[i].tensor->view(), first[i].tensor->view(), second[i].tensor->view()});
    }
    const auto loss = static_cast<double>(want.f32()[step]);
    worst = std::max(worst, std::fabs(sum.loss / sum.weight - loss) / loss);
  }
  return worst;
}

Ids continue_greedily(Exec& exec, const Decoder& decoder, const Adapter& adapter, const Ids& prompt,
                      std::size_t count) {
  KvCache cache(decoder.config(), 1);
  const int node = cache.add_node(-1, static_cast<int>(prompt.size() + count));
  Tensor hidden = Tensor::empty({1, decoder.config().width});
  Tensor logits = Tensor::empty({1, decoder.config().vocabulary});
  Ids made;
  Ids next = prompt;
  while (made.size() < count) {
    const auto length = static_cast<std::int32_t>(next.size());
    decoder.forward(exec, {next, {{node, length}}, {length - 1}}, &adapter, cache, hidden.view());
    decoder.logits(exec, hidden.view(), logits.view());
    const float* row = logits.f32();
    made.push_back(static_cast<std::int32_t>(std::max_element(row, row + decoder.config().vocabulary) - row));
    next = {made.back()};
  }
  return made;
}

Figures measure(const Case& c, Weights weights) {
  Exec exec(2);
  const Decoder decoder(std::make_shared<const Weights>(std::move(weights)));
  const Adapter adapter = c.adapter(decoder.config());
  Figures figures;
  figures.logits = measure_logits(exec, c, decoder, adapter);
  measure_gradient(exec, c, decoder, adapter, figures);
  figures.losses = measure_training(exec, c, decoder, adapter.copy());
  figures.greedy = continue_greedily(exec, decoder, adapter, c.whole("prompt"), c.whole("greedy").size());
  return figures;
}

void expect_equal(const Case& c, const char* form, Weights weights) {
  // The law is 1e-4; f32 reaches this.
  constexpr double most = 1e-5;
  const Figures figures = measure(c, std::move(weights));
  fmt::print("{:<14} {:<6} logits {:.1e}  gradient {:.1e}  loss {:.1e}  ten losses {:.1e}\n",
             c.folder.filename().string(), form, figures.logits, figures.gradient, figures.loss, figures.losses);
  EXPECT_LE(figures.logits, most);
  EXPECT_LE(figures.loss, most);
  EXPECT_LE(figures.gradient, most) << figures.worst_gradient;
  EXPECT_LE(figures.losses, most);
  EXPECT_EQ(figures.greedy, c.whole("greedy"));
}

std::vector<Path> case_folders() {
  const char* given = std::getenv("HONE_FIDELITY_CASES");
  std::vector<Path> folders;
  for (const auto& item : std::filesystem::directory_iterator(
           given != nullptr ? Path(given) : Path(HONE_SOURCE_DIR) / "tests/golden/decoder")) {
    if (item.is_directory()) folders.push_back(item.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

TEST(Fidelity, EveryFamilyEqualsTransformersFromFoldersAndGguf) {
  const std::vector<Path> folders = case_folders();
  ASSERT_GE(folders.size(), 1U);
  for (const Path& folder : folders) {
    SCOPED_TRACE(folder.filename().string());
    const Case c(folder);
    Exec exec(2);
    expect_equal(c, "folder", value_or_throw(load_folder(exec, folder)));
    const Path gguf = folder / "model.gguf";
    if (!std::filesystem::exists(gguf)) continue;
    const auto file = value_or_throw(formats::GgufFile::open(gguf));
    expect_equal(c, "gguf", value_or_throw(load_gguf(exec, file, gguf.string())));
  }
}

// rsLoRA, rank and alpha patterns, chosen layers: read from PEFT's own folders, gradients as PEFT's; and read again
// from what Hone writes of them.
TEST(Fidelity, PeftsOptionsGiveItsGradients) {
  const Path base = Path(HONE_SOURCE_DIR) / "tests/golden/decoder/llama2";
  const Path copied = std::filesystem::temp_directory_path() / fmt::format("hone_peft_options_{}", ::getpid());
  Exec exec(2);
  const Decoder decoder(std::make_shared<const Weights>(value_or_throw(load_folder(exec, base))));
  int count = 0;
  for (const char* name : {"rslora", "patterns", "layers", "together"}) {
    SCOPED_TRACE(name);
    const Path folder = base / "adapters" / name;
    const Case c(folder);
    Adapter adapter = value_or_throw(Adapter::load(folder, decoder.config()));
    adapter.save(copied, "base");
    const Adapter again = value_or_throw(Adapter::load(copied, decoder.config()));
    for (const Adapter* one : {static_cast<const Adapter*>(&adapter), &again}) {
      Figures figures;
      measure_gradient(exec, c, decoder, *one, figures);
      EXPECT_LE(figures.loss, 1e-5);
      EXPECT_LE(figures.gradient, 1e-5) << figures.worst_gradient;
      std::size_t gradients = 0;
      for (const std::string& tensor : c.file.names()) gradients += tensor.starts_with("grad.") ? 1 : 0;
      EXPECT_EQ(Adapter(one->copy()).tensors().size(), gradients);
      ++count;
    }
  }
  EXPECT_EQ(count, 8);
  std::filesystem::remove_all(copied);
}

TEST(Fidelity, ConfigsBeforeAndSinceTransformers5Agree) {
  for (const Path& folder : case_folders()) {
    SCOPED_TRACE(folder.filename().string());
    const auto read = [&](const char* name) {
      const std::string text = value_or_throw(read_file(folder / name));
      return value_or_throw(folder_config(value_or_throw(parse_json(text, name)), name));
    };
    const Config config = read("config.json");
    EXPECT_TRUE(config == read("config.old.json"));
    EXPECT_NE(find_family(config.architecture), nullptr);
  }
}

}  // namespace
}  // namespace hone::model
