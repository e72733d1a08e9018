#include "model/stored_weights.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "model/export_names.h"
#include "model/finite.h"
#include "ops/weight_writer.h"

namespace hone::model {
namespace {

using ops::WeightKind;
using tensor::GgmlType;

// f32 values widened at once.
constexpr std::int64_t stretch_values = std::int64_t{1} << 22;

bool is_table(const StoredTensor& stored) {
  return stored.name == "model.embed_tokens.weight" || stored.name == "lm_head.weight";
}

// Null: as in the file.
std::optional<WeightKind> kind_in_file(const StoredTensor& stored) {
  if (stored.nf4) return stored.nf4->nested() ? WeightKind::nf4_double : WeightKind::nf4;
  return stored.type == GgmlType::f32 ? std::optional(WeightKind::f32) : std::nullopt;
}

std::optional<WeightKind> kind_for(const StoredTensor& stored, Precision precision) {
  switch (chosen_precision(precision)) {
    case Precision::automatic:
    case Precision::f32:
      return WeightKind::f32;
    case Precision::bf16:
      return !stored.nf4 && stored.type == GgmlType::bf16 ? std::nullopt : std::optional(WeightKind::blocks);
    case Precision::int8:
      return is_table(stored) ? kind_in_file(stored) : std::optional(WeightKind::int8_steps);
    case Precision::int8_weights:
      return is_table(stored) ? kind_in_file(stored) : std::optional(WeightKind::int8);
    case Precision::nf4:
      if (stored.nf4) return kind_in_file(stored);  // quantising again would change the values
      return is_table(stored) ? kind_in_file(stored) : std::optional(WeightKind::nf4);
    case Precision::nf4_double:
      if (stored.nf4) return kind_in_file(stored);
      return is_table(stored) ? kind_in_file(stored) : std::optional(WeightKind::nf4_double);
    case Precision::as_is:
      return kind_in_file(stored);
  }
  HONE_CHECK(false);
}

std::int64_t columns_of(const StoredTensor& stored) { return stored.shape[stored.shape.rank() - 1]; }
std::int64_t rows_of(const StoredTensor& stored) { return stored.shape.rank() == 2 ? stored.shape[0] : 1; }

std::int64_t row_bytes(const StoredTensor& stored) {
  const tensor::BlockLayout layout = tensor::layout_of(stored.type);
  return columns_of(stored) / layout.values * layout.bytes;
}

// The file's row that belongs at `row`.
const char* row_at(const StoredTensor& stored, std::int64_t row) {
  if (stored.interleaved_width > 0) row = gguf_row_of(row, stored.interleaved_width);
  return stored.bytes.data() + row * row_bytes(stored);
}

void widen_nf4_rows(tensor::Exec& exec, const StoredTensor& stored, std::int64_t begin, std::int64_t end, float* out) {
  const std::int64_t columns = columns_of(stored);
  exec.threads().for_slices(static_cast<std::size_t>(end - begin), 64, [&](std::size_t from, std::size_t to, int) {
    const auto first = static_cast<std::int64_t>(from);
    ops::widen_nf4(*stored.nf4, (begin + first) * columns,
                   {out + first * columns, (to - from) * static_cast<std::size_t>(columns)});
  });
}

// Rows [begin, end) as f32, on all threads.
void widen_rows(tensor::Exec& exec, const StoredTensor& stored, std::int64_t begin, std::int64_t end, float* out) {
  const std::int64_t columns = columns_of(stored);
  if (stored.nf4) return widen_nf4_rows(exec, stored, begin, end, out);
  const std::int64_t blocks = columns / tensor::layout_of(stored.type).values;
  exec.threads().for_slices(static_cast<std::size_t>(end - begin), 64, [&](std::size_t from, std::size_t to, int) {
    const auto first = static_cast<std::int64_t>(from);
    const auto last = static_cast<std::int64_t>(to);
    float* row_out = out + first * columns;
    for (std::int64_t row = first; row < last; ++row, row_out += columns) {
      tensor::widen_blocks(stored.type, row_at(stored, begin + row), blocks, row_out);
      if (stored.added != 0)
        for (std::int64_t i = 0; i < columns; ++i) row_out[i] += stored.added;
    }
  });
}

void give_back_pages(const StoredTensor& stored, std::int64_t first_byte, std::int64_t count) {
  if (stored.map == nullptr || stored.map->bytes().empty()) return;
  stored.map->give_back(stored.bytes.substr(static_cast<std::size_t>(first_byte), static_cast<std::size_t>(count)));
}

void give_back_pages(const StoredTensor& stored) {
  give_back_pages(stored, 0, static_cast<std::int64_t>(stored.bytes.size()));
}

Result<void> check_rows(tensor::Exec& exec, const StoredTensor& stored, tensor::ConstView rows, std::int64_t first,
                        const std::string& where) {
  return check_finite(exec, rows, {stored.file_name, where, first});
}

// Calls use(first, rows) for stretches of widened, finite rows, in order.
template <class Use>
Result<void> for_stretches(tensor::Exec& exec, const StoredTensor& stored, const std::string& where, const Use& use) {
  const std::int64_t rows = rows_of(stored);
  const std::int64_t columns = columns_of(stored);
  const std::int64_t most = std::max<std::int64_t>(64, stretch_values / columns / 64 * 64);
  tensor::Tensor stretch = tensor::Tensor::empty({std::min(rows, most), columns});
  for (std::int64_t first = 0; first < rows; first += most) {
    const std::int64_t count = std::min(most, rows - first);
    widen_rows(exec, stored, first, first + count, stretch.f32());
    const tensor::ConstView view = std::as_const(stretch).view().rows(0, count);
    const Result<void> finite = check_rows(exec, stored, view, first, where);
    if (!finite) return finite;
    use(first, view);
    if (stored.interleaved_width == 0 && !stored.nf4)
      give_back_pages(stored, first * row_bytes(stored), count * row_bytes(stored));
  }
  give_back_pages(stored);
  return {};
}

Result<tensor::Tensor> load_f32(tensor::Exec& exec, const StoredTensor& stored, const std::string& where) {
  tensor::Tensor values = tensor::Tensor::empty(stored.shape);
  widen_rows(exec, stored, 0, rows_of(stored), values.f32());
  give_back_pages(stored);
  const Result<void> finite = check_rows(exec, stored, std::as_const(values).view(), 0, where);
  if (!finite) return tl::unexpected<Error>(finite.error());
  return values;
}

// Its blocks, in the decoder's order.
Result<ops::Weight> load_blocks(tensor::Exec& exec, const StoredTensor& stored, const std::string& where) {
  HONE_CHECK(stored.added == 0);
  tensor::Tensor blocks = tensor::Tensor::empty({static_cast<std::int64_t>(stored.bytes.size())}, tensor::DType::u8);
  auto* to = static_cast<char*>(blocks.view().data);
  const std::int64_t bytes = row_bytes(stored);
  const Result<void> read = for_stretches(exec, stored, where, [&](std::int64_t first, tensor::ConstView rows) {
    for (std::int64_t row = first; row < first + rows.shape[0]; ++row)
      std::memcpy(to + row * bytes, row_at(stored, row), static_cast<std::size_t>(bytes));
  });
  if (!read) return tl::unexpected<Error>(read.error());
  return ops::Weight::from_blocks(stored.type, stored.shape, std::move(blocks));
}

Result<ops::Weight> load_matrix(tensor::Exec& exec, const StoredTensor& stored, Precision precision,
                                const std::string& where) {
  const std::optional<WeightKind> kind = kind_for(stored, precision);
  if (stored.nf4 && kind == kind_in_file(stored)) {
    const Result<void> finite = for_stretches(exec, stored, where, [](std::int64_t, tensor::ConstView) {});
    if (!finite) return tl::unexpected<Error>(finite.error());
    return ops::Weight::from_nf4(stored.shape, std::move(*stored.nf4));
  }
  if (!kind) return load_blocks(exec, stored, where);
  if (*kind == WeightKind::f32) {
    Result<tensor::Tensor> values = load_f32(exec, stored, where);
    if (!values) return tl::unexpected<Error>(values.error());
    return ops::Weight::from_f32(std::move(*values));
  }
  ops::WeightWriter writer(*kind, stored.shape);
  const Result<void> read = for_stretches(
      exec, stored, where, [&](std::int64_t first, tensor::ConstView rows) { writer.put(exec, first, rows); });
  if (!read) return tl::unexpected<Error>(read.error());
  return writer.finish();
}

// The head once more, beside its table, which answers for rows of ids.
ops::Weight in_steps(tensor::Exec& exec, const ops::Weight& head) {
  ops::WeightWriter writer(WeightKind::int8_steps, {head.out(), head.in()});
  const std::int64_t most = std::max<std::int64_t>(64, stretch_values / head.in() / 64 * 64);
  tensor::Tensor stretch = tensor::Tensor::empty({std::min(head.out(), most), head.in()});
  for (std::int64_t first = 0; first < head.out(); first += most) {
    const std::int64_t count = std::min(most, head.out() - first);
    exec.threads().for_slices(static_cast<std::size_t>(count), 64, [&](std::size_t from, std::size_t to, int) {
      const auto begin = static_cast<std::int64_t>(from);
      head.widen(first + begin, first + static_cast<std::int64_t>(to), stretch.f32() + begin * head.in());
    });
    writer.put(exec, first, std::as_const(stretch).view().rows(0, count));
  }
  return writer.finish();
}

Result<void> load_one(tensor::Exec& exec, WeightsBuilder& builder, const StoredTensor& stored, Precision precision,
                      const std::string& where) {
  if (stored.shape.rank() != 2) {
    Result<tensor::Tensor> values = load_f32(exec, stored, where);
    if (!values) return tl::unexpected<Error>(values.error());
    return builder.set(stored.name, std::move(*values));
  }
  Result<ops::Weight> weight = load_matrix(exec, stored, precision, where);
  if (!weight) return tl::unexpected<Error>(weight.error());
  return builder.set(stored.name, std::move(*weight));
}

}  // namespace

Result<Weights> load_stored(tensor::Exec& exec, StoredModel model, Precision precision, const std::string& where) {
  for (const StoredTensor& tensor : model.tensors) {
    const Result<void> loaded = load_one(exec, model.builder, tensor, precision, where);
    if (!loaded) return tl::unexpected<Error>(loaded.error());
  }
  Result<Weights> weights = model.builder.finish();
  if (weights && precision == Precision::int8) weights->head_steps = in_steps(exec, weights->head());
  return weights;
}

namespace {

std::uint64_t head_steps_bytes(std::span<const StoredTensor> stored) {
  std::uint64_t bytes = 0;
  for (const StoredTensor& tensor : stored)  // an own head comes after the table
    if (is_table(tensor)) bytes = ops::Weight::int8_steps_bytes(rows_of(tensor), columns_of(tensor));
  return bytes;
}

}  // namespace

std::uint64_t kept_bytes(std::span<const StoredTensor> stored, Precision precision) {
  std::uint64_t bytes = precision == Precision::int8 ? head_steps_bytes(stored) : 0;
  for (const StoredTensor& tensor : stored) {
    if (tensor.nf4 && kind_for(tensor, precision) == kind_in_file(tensor)) {
      bytes += tensor.nf4->bytes();
      continue;
    }
    const std::optional<WeightKind> kind = tensor.shape.rank() == 2 ? kind_for(tensor, precision) : WeightKind::f32;
    if (!kind) {
      bytes += tensor.bytes.size();
      continue;
    }
    bytes += ops::written_bytes(*kind, {rows_of(tensor), columns_of(tensor)});
  }
  return bytes;
}

}  // namespace hone::model
