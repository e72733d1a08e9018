#include "tensor/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace hone::tensor {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t page = 4096;

std::byte* allocate(std::size_t bytes) {
  constexpr std::size_t large = std::size_t{256} << 10;
  // aligned_alloc takes whole multiples of the alignment.
  const std::size_t unit = bytes < large ? alignment : page;
  const std::size_t rounded = std::max(unit, (bytes + unit - 1) / unit * unit);
  void* memory = std::aligned_alloc(unit, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  // Huge pages where the kernel offers them: reading weights is a third faster. Neighbouring tensors share them.
  if (bytes >= large) madvise(memory, rounded, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

template <class Source>
Source slice(const Source& source, std::int64_t begin, std::int64_t end, std::byte* data) {
  HONE_CHECK(source.shape.rank() >= 1 && 0 <= begin && begin <= end && end <= source.shape[0]);
  const Shape& s = source.shape;
  Shape shape;
  switch (s.rank()) {
    case 1:
      shape = {end - begin};
      break;
    case 2:
      shape = {end - begin, s[1]};
      break;
    case 3:
      shape = {end - begin, s[1], s[2]};
      break;
    default:
      shape = {end - begin, s[1], s[2], s[3]};
      break;
  }
  const std::int64_t row = s[0] == 0 ? 0 : s.count() / s[0];
  return {data + static_cast<std::size_t>(begin * row) * size_of(source.dtype), shape, source.dtype};
}

}  // namespace

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
  }
  HONE_CHECK(false);
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::i32:
      return "i32";
    case DType::u8:
      return "u8";
  }
  return "?";
}

Shape::Shape(std::initializer_list<std::int64_t> dims) {
  HONE_CHECK(dims.size() <= dims_.size());
  for (std::int64_t dim : dims) {
    HONE_CHECK(dim >= 0);
    dims_[static_cast<std::size_t>(rank_++)] = dim;
  }
}

std::int64_t Shape::count() const {
  std::int64_t count = 1;
  for (int i = 0; i < rank_; ++i) {
    const std::int64_t dim = (*this)[i];
    HONE_CHECK(dim == 0 || count <= std::numeric_limits<std::int64_t>::max() / 8 / dim);
    count *= dim;
  }
  return count;
}

std::string Shape::text() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += (i == 0 ? "" : ", ") + std::to_string((*this)[i]);
  return text + "]";
}

const float* ConstView::f32() const {
  HONE_CHECK(dtype == DType::f32);
  return static_cast<const float*>(data);
}

const std::int32_t* ConstView::i32() const {
  HONE_CHECK(dtype == DType::i32);
  return static_cast<const std::int32_t*>(data);
}

ConstView ConstView::rows(std::int64_t begin, std::int64_t end) const {
  // The bytes are handed back as const below: slice() only does arithmetic on them.
  return slice(*this, begin, end, const_cast<std::byte*>(static_cast<const std::byte*>(data)));
}

float* View::f32() const {
  HONE_CHECK(dtype == DType::f32);
  return static_cast<float*>(data);
}

std::int32_t* View::i32() const {
  HONE_CHECK(dtype == DType::i32);
  return static_cast<std::int32_t*>(data);
}

View View::rows(std::int64_t begin, std::int64_t end) const {
  return slice(*this, begin, end, static_cast<std::byte*>(data));
}

void Tensor::Free::operator()(std::byte* memory) const { std::free(memory); }

Tensor Tensor::empty(Shape shape, DType dtype) {
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  tensor.data_.reset(allocate(static_cast<std::size_t>(shape.count()) * size_of(dtype)));
  return tensor;
}

Tensor Tensor::zeros(Shape shape, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  std::memset(tensor.data_.get(), 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::from(std::span<const float> values, Shape shape) {
  HONE_CHECK(static_cast<std::int64_t>(values.size()) == shape.count());
  Tensor tensor = empty(shape);
  if (!values.empty()) std::memcpy(tensor.data_.get(), values.data(), tensor.bytes());
  return tensor;
}

Tensor Tensor::copy() const {
  if (data_ == nullptr) return {};
  Tensor tensor = empty(shape_, dtype_);
  std::memcpy(tensor.data_.get(), data_.get(), bytes());
  return tensor;
}

std::size_t Tensor::bytes() const {
  return data_ == nullptr ? 0 : static_cast<std::size_t>(shape_.count()) * size_of(dtype_);
}

View Tensor::view() { return {data_.get(), shape_, dtype_}; }
ConstView Tensor::view() const { return {data_.get(), shape_, dtype_}; }

}  // namespace hone::tensor
