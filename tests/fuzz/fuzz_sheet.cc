// libFuzzer entry: any bytes as the XML of a sheet. What is read has a place in it, however the bytes come in pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "data/sheet_parser.h"
#include "heap_bound.h"

namespace {

struct Read {
  std::size_t rows = 0;
  std::size_t cells = 0;
  bool is_whole = false;
  bool operator==(const Read&) const = default;
};

Read read(const hone::data::SheetFacts& facts, std::string_view xml, std::size_t piece) {
  Read read;
  std::size_t last = 0;
  hone::data::SheetParser parser(facts, [&](hone::data::SheetRow&& row) {
    if (row.number <= last) std::abort();
    last = row.number;
    ++read.rows;
    read.cells += row.cells.size();
    for (const auto& cell : row.cells) {
      if (cell.column >= 16'384 || (cell.value.text.empty() && cell.error.empty())) std::abort();
    }
    return true;
  });
  for (std::size_t at = 0; at < xml.size(); at += piece) {
    if (!parser.feed(xml.substr(at, piece))) return read;
  }
  read.is_whole = parser.finish().has_value();
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{4} << 20, 256, size);
  hone::data::SheetFacts facts;
  for (const char* text : {"first", "second", "third"}) facts.texts.add(text);
  facts.is_date = {0, 1};
  const Read whole = read(facts, xml, size + 1);
  if (whole.is_whole && read(facts, xml, 7) != whole) std::abort();
  return 0;
}
