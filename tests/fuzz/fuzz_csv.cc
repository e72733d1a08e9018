// libFuzzer entry: any bytes as CSV. Reading goes forward, lines are counted, and records hold what stands in the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "data/csv.h"
#include "heap_bound.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{1} << 20, 128, size);
  for (const char delimiter : {hone::data::guess_delimiter(bytes), ';', '\t'}) {
    hone::data::CsvReader reader(bytes, delimiter);
    std::size_t line = 0;
    std::size_t at = 0;
    while (const auto record = reader.next()) {
      if (record->line <= line || reader.at() <= at || reader.at() > size) std::abort();
      line = record->line;
      at = reader.at();
      const auto newlines = static_cast<std::size_t>(std::count(bytes.data(), record->bytes.data(), '\n'));
      if (newlines + 1 != line) std::abort();
      if (record->problem.empty() && record->fields.empty()) std::abort();
    }
    if (reader.at() != size && size > 0) std::abort();
  }
  return 0;
}
