// libFuzzer entry: any bytes may be given to the GGUF reader and to what dequantises its tensors.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "heap_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  const fuzz::HeapBound bound(std::size_t{1} << 20, 64, size);
  const auto file = formats::GgufFile::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!file) return 0;
  for (const formats::GgufTensor& tensor : file->tensors()) {
    if (tensor.shape.rank() > 2) continue;
    const std::int64_t rows = tensor.shape.rank() == 1 ? 1 : tensor.shape[0];
    std::vector<float> row(static_cast<std::size_t>(tensor.shape[tensor.shape.rank() - 1]));
    formats::dequantize_rows(tensor, rows - 1, rows, row);
  }
  for (const auto& [key, value] : file->metadata()) {
    (void)file->integer(key);
    (void)file->number(key);
    (void)file->boolean(key);
    (void)file->integers(key);
  }
  return 0;
}
