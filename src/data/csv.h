// CSV and TSV records (RFC 4180): quotes, doubled quotes, line breaks in quotes, CRLF.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

struct CsvRecord {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
  std::string_view bytes;  // as in the file, without the line end
  std::string problem;     // empty, or why it cannot be read; reading goes on with the next line
};

class CsvReader {
 public:
  // `bytes` outlives the reader. Lines without any byte are passed over.
  CsvReader(std::string_view bytes, char delimiter) : bytes_(bytes), delimiter_(delimiter) {}
  std::optional<CsvRecord> next();
  // Bytes read so far.
  std::size_t at() const { return std::min(at_, bytes_.size()); }

 private:
  struct Field {
    std::string text;
    std::string problem;
  };
  Field quoted_field(std::size_t& at, std::size_t& line) const;
  void fields(CsvRecord& record, std::size_t& at, std::size_t& line) const;

  std::string_view bytes_;
  char delimiter_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// Comma, semicolon or tab: whichever stands most often outside quotes in the first line; a comma where none does.
char guess_delimiter(std::string_view bytes);

}  // namespace hone::data
