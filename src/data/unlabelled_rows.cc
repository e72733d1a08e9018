#include "data/unlabelled_rows.h"

#include <unordered_map>

#include "base/hash.h"
#include "data/normal_text.h"
#include "data/raw_rows.h"
#include "data/row_values.h"

namespace hone::data {

Result<Imported> unlabelled_rows(const Path& file, const Task& task) {
  const Result<ColumnTemplate> columns = ColumnTemplate::parse(task.data.input);
  if (!columns) return tl::unexpected<Error>(columns.error());
  Imported imported;
  std::unordered_map<std::string, std::size_t> equals;
  const Result<std::vector<std::string>> met = read_raw_rows(file, [&](RawRow&& raw) {
    const Checked input = raw.why.empty() ? template_text(raw, *columns) : Checked(reject(raw.reason, raw.why));
    if (!input) {
      imported.rejected.push_back(input.error());
      imported.rejected.back().line = raw.line;
      imported.rejected.back().file = file.filename().string();
      return;
    }
    Row row;
    row.line = raw.line;
    row.input = *input;
    const std::string hash = sha256_hex(canonical_text(row.input)).substr(0, 16);
    row.id = fmt::format("{}-{}", hash, ++equals[hash]);
    imported.rows.push_back(std::move(row));
  });
  if (!met) return tl::unexpected<Error>(met.error());
  imported.columns = *met;
  return imported;
}

}  // namespace hone::data
