#include "data/line_reader.h"

#include <algorithm>

#include "base/map_pages.h"

namespace hone::data {

std::size_t line_end(std::string_view bytes, std::size_t from) {
  while (from < bytes.size()) {
    const std::string_view part = bytes.substr(from, longest_line);
    if (const std::size_t found = part.find('\n'); found != std::string_view::npos) return from + found;
    if (part.size() == longest_line) forget_pages(part);
    from += part.size();
  }
  return bytes.size();
}

std::optional<LineReader::Line> LineReader::next() {
  if (at_ >= bytes_.size()) return std::nullopt;
  const std::size_t begin = at_;
  const std::size_t end = line_end(bytes_, begin);
  at_ = std::min(end + 1, bytes_.size());
  return Line{++number_, bytes_.substr(begin, end - begin)};
}

}  // namespace hone::data
