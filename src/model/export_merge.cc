#include "model/export_merge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/terminal.h"
#include "model/export_names.h"
#include "model/load_folder.h"
#include "model/load_gguf.h"

namespace hone::model {
namespace {

using tensor::Tensor;

std::int64_t columns_of(const tensor::Shape& shape) { return shape[shape.rank() - 1]; }
std::int64_t rows_of(const tensor::Shape& shape) { return shape.rank() == 2 ? shape[0] : 1; }

// The Hugging Face row that lies at `row` of a tensor in `layout`.
std::int64_t source_row(std::int64_t row, const GgufConvention& convention, Layout layout) {
  if (layout == Layout::hugging_face || convention.interleaved_width == 0) return row;
  return row_in_gguf(row, convention.interleaved_width);
}

// Gemma's norms, from `from`'s convention to `to`'s.
void move_norm(Tensor& values, const GgufConvention& convention, Layout from, Layout to) {
  if (convention.added == 0 || from == to) return;
  const float change = to == Layout::gguf ? convention.added : -convention.added;
  float* data = values.f32();
  for (std::int64_t i = 0; i < values.shape().count(); ++i) data[i] += change;
}

// Biases of q and k follow the rows of their matrices.
bool is_bias(const tensor::Shape& shape) { return shape.rank() == 1; }

const LoraPair* pair_of(const MergeSource& source, std::size_t index) {
  if (source.adapter == nullptr) return nullptr;
  const auto place = map_place(source.base->tensors()[index].name);
  if (!place || place->layer >= source.adapter->layers()) return nullptr;
  const LoraPair& pair = source.adapter->at(place->layer, place->site);
  return pair.is_absent() ? nullptr : &pair;
}

// Row `row` of s B A, added to `values` [in]; `sums` [in] is scratch.
void add_product(const LoraPair& pair, std::int64_t row, double scale, std::span<float> values,
                 std::vector<double>& sums) {
  const std::int64_t rank = pair.a.shape()[0];
  const float* b = pair.b.f32() + row * rank;
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::int64_t k = 0; k < rank; ++k) {
    const double factor = scale * static_cast<double>(b[k]);
    const float* a = pair.a.f32() + k * static_cast<std::int64_t>(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) sums[i] += factor * static_cast<double>(a[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<double>(values[i]) + sums[i]);
}

Result<void> check_finite(const Tensor& values, const std::string& name) {
  const float* data = values.f32();
  for (std::int64_t i = 0; i < values.shape().count(); ++i)
    if (!std::isfinite(data[i]))
      return bad_input("tensor {}: value {} is {}, so no export can be made of it; was the training run cut short?",
                       name, i, data[i]);
  return {};
}

}  // namespace

Result<BaseFiles> BaseFiles::open(const Path& path) {
  BaseFiles base;
  base.path_ = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const Path file = path / "config.json";
    const Result<std::string> text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    const Result<Json> json = parse_json(*text, file.string());
    if (!json) return tl::unexpected(json.error());
    Result<Config> config = folder_config(*json, file.string());
    if (!config) return tl::unexpected(config.error());
    base.config_ = std::move(*config);
    const Result<std::vector<Path>> files = weight_files(path);
    if (!files) return tl::unexpected(files.error());
    for (const Path& shard : *files) {
      Result<formats::SafetensorsFile> opened = formats::SafetensorsFile::open(shard);
      if (!opened) return tl::unexpected(opened.error());
      for (const std::string& name : opened->names()) base.shard_of_.emplace(name, base.shards_.size());
      base.shards_.push_back(std::move(*opened));
    }
  } else {
    Result<formats::GgufFile> file = formats::GgufFile::open(path);
    if (!file) return tl::unexpected(file.error());
    Result<Config> config = gguf_config(*file, path.string());
    if (!config) return tl::unexpected(config.error());
    base.config_ = std::move(*config);
    base.gguf_ = std::move(*file);
  }
  const Result<WeightsBuilder> builder = WeightsBuilder::make(base.config_);
  if (!builder) return tl::unexpected(builder.error());
  base.tensors_ = builder->wanted();
  return base;
}

Result<Tensor> BaseFiles::read(tensor::Exec& exec, std::size_t index, Layout layout) const {
  return gguf_ ? read_gguf(exec, index, layout) : read_shard(index, layout);
}

Result<Tensor> BaseFiles::read_gguf(tensor::Exec& exec, std::size_t index, Layout layout) const {
  const WeightsBuilder::Wanted& wanted = tensors_[index];
  const std::string name = gguf_tensor_name(config_, wanted.name);
  const formats::GgufTensor* source = gguf_->find(name);
  if (source == nullptr) return bad_input("{}: tensor {} is missing", printable(path_.string()), name);
  if (source->shape != wanted.shape)
    return bad_input("{}: tensor {} has the shape {}, expected {}", printable(path_.string()), name,
                     source->shape.text(), wanted.shape.text());
  const GgufConvention convention = gguf_convention(config_, wanted.name);
  HONE_CHECK(convention.interleaved_width == 0 || !is_bias(wanted.shape));
  Tensor out = Tensor::empty(wanted.shape);
  const std::int64_t columns = columns_of(wanted.shape);
  const bool turns = layout == Layout::hugging_face && convention.interleaved_width != 0;
  exec.threads().for_slices(
      static_cast<std::size_t>(rows_of(wanted.shape)), 64, [&](std::size_t begin, std::size_t end, int) {
        for (auto row = static_cast<std::int64_t>(begin); row < static_cast<std::int64_t>(end); ++row) {
          const std::int64_t from = turns ? gguf_row_of(row, convention.interleaved_width) : row;
          formats::dequantize_rows(*source, from, from + 1,
                                   {out.f32() + row * columns, static_cast<std::size_t>(columns)});
        }
      });
  move_norm(out, convention, Layout::gguf, layout);
  return out;
}

Result<Tensor> BaseFiles::read_shard(std::size_t index, Layout layout) const {
  const WeightsBuilder::Wanted& wanted = tensors_[index];
  const auto shard = shard_of_.find(wanted.name);
  if (shard == shard_of_.end()) return bad_input("{}: tensor {} is missing", printable(path_.string()), wanted.name);
  Result<Tensor> values = shards_[shard->second].f32(wanted.name);
  if (!values) return values;
  if (values->shape() != wanted.shape)
    return bad_input("{}: tensor {} has the shape {}, expected {}", printable(path_.string()), wanted.name,
                     values->shape().text(), wanted.shape.text());
  const GgufConvention convention = gguf_convention(config_, wanted.name);
  move_norm(*values, convention, Layout::hugging_face, layout);
  if (layout == Layout::hugging_face || convention.interleaved_width == 0) return values;
  const std::int64_t rows = wanted.shape[0];
  const std::int64_t columns = wanted.shape.count() / rows;
  Tensor turned = Tensor::empty(wanted.shape);
  for (std::int64_t row = 0; row < rows; ++row)
    std::copy_n(values->f32() + row_in_gguf(row, convention.interleaved_width) * columns, columns,
                turned.f32() + row * columns);
  return turned;
}

std::optional<std::string_view> BaseFiles::stored(std::size_t index, formats::GgmlType type) const {
  if (!gguf_) return std::nullopt;
  const formats::GgufTensor* source = gguf_->find(gguf_tensor_name(config_, tensors_[index].name));
  if (source == nullptr || source->type != type || source->shape != tensors_[index].shape) return std::nullopt;
  return source->bytes;
}

bool is_changed(const MergeSource& source, std::size_t index) {
  const LoraPair* pair = pair_of(source, index);
  if (pair == nullptr) return false;
  const float* b = pair->b.f32();
  return std::any_of(b, b + pair->b.shape().count(), [](float value) { return value != 0; });
}

Result<Tensor> merged(tensor::Exec& exec, const MergeSource& source, std::size_t index, Layout layout) {
  const WeightsBuilder::Wanted& wanted = source.base->tensors()[index];
  Result<Tensor> values = source.base->read(exec, index, layout);
  if (!values) return values;
  if (is_changed(source, index)) {
    const LoraPair& pair = *pair_of(source, index);
    const double scale = static_cast<double>(pair.scale);
    const GgufConvention convention = gguf_convention(source.base->config(), wanted.name);
    const auto columns = static_cast<std::size_t>(columns_of(wanted.shape));
    exec.threads().for_slices(static_cast<std::size_t>(wanted.shape[0]), 8,
                              [&](std::size_t begin, std::size_t end, int) {
                                std::vector<double> sums(columns);
                                for (std::size_t row = begin; row < end; ++row)
                                  add_product(pair, source_row(static_cast<std::int64_t>(row), convention, layout),
                                              scale, {values->f32() + row * columns, columns}, sums);
                              });
  }
  if (const Result<void> finite = check_finite(*values, wanted.name); !finite) return tl::unexpected(finite.error());
  return values;
}

}  // namespace hone::model
