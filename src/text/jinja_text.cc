#include "text/jinja_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "text/utf8.h"

namespace hone::text::jinja {
namespace {

bool is_space(const CodePoint& at) { return at.valid && is_python_space(at.code); }

// Whether str.splitlines() ends a line after this character.
bool ends_line(const CodePoint& at) {
  return at.valid && ((at.code >= 0xA && at.code <= 0xD) || (at.code >= 0x1C && at.code <= 0x1E) || at.code == 0x85 ||
                      at.code == 0x2028 || at.code == 0x2029);
}

bool is_cased(std::uint32_t code) {
  const auto c = static_cast<utf8proc_int32_t>(code);
  return utf8proc_toupper(c) != c || utf8proc_tolower(c) != c;
}

void append_upper(std::string& out, std::uint32_t code) {
  if (code == 0xDF) {
    out += "SS";
  } else {
    append_utf8(out, static_cast<std::uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code))));
  }
}

void append_lower(std::string& out, std::uint32_t code) {
  append_utf8(out, static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))));
}

std::vector<MarkedText> split_at_space(const MarkedText& text, const SplitSpec& spec) {
  const std::string_view bytes = text.text();
  std::vector<MarkedText> parts;
  std::size_t i = 0;
  while (true) {
    while (i < bytes.size() && is_space(code_point_at(bytes, i))) i += code_point_at(bytes, i).length;
    if (i >= bytes.size()) return parts;
    if (spec.most >= 0 && static_cast<std::int64_t>(parts.size()) == spec.most) {
      parts.push_back(text.slice(i, bytes.size()));
      return parts;
    }
    const std::size_t begin = i;
    while (i < bytes.size() && !is_space(code_point_at(bytes, i))) i += code_point_at(bytes, i).length;
    parts.push_back(text.slice(begin, i));
  }
}

std::vector<MarkedText> split_at_space_from_right(const MarkedText& text, const SplitSpec& spec) {
  const std::string_view bytes = text.text();
  std::vector<MarkedText> parts;
  std::size_t i = bytes.size();
  while (true) {
    while (i > 0 && is_space(code_point_before(bytes, i))) i -= code_point_before(bytes, i).length;
    if (i == 0) break;
    if (spec.most >= 0 && static_cast<std::int64_t>(parts.size()) == spec.most) {
      parts.push_back(text.slice(0, i));
      break;
    }
    const std::size_t end = i;
    while (i > 0 && !is_space(code_point_before(bytes, i))) i -= code_point_before(bytes, i).length;
    parts.push_back(text.slice(i, end));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<MarkedText> split_from_right(const MarkedText& text, std::string_view separator, std::int64_t most) {
  const std::string_view bytes = text.text();
  std::vector<MarkedText> parts;
  std::size_t end = bytes.size();
  while (end >= separator.size() && (most < 0 || static_cast<std::int64_t>(parts.size()) < most)) {
    const std::size_t at = bytes.substr(0, end).rfind(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.slice(at + separator.size(), end));
    end = at;
  }
  parts.push_back(text.slice(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); i += code_point_at(text, i).length) starts.push_back(i);
  starts.push_back(text.size());
  return starts;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += code_point_at(text, i).length) ++count;
  return count;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::size_t white_space_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint at = code_point_at(text, i);
    if (is_space(at)) ++count;
    i += at.length;
  }
  return count;
}

MarkedText strip(const MarkedText& text, Ends ends, std::optional<std::string_view> characters) {
  const std::string_view bytes = text.text();
  const auto goes = [&](std::size_t at, const CodePoint& point) {
    return characters ? characters->find(bytes.substr(at, point.length)) != std::string_view::npos : is_space(point);
  };
  std::size_t begin = 0;
  std::size_t end = bytes.size();
  while (ends != Ends::right && begin < end) {
    const CodePoint first = code_point_at(bytes, begin);
    if (!goes(begin, first)) break;
    begin += first.length;
  }
  while (ends != Ends::left && end > begin) {
    const CodePoint last = code_point_before(bytes, end);
    if (!goes(end - last.length, last)) break;
    end -= last.length;
  }
  return text.slice(begin, end);
}

std::vector<MarkedText> split(const MarkedText& text, const SplitSpec& spec) {
  if (!spec.separator) {
    return spec.from == Ends::right ? split_at_space_from_right(text, spec) : split_at_space(text, spec);
  }
  if (spec.from == Ends::right) return split_from_right(text, *spec.separator, spec.most);
  const std::string_view bytes = text.text();
  std::vector<MarkedText> parts;
  std::size_t begin = 0;
  while (spec.most < 0 || static_cast<std::int64_t>(parts.size()) < spec.most) {
    const std::size_t at = bytes.find(*spec.separator, begin);
    if (at == std::string_view::npos) break;
    parts.push_back(text.slice(begin, at));
    begin = at + spec.separator->size();
  }
  parts.push_back(text.slice(begin, bytes.size()));
  return parts;
}

std::vector<MarkedText> split_lines(const MarkedText& text) {
  const std::string_view bytes = text.text();
  std::vector<MarkedText> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint at = code_point_at(bytes, i);
    if (!ends_line(at)) {
      i += at.length;
      continue;
    }
    lines.push_back(text.slice(begin, i));
    i += at.length;
    if (at.code == '\r' && i < bytes.size() && bytes[i] == '\n') ++i;
    begin = i;
  }
  if (begin < bytes.size()) lines.push_back(text.slice(begin, bytes.size()));
  return lines;
}

MarkedText replace(const MarkedText& text, std::string_view old, const MarkedText& fresh, std::int64_t most) {
  const std::string_view bytes = text.text();
  MarkedText out;
  std::size_t done = 0;
  std::size_t from = 0;
  for (std::int64_t made = 0; most < 0 || made < most; ++made) {
    const std::size_t at = from > bytes.size() ? std::string_view::npos : bytes.find(old, from);
    if (at == std::string_view::npos) break;
    out.append(text.slice(done, at));
    out.append(fresh);
    done = at + old.size();
    from = old.empty() ? at + (at < bytes.size() ? code_point_at(bytes, at).length : 1) : done;
  }
  out.append(text.slice(done, bytes.size()));
  return out;
}

MarkedText with_case(const MarkedText& text, Case to) {
  MarkedText out;
  bool first = true;
  bool after_cased = false;
  for (const MarkedText::Stretch& stretch : text.stretches()) {
    const std::string_view bytes = std::string_view(text.text()).substr(stretch.begin, stretch.end - stretch.begin);
    std::string changed;
    for (std::size_t i = 0; i < bytes.size();) {
      const CodePoint at = code_point_at(bytes, i);
      const bool raise = to == Case::upper || (to == Case::capitalized && first) || (to == Case::title && !after_cased);
      if (!at.valid) {
        changed += bytes[i];
      } else if (raise) {
        append_upper(changed, at.code);
      } else {
        append_lower(changed, at.code);
      }
      after_cased = at.valid && is_cased(at.code);
      first = false;
      i += at.length;
    }
    out.append(changed, stretch.origin);
  }
  return out;
}

std::vector<std::size_t> Slice::positions(std::size_t size) const {
  const auto length = static_cast<std::int64_t>(size);
  const std::int64_t lowest = step < 0 ? -1 : 0;
  const std::int64_t highest = step < 0 ? length - 1 : length;
  const auto bound = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + length : *given, lowest, highest);
  };
  const std::int64_t first = bound(start, step < 0 ? highest : lowest);
  const std::int64_t last = bound(stop, step < 0 ? lowest : highest);
  std::vector<std::size_t> taken;
  if (step > 0) {
    for (std::int64_t i = first; i < last; i += std::min(step, length)) taken.push_back(static_cast<std::size_t>(i));
  } else {
    for (std::int64_t i = first; i > last; i += std::max(step, -length)) taken.push_back(static_cast<std::size_t>(i));
  }
  return taken;
}

MarkedText slice(const MarkedText& text, const Slice& range) {
  const std::vector<std::size_t> starts = character_starts(text.text());
  const std::vector<std::size_t> taken = range.positions(starts.size() - 1);
  if (taken.empty()) return {};
  if (range.step == 1) return text.slice(starts[taken.front()], starts[taken.back() + 1]);
  MarkedText out;
  for (const std::size_t at : taken) out.append(text.slice(starts[at], starts[at + 1]));
  return out;
}

}  // namespace hone::text::jinja
