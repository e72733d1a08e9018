// A text made from columns of a row: the name of one column, or "{subject}\n{body}".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/raw_rows.h"

namespace hone::data {

class ColumnTemplate {
 public:
  // A text without braces is the name of one column. In a template "{name}" stands for a column, "{{" and "}}" for a
  // brace. Errors: a brace that is not closed, an empty name, no column at all.
  static Result<ColumnTemplate> parse(std::string_view text);

  // Each column named, in order, once.
  const std::vector<std::string>& columns() const { return columns_; }
  bool is_one_column() const { return is_one_column_; }

  // The template with the row's texts put in, trimmed; what is missing or null counts as empty. For templates only: one
  // column is taken as it is by whoever reads the row.
  std::string fill(const RawRow& row) const;

 private:
  struct Piece {
    std::string text;  // of a column: its name
    bool is_column = false;
  };
  std::vector<Piece> pieces_;
  std::vector<std::string> columns_;
  bool is_one_column_ = false;
};

}  // namespace hone::data
