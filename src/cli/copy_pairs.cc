#include "cli/copy_pairs.h"

#include "base/files.h"
#include "base/json.h"
#include "data/copy_search.h"

namespace hone::cli {
namespace {

Json place_of(const data::Row& row, data::Side side) {
  return {{"file", data::name_of(side)}, {"line", row.line}, {"id", row.id}};
}

}  // namespace

void write_copy_pairs(const std::string& file, const data::CheckInput& input) {
  std::string lines;
  for (const data::CopyPair& pair : data::find_copies(input).pairs) {
    lines += to_text(Json{{"row", place_of(*pair.row, pair.side)},
                          {"of", place_of(*pair.of, pair.of_side)},
                          {"likeness", data::name_of(pair.likeness)},
                          {"jaccard", pair.jaccard}});
    lines += '\n';
  }
  write_file(file, lines);
}

}  // namespace hone::cli
