// libFuzzer entry: any bytes may be given to the safetensors reader and to what widens its tensors.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "formats/safetensors.h"
#include "heap_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  const fuzz::HeapBound bound(std::size_t{1} << 20, 64, size);
  const auto file = formats::SafetensorsFile::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!file) return 0;
  for (const std::string& name : file->names()) (void)file->f32(name);
  return 0;
}
