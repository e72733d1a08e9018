// libFuzzer entry: any bytes as a row of JSON, and as a document of rows. What one pass takes and refuses is what
// another parser takes and refuses, but for keys that stand there twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "data/json_row.h"
#include "data/row_sink.h"
#include "heap_bound.h"

namespace {

void check_row(std::string_view text) {
  const hone::data::RawRow row = hone::data::json_row(text);
  const hone::Result<hone::Json> other = hone::parse_json(text, "row");
  if (row.why.empty()) {
    if (!other || !other->is_object() || other->size() != row.values.size()) std::abort();
    for (const auto& [name, value] : row.values) {
      const hone::Json& known = other->at(name);
      if (value.type == hone::data::ValueType::text && known != value.text) std::abort();
      if (value.type == hone::data::ValueType::structure && known != hone::Json::parse(value.text)) std::abort();
    }
  } else if (row.reason == "malformed" && other && other->is_object() && !text.starts_with("\xEF\xBB\xBF")) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fuzz::HeapBound bound(std::size_t{1} << 20, 512, size);
  check_row(bytes);
  std::size_t line = 0;
  const hone::data::ReadSpec spec;
  const hone::data::OnRow on_row = [&](hone::data::RawRow&& row) {
    if (row.line == 0 || row.line < line) std::abort();
    if (row.why.empty() != row.reason.empty()) std::abort();
  };
  hone::data::RowSink sink(spec, on_row);
  (void)hone::data::read_json({bytes, "rows.json"}, sink);
  return 0;
}
