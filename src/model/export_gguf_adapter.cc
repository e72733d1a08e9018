// LoRA adapters as llama.cpp reads them.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/terminal.h"
#include "formats/gguf_quantize.h"
#include "model/export_gguf.h"
#include "model/export_names.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufTensor;
using tensor::Tensor;

constexpr int most_rank = 65536;

std::string weight_name(int layer, Site site) { return module_name(layer, site) + ".weight"; }

enum class Turn { to_gguf, from_gguf };

// Rows of B between Hugging Face's order and the file's.
Tensor turned(const Tensor& b, const GgufConvention& convention, Turn turn) {
  if (convention.interleaved_width == 0) return b.copy();
  const std::int64_t rank = b.shape()[1];
  Tensor out = Tensor::empty(b.shape());
  for (std::int64_t row = 0; row < b.shape()[0]; ++row) {
    const std::int64_t other = row_in_gguf(row, convention.interleaved_width);
    const bool writes = turn == Turn::to_gguf;
    std::copy_n(b.f32() + (writes ? other : row) * rank, rank, out.f32() + (writes ? row : other) * rank);
  }
  return out;
}

// The alpha that makes llama.cpp's alpha / rank the pair's scale.
float file_alpha(const LoraPair& pair) { return pair.scale * static_cast<float>(pair.rank()); }

// The file has one alpha: that of the first pair that has any. Where another pair's differs, its B takes the quotient.
float alpha_of(const Adapter& adapter) {
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const Site site : all_sites) {
      const LoraPair& pair = adapter.at(layer, site);
      if (!pair.is_absent() && pair.scale != 0) return file_alpha(pair);
    }
  }
  return 1;
}

// B as the file holds it.
Tensor written_b(const LoraPair& pair, float alpha, const GgufConvention& convention) {
  Tensor b = turned(pair.b, convention, Turn::to_gguf);
  const float factor = file_alpha(pair) / alpha;
  // Alphas that differ by rounding alone are one.
  if (std::fabs(factor - 1) > 1e-6F)
    for (std::int64_t i = 0; i < b.shape().count(); ++i) b.f32()[i] *= factor;
  return b;
}

std::string checked_bytes(const Tensor& values, const std::string& name, GgmlType type) {
  for (std::int64_t i = 0; i < values.shape().count(); ++i)
    if (!std::isfinite(values.f32()[i]))
      fail(ErrorCode::bad_input, "the adapter's {}: value {} is {}; train again", name, i, values.f32()[i]);
  std::string bytes;
  formats::encode_values(type, {values.f32(), static_cast<std::size_t>(values.shape().count())}, bytes);
  return bytes;
}

Result<Tensor> read_part(const formats::GgufFile& file, const std::string& name, const tensor::Shape& shape) {
  const GgufTensor* source = file.find(name);
  if (source == nullptr) return bad_input("tensor {} is missing, but its partner is there", name);
  if (source->shape != shape)
    return bad_input("tensor {} has the shape {}, expected {}: is the adapter for another model?", name,
                     source->shape.text(), shape.text());
  Tensor values = Tensor::empty(shape);
  formats::dequantize_rows(*source, 0, shape[0], {values.f32(), static_cast<std::size_t>(shape.count())});
  return values;
}

Result<void> check_kind(const formats::GgufFile& file, const Config& config) {
  const std::string* type = file.string("general.type");
  const std::string* kind = file.string("adapter.type");
  if (type == nullptr || *type != "adapter" || kind == nullptr || *kind != "lora")
    return make_error(ErrorCode::unsupported, "not a LoRA adapter (general.type is '{}', adapter.type '{}')",
                      type == nullptr ? "" : clipped(*type, 40), kind == nullptr ? "" : clipped(*kind, 40));
  const std::string* architecture = file.string("general.architecture");
  if (architecture == nullptr || *architecture != config.architecture)
    return bad_input("made for a {} model, but the base is {}",
                     architecture == nullptr ? "?" : clipped(*architecture, 40), config.architecture);
  if (file.metadata().contains("adapter.alora.invocation_tokens"))
    return make_error(ErrorCode::unsupported, "adapter.alora.invocation_tokens: Hone applies plain LoRA only");
  return {};
}

// The pairs that the file holds: each has the rank of its own A, and all have the file's alpha.
Result<PairSpecs> pairs_in(const formats::GgufFile& file, const Config& config) {
  const auto alpha = file.number("adapter.lora.alpha").value_or(0);
  PairSpecs pairs(static_cast<std::size_t>(config.layers));
  bool is_empty = true;
  for (int layer = 0; layer < config.layers; ++layer) {
    for (const Site site : all_sites) {
      const std::string name = gguf_tensor_name(config, weight_name(layer, site));
      const GgufTensor* a = file.find(name + ".lora_a");
      if (a == nullptr && file.find(name + ".lora_b") == nullptr) continue;
      if (a == nullptr) return bad_input("tensor {}.lora_a is missing, but its partner is there", name);
      if (a->shape.rank() != 2 || a->shape[0] < 1 || a->shape[0] > most_rank)
        return bad_input("tensor {} has the shape {}, expected [rank, inputs]", a->name, a->shape.text());
      const auto rank = static_cast<int>(a->shape[0]);
      // llama.cpp takes alpha 0 as a scale of 1.
      pairs[static_cast<std::size_t>(layer)][static_cast<std::size_t>(site)] = {
          rank, alpha == 0 ? static_cast<float>(rank) : static_cast<float>(alpha)};
      is_empty = false;
    }
  }
  if (is_empty) return bad_input("holds no LoRA tensors");
  return pairs;
}

// What most pairs share goes into the spec; the rest are its exceptions.
LoraSpec spec_of(const PairSpecs& pairs) {
  std::map<std::pair<int, float>, int> counts;
  for (const auto& layer : pairs)
    for (const PairSpec& pair : layer)
      if (pair.rank > 0) ++counts[{pair.rank, pair.alpha}];
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  LoraSpec spec;
  spec.rank = most->first.first;
  spec.alpha = most->first.second;
  return spec;
}

Result<void> read_pairs(const formats::GgufFile& file, const Config& config, Adapter& adapter) {
  std::set<std::string> unread;
  for (const GgufTensor& tensor : file.tensors()) unread.insert(tensor.name);
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const Site site : all_sites) {
      LoraPair& pair = adapter.at(layer, site);
      if (pair.is_absent()) continue;
      const std::string plain = weight_name(layer, site);
      const std::string name = gguf_tensor_name(config, plain);
      Result<Tensor> a = read_part(file, name + ".lora_a", pair.a.shape());
      if (!a) return tl::unexpected(a.error());
      const Result<Tensor> b = read_part(file, name + ".lora_b", pair.b.shape());
      if (!b) return tl::unexpected(b.error());
      pair.a = std::move(*a);
      pair.b = turned(*b, gguf_convention(config, plain), Turn::from_gguf);
      unread.erase(name + ".lora_a");
      unread.erase(name + ".lora_b");
    }
  }
  if (!unread.empty())
    return make_error(ErrorCode::unsupported, "Hone cannot apply {} ({} tensors in all)", printable(*unread.begin()),
                      unread.size());
  return {};
}

}  // namespace

void write_gguf_adapter(const GgufAdapter& wanted, const Path& file) {
  formats::GgufMetadata keys;
  keys["general.architecture"] = wanted.config->architecture;
  keys["general.type"] = std::string("adapter");
  keys["general.name"] = wanted.name;
  keys["adapter.type"] = std::string("lora");
  const float alpha = alpha_of(*wanted.adapter);
  keys["adapter.lora.alpha"] = static_cast<double>(alpha);
  std::vector<std::string> bytes;
  std::vector<GgufTensor> tensors;
  for (int layer = 0; layer < wanted.adapter->layers(); ++layer) {
    for (const Site site : all_sites) {
      const LoraPair& pair = wanted.adapter->at(layer, site);
      if (pair.is_absent()) continue;
      const std::string plain = weight_name(layer, site);
      const std::string name = gguf_tensor_name(*wanted.config, plain);
      bytes.push_back(checked_bytes(pair.a, plain, wanted.type));
      tensors.push_back({name + ".lora_a", wanted.type, pair.a.shape(), {}});
      const Tensor b = written_b(pair, alpha, gguf_convention(*wanted.config, plain));
      bytes.push_back(checked_bytes(b, plain, wanted.type));
      tensors.push_back({name + ".lora_b", wanted.type, b.shape(), {}});
    }
  }
  OutputFile out(file);
  out.add(formats::gguf_head(keys, tensors));
  for (const std::string& part : bytes) {
    out.add(part);
    out.pad(formats::gguf_alignment);
  }
  out.close();
}

Result<Adapter> read_gguf_adapter(const Path& path, const Config& config) {
  const std::string where = printable(path.string());
  const Result<formats::GgufFile> file = formats::GgufFile::open(path);
  if (!file) return tl::unexpected(file.error());
  const auto told = [&](const Error& error) { return make_error(error.code, "{}: {}", where, error.message); };
  if (const Result<void> fits = check_kind(*file, config); !fits) return told(fits.error());
  const Result<PairSpecs> pairs = pairs_in(*file, config);
  if (!pairs) return told(pairs.error());
  Adapter adapter = Adapter::zeros(config, spec_of(*pairs), *pairs);
  if (const Result<void> read = read_pairs(*file, config, adapter); !read) return told(read.error());
  return adapter;
}

}  // namespace hone::model
