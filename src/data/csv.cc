#include "data/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/line_reader.h"

namespace hone::data {
namespace {

// A quote still open after so many bytes was never meant as one; this also bounds the work on hostile files.
constexpr std::size_t longest_quoted = 2'000'000;

}  // namespace

// `at` stands on the opening quote; afterwards behind the closing one.
CsvReader::Field CsvReader::quoted_field(std::size_t& at, std::size_t& line) const {
  Field field;
  const std::size_t first_line = line;
  const std::size_t limit = std::min(bytes_.size(), at + longest_quoted);
  for (++at; at < limit; ++at) {
    const char c = bytes_[at];
    if (c == '\n') ++line;
    if (c != '"') {
      field.text += c;
    } else if (at + 1 < bytes_.size() && bytes_[at + 1] == '"') {
      field.text += '"';
      ++at;
    } else {
      ++at;
      const bool ends = at >= bytes_.size() || bytes_[at] == delimiter_ || bytes_[at] == '\n' ||
                        (bytes_[at] == '\r' && (at + 1 >= bytes_.size() || bytes_[at + 1] == '\n'));
      if (!ends) {
        field.problem = fmt::format(
            "text after the closing quote (line {}); a quote inside a quoted field is written twice: \"\"", line);
      }
      return field;
    }
  }
  field.problem = fmt::format("the quote opened in line {} is never closed", first_line);
  return field;
}

// Reads from `at` on; afterwards `at` is the end of the record's last line, or `record.problem` says what is wrong.
void CsvReader::fields(CsvRecord& record, std::size_t& at, std::size_t& line) const {
  const std::size_t begin = at;
  std::size_t line_stop = line_end(bytes_, at);
  while (true) {
    if (line_stop - begin > longest_line) {
      record.problem =
          fmt::format("{} bytes and more in one row; rows of over {} are refused", line_stop - begin, longest_line);
      return;
    }
    if (at < line_stop && bytes_[at] == '"') {
      Field field = quoted_field(at, line);
      record.fields.push_back(std::move(field.text));
      record.problem = std::move(field.problem);
      if (!record.problem.empty()) return;
      if (at > line_stop) line_stop = line_end(bytes_, at);
    } else {
      std::string_view text = bytes_.substr(at, line_stop - at);
      const std::size_t length = text.find(delimiter_);
      text = text.substr(0, length);
      at += text.size();
      if (length == std::string_view::npos && text.ends_with('\r')) text.remove_suffix(1);
      record.fields.emplace_back(text);
    }
    if (at < line_stop && bytes_[at] == '\r') ++at;
    if (at >= line_stop) return;
    ++at;
  }
}

std::optional<CsvRecord> CsvReader::next() {
  while (at_ < bytes_.size() &&
         (bytes_[at_] == '\n' || (bytes_[at_] == '\r' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '\n'))) {
    at_ += bytes_[at_] == '\n' ? 1 : 2;
    ++line_;
  }
  if (at_ >= bytes_.size()) return std::nullopt;
  CsvRecord record;
  record.line = line_;
  const std::size_t begin = at_;
  std::size_t at = at_;
  std::size_t line = line_;
  fields(record, at, line);
  if (record.problem.empty()) {
    line_ = line + 1;
  } else {
    // Only the first line is given up, so that rows swallowed by a stray quote are still read.
    at = line_end(bytes_, begin);
    line_ = record.line + 1;
  }
  record.bytes = bytes_.substr(begin, at - begin);
  at_ = at + 1;
  return record;
}

char guess_delimiter(std::string_view bytes) {
  const std::array<char, 3> delimiters = {',', ';', '\t'};
  std::array<std::size_t, 3> counts{};
  bool is_quoted = false;
  for (const char c : bytes) {
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '\n') break;
    for (std::size_t i = 0; i < delimiters.size(); ++i) counts[i] += c == delimiters[i] ? 1 : 0;
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return *most == 0 ? ',' : delimiters[static_cast<std::size_t>(most - counts.begin())];
}

}  // namespace hone::data
