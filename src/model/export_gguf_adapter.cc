// LoRA adapters as llama.cpp reads them.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/terminal.h"
#include "formats/gguf_quantize.h"
#include "model/export_gguf.h"
#include "model/export_names.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufTensor;
using tensor::Tensor;

std::string site_name(int layer, Site site) {
  return fmt::format("model.layers.{}.{}.{}.weight", layer, site <= Site::o ? "self_attn" : "mlp", name_of(site));
}

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

bool is_zero(const Tensor& values) {
  return std::all_of(values.f32(), values.f32() + values.shape().count(), [](float value) { return value == 0; });
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

// The rank of the first pair; pairs of several ranks are refused by read_part(), by shape.
Result<LoraSpec> read_spec(const formats::GgufFile& file, const Config& config) {
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
  const auto alpha = file.number("adapter.lora.alpha");
  const auto first = std::find_if(file.tensors().begin(), file.tensors().end(),
                                  [](const GgufTensor& tensor) { return tensor.name.ends_with(".lora_a"); });
  if (first == file.tensors().end() || first->shape.rank() != 2) return bad_input("holds no LoRA tensors");
  LoraSpec spec;
  spec.rank = static_cast<int>(first->shape[0]);
  // llama.cpp takes alpha 0 as a scale of 1.
  spec.alpha = static_cast<float>(alpha.value_or(0) == 0 ? spec.rank : *alpha);
  return spec;
}

}  // namespace

void write_gguf_adapter(const GgufAdapter& wanted, const Path& file) {
  formats::GgufMetadata keys;
  keys["general.architecture"] = wanted.config->architecture;
  keys["general.type"] = std::string("adapter");
  keys["general.name"] = wanted.name;
  keys["adapter.type"] = std::string("lora");
  const LoraSpec& spec = wanted.adapter->spec();
  keys["adapter.lora.alpha"] = static_cast<double>(spec.scale()) * spec.rank;
  std::vector<std::string> bytes;
  std::vector<GgufTensor> tensors;
  for (int layer = 0; layer < wanted.adapter->layers(); ++layer) {
    for (const Site site : all_sites) {
      const LoraPair& pair = wanted.adapter->at(layer, site);
      if (pair.b.bytes() == 0 || (is_zero(pair.a) && is_zero(pair.b))) continue;
      const std::string plain = site_name(layer, site);
      const std::string name = gguf_tensor_name(*wanted.config, plain);
      bytes.push_back(checked_bytes(pair.a, plain, wanted.type));
      tensors.push_back({name + ".lora_a", wanted.type, pair.a.shape(), {}});
      const Tensor b = turned(pair.b, gguf_convention(*wanted.config, plain), Turn::to_gguf);
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
  const Result<LoraSpec> spec = read_spec(*file, config);
  if (!spec) return make_error(spec.error().code, "{}: {}", where, spec.error().message);
  Adapter adapter = Adapter::init(config, *spec);
  std::set<std::string> unread;
  for (const GgufTensor& tensor : file->tensors()) unread.insert(tensor.name);
  for (int layer = 0; layer < adapter.layers(); ++layer) {
    for (const Site site : all_sites) {
      LoraPair& pair = adapter.at(layer, site);
      const std::string plain = site_name(layer, site);
      const std::string name = gguf_tensor_name(config, plain);
      if (file->find(name + ".lora_a") == nullptr && file->find(name + ".lora_b") == nullptr) {
        std::fill_n(pair.a.f32(), pair.a.shape().count(), 0.0F);
        continue;
      }
      Result<Tensor> a = read_part(*file, name + ".lora_a", pair.a.shape());
      if (!a) return make_error(a.error().code, "{}: {}", where, a.error().message);
      const Result<Tensor> b = read_part(*file, name + ".lora_b", pair.b.shape());
      if (!b) return make_error(b.error().code, "{}: {}", where, b.error().message);
      pair.a = std::move(*a);
      pair.b = turned(*b, gguf_convention(config, plain), Turn::from_gguf);
      unread.erase(name + ".lora_a");
      unread.erase(name + ".lora_b");
    }
  }
  if (!unread.empty())
    return make_error(ErrorCode::unsupported, "{}: Hone cannot apply {} ({} tensors in all)", where,
                      printable(*unread.begin()), unread.size());
  return adapter;
}

}  // namespace hone::model
