// The cells of a spreadsheet's XML (ECMA-376, part 1, section 18.3), row by row.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/raw_rows.h"
#include "data/xml_reader.h"

namespace hone::data {

// Texts that cells share by number, one behind the other.
class SharedTexts {
 public:
  void add(std::string_view text);
  // Empty where there is no such text.
  std::string_view at(std::size_t number) const;
  std::size_t size() const { return ends_.size(); }
  std::size_t bytes() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

struct SheetFacts {
  SharedTexts texts;
  std::vector<char> is_date;  // of each cell style, whether its numbers are dates (1) or not (0)
  int first_year = 1900;      // of dates: 1900, or 1904 in files of old Macs
};

struct SheetCell {
  std::size_t column = 0;  // from 0
  RawValue value;
  std::string name;   // "B5"
  std::string error;  // "#N/A": the cell's formula failed
};

struct SheetRow {
  std::size_t number = 0;        // from 1, as the program shows it
  std::vector<SheetCell> cells;  // those with something in them
  std::string problem;           // not empty: the row cannot be read, and why
};

class SheetParser {
 public:
  // `on_row` gives false when no more rows are wanted. `facts` outlive the parser.
  SheetParser(const SheetFacts& facts, std::function<bool(SheetRow&&)> on_row);
  Result<void> feed(std::string_view xml) { return xml_.feed(xml); }
  Result<void> finish() { return xml_.finish(); }
  bool is_stopped() const { return xml_.is_stopped(); }

 private:
  void begin(std::string_view name, const XmlReader::Attributes& attributes);
  void begin_cell(const XmlReader::Attributes& attributes);
  void end(std::string_view name);
  void end_cell();
  void end_row();
  std::size_t place_of(std::string_view reference);

  const SheetFacts& facts_;
  std::function<bool(SheetRow&&)> on_row_;
  SheetRow row_;
  SheetCell cell_;
  std::string type_;  // of the cell: s, str, inlineStr, b, e, n
  std::size_t style_ = 0;
  std::string text_;  // of the cell, put together
  bool is_in_text_ = false;
  bool is_in_row_ = false;
  bool is_in_phonetics_ = false;
  std::size_t row_bytes_ = 0;
  XmlReader xml_;
};

// "2024-03-05", or "2024-03-05 14:30:00" where the number has a fraction: days since the last day but one of 1899
// (since 1904-01-01 with first_year 1904). Empty for numbers that are no dates.
std::string date_text(double serial, int first_year);

// Characters that XML has not are written as _x001F_ in cells, and an underscore that would begin such a code as
// _x005F_.
std::string unescaped_cell(std::string_view text);

// Whether a number format such as "dd.mm.yyyy" or "h:mm" shows dates or times.
bool is_date_format(std::string_view format);

}  // namespace hone::data
