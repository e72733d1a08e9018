#include "data/sheet_parser.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/terminal.h"
#include "data/line_reader.h"
#include "data/row.h"

namespace hone::data {
namespace {

constexpr std::size_t most_columns = 16'384;
constexpr std::size_t most_rows = 1'048'576;

std::optional<std::size_t> number_in(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A number as people write it: 0.1 where the file has 0.10000000000000001.
std::string short_number(const std::string& written, double& value) {
  const char* end = written.data() + written.size();
  const auto [stop, error] = std::from_chars(written.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return {};
  return fmt::format("{}", value);
}

}  // namespace

void SharedTexts::add(std::string_view text) {
  bytes_ += text;
  ends_.push_back(bytes_.size());
}

std::string_view SharedTexts::at(std::size_t number) const {
  if (number >= ends_.size()) return {};
  const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(bytes_).substr(begin, ends_[number] - begin);
}

SheetParser::SheetParser(const SheetFacts& facts, std::function<bool(SheetRow&&)> on_row)
    : facts_(facts),
      on_row_(std::move(on_row)),
      xml_(
          {.begin = [this](std::string_view name, const XmlReader::Attributes& attributes) { begin(name, attributes); },
           .end = [this](std::string_view name) { end(name); },
           .text =
               [this](std::string_view text) {
                 // A byte over the limit tells later that the text is too long.
                 if (is_in_text_ && text_.size() <= too_long_bytes) text_ += text;
               }}) {}

void SheetParser::begin(std::string_view name, const XmlReader::Attributes& attributes) {
  if (name == "row") {
    const std::size_t next = row_.number + 1;
    row_ = {};
    // Far below the largest number, so that counting on from it cannot begin anew.
    constexpr std::size_t farthest = std::size_t{1} << 60;
    row_.number = std::max(next, std::min(number_in(attributes.find("r")).value_or(next), farthest));
    row_bytes_ = 0;
    is_in_row_ = true;
    if (row_.number > most_rows) row_.problem = fmt::format("a sheet has at most {} rows", most_rows);
  } else if (name == "c" && is_in_row_) {
    begin_cell(attributes);
  } else if (name == "rPh") {
    is_in_phonetics_ = true;
  } else if (name == "v" || name == "t") {
    is_in_text_ = !is_in_phonetics_;
  }
}

void SheetParser::begin_cell(const XmlReader::Attributes& attributes) {
  const std::size_t next = row_.cells.empty() ? 0 : cell_.column + 1;
  cell_ = {};
  cell_.name = attributes.find("r");
  cell_.column = cell_.name.empty() ? next : place_of(cell_.name);
  if (cell_.name.empty()) cell_.name = fmt::format("cell {}", cell_.column + 1);
  type_ = attributes.find("t");
  style_ = number_in(attributes.find("s")).value_or(0);
  text_.clear();
  is_in_text_ = false;
}

// "AB12" is column 27, from 0.
std::size_t SheetParser::place_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z' || column > most_columns) break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
  }
  if (column == 0 || column > most_columns) {
    row_.problem = fmt::format("\"{}\" names no cell", clipped(reference, 20));
    return 0;
  }
  return column - 1;
}

void SheetParser::end(std::string_view name) {
  // In a damaged file a row may stand in another: what follows the inner one belongs to neither.
  if (name == "row" && is_in_row_) {
    is_in_row_ = false;
    end_row();
  } else if (name == "c" && is_in_row_) {
    end_cell();
  } else if (name == "rPh") {
    is_in_phonetics_ = false;
  } else if (name == "v" || name == "t") {
    is_in_text_ = false;
  }
}

void SheetParser::end_cell() {
  RawValue& value = cell_.value;
  value.type = ValueType::text;
  if (type_ == "s") {
    const std::size_t number = number_in(text_).value_or(facts_.texts.size());
    if (number >= facts_.texts.size()) {
      row_.problem = fmt::format("{} refers to a text that the file does not hold", cell_.name);
    }
    value.text = facts_.texts.at(number);
  } else if (type_ == "b") {
    value = {ValueType::flag, text_ == "1" ? "true" : "false"};
  } else if (type_ == "e") {
    cell_.error = text_;
  } else if (type_ == "str" || type_ == "inlineStr" || type_ == "d") {
    value.text = unescaped_cell(text_);
  } else if (!text_.empty()) {
    double number = 0;
    value = {ValueType::number, short_number(text_, number)};
    if (value.text.empty()) row_.problem = fmt::format("{} holds \"{}\", no number", cell_.name, clipped(text_, 20));
    const bool is_date = style_ < facts_.is_date.size() && facts_.is_date[style_] != 0;
    if (std::string date = is_date ? date_text(number, facts_.first_year) : ""; !date.empty()) {
      value = {ValueType::text, std::move(date)};
    }
  }
  row_bytes_ += value.text.size();
  if (row_bytes_ > longest_line) {
    row_.problem = fmt::format("the row holds over {} bytes", longest_line);
    return;
  }
  if (row_.cells.size() >= most_columns) {
    row_.problem = fmt::format("a sheet has at most {} columns", most_columns);
    return;
  }
  if (!value.text.empty() || !cell_.error.empty()) row_.cells.push_back(cell_);
}

void SheetParser::end_row() {
  const std::size_t number = row_.number;
  const bool is_wanted = row_.cells.empty() && row_.problem.empty() ? true : on_row_(std::move(row_));
  row_ = {};
  row_.number = number;
  if (!is_wanted || number > most_rows) xml_.stop();
}

std::string date_text(double serial, int first_year) {
  constexpr double year_9999 = 2'958'466;
  if (!(serial >= 0 && serial < year_9999)) return {};
  const double day = std::floor(serial);
  // The year 1900 has a 29th of February there, which it had not.
  const bool is_before_leap_day = first_year == 1900 && day < 60;
  using namespace std::chrono;
  const sys_days epoch = first_year == 1904   ? sys_days(1904y / January / 1)
                         : is_before_leap_day ? sys_days(1899y / December / 31)
                                              : sys_days(1899y / December / 30);
  const year_month_day date(epoch + days(static_cast<int>(day)));
  std::string text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  const auto second = static_cast<int>(std::lround((serial - day) * 86400));
  if (second == 0 || second >= 86400) return text;
  return text + fmt::format(" {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
}

std::string unescaped_cell(std::string_view text) {
  constexpr std::size_t length = 7;  // of _x001F_
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    unsigned code = 0;
    const char* digits = text.data() + i + 2;
    const bool may_be = text.size() - i >= length && text[i] == '_' && text[i + 1] == 'x' && text[i + 6] == '_';
    const bool is_code = may_be && std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4;
    if (!is_code || code >= 0x80 || code == 0) {
      out += text[i++];
    } else {
      out += static_cast<char>(code);
      i += length;
    }
  }
  return out;
}

bool is_date_format(std::string_view format) {
  bool is_quoted = false;
  bool is_bracketed = false;  // "[Red]", but also "[h]"
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == '[' || c == ']') {
      is_bracketed = c == '[';
    } else if (!is_quoted && !is_bracketed && std::string_view("yYmMdDhHsS").find(c) != std::string_view::npos) {
      return format.substr(0, 7) != "General";
    }
  }
  return false;
}

}  // namespace hone::data
