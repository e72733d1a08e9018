// Lines of a mapped file of any size, in flat memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hone::data {

// Lines of more bytes than this are no rows: they are passed over and said to be too long.
constexpr std::size_t longest_line = std::size_t{16} << 20;

// Where the line that goes on at `from` ends: at its line feed, or at the end of the bytes. The pages of a line that is
// longer than `longest_line` are given back while it is passed over.
std::size_t line_end(std::string_view bytes, std::size_t from);

class LineReader {
 public:
  // `bytes` outlives the reader.
  explicit LineReader(std::string_view bytes) : bytes_(bytes) {}

  struct Line {
    std::size_t number = 0;  // from 1
    std::string_view text;   // without its line feed
  };
  std::optional<Line> next();
  // Bytes read so far.
  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;
};

}  // namespace hone::data
