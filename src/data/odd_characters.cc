#include "data/odd_characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <map>

#include "data/normal_text.h"

namespace hone::data {
namespace {

std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    utf8proc_int32_t value = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + i),
                                         static_cast<utf8proc_ssize_t>(text.size() - i), &value);
    points.push_back(length <= 0 ? 0xFFFDU : static_cast<std::uint32_t>(value));
    i += static_cast<std::size_t>(std::max<utf8proc_ssize_t>(1, length));
  }
  return points;
}

bool in(std::uint32_t point, std::uint32_t first, std::uint32_t last) { return point >= first && point <= last; }

bool is_letter(std::uint32_t point) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_invisible(std::uint32_t point) {
  if (point == '\t' || point == '\n' || point == '\r') return false;
  return point < 0x20 || in(point, 0x7F, 0x9F) || point == 0xAD || in(point, 0x200B, 0x200F) ||
         in(point, 0x202A, 0x202E) || in(point, 0x2060, 0x2069) || point == 0xFEFF || point == 0x180E ||
         in(point, 0xE0000, 0xE007F);
}

// A joiner is part of an emoji or of a script whose letters it joins; marks of direction belong beside such letters.
bool has_use(const std::vector<std::uint32_t>& points, std::size_t i) {
  if (!in(points[i], 0x200C, 0x200F)) return false;
  const auto needs = [](std::uint32_t point) { return point >= 0x0590 && !in(point, 0x1E00, 0x2069); };
  return (i > 0 && needs(points[i - 1])) || (i + 1 < points.size() && needs(points[i + 1]));
}

// The byte that Windows-1252 (Latin-1 where it has a gap) shows as this character; none for others.
int byte_shown_as(std::uint32_t point) {
  static const std::map<std::uint32_t, int> high = {
      {0x20AC, 0x80}, {0x201A, 0x82}, {0x0192, 0x83}, {0x201E, 0x84}, {0x2026, 0x85}, {0x2020, 0x86}, {0x2021, 0x87},
      {0x02C6, 0x88}, {0x2030, 0x89}, {0x0160, 0x8A}, {0x2039, 0x8B}, {0x0152, 0x8C}, {0x017D, 0x8E}, {0x2018, 0x91},
      {0x2019, 0x92}, {0x201C, 0x93}, {0x201D, 0x94}, {0x2022, 0x95}, {0x2013, 0x96}, {0x2014, 0x97}, {0x02DC, 0x98},
      {0x2122, 0x99}, {0x0161, 0x9A}, {0x203A, 0x9B}, {0x0153, 0x9C}, {0x017E, 0x9E}, {0x0178, 0x9F}};
  if (in(point, 0x80, 0xFF)) return static_cast<int>(point);
  const auto found = high.find(point);
  return found == high.end() ? -1 : found->second;
}

int sequence_length(int lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// Length of the sequence of UTF-8 that begins here, each byte shown as a character; 0 where none does. Two-byte ones
// count with the leads Â to Ô only (Latin letters and signs): "Ü€" and the like are text.
std::size_t misread_at(const std::vector<std::uint32_t>& points, std::size_t i) {
  const int lead = byte_shown_as(points[i]);
  const int length = sequence_length(lead);
  if (length == 0 || i + static_cast<std::size_t>(length) > points.size() || (length == 2 && lead > 0xD4)) return 0;
  std::array<utf8proc_uint8_t, 4> bytes = {static_cast<utf8proc_uint8_t>(lead), 0, 0, 0};
  for (int k = 1; k < length; ++k) {
    const int byte = byte_shown_as(points[i + static_cast<std::size_t>(k)]);
    if (byte < 0x80 || byte > 0xBF) return 0;
    bytes[static_cast<std::size_t>(k)] = static_cast<utf8proc_uint8_t>(byte);
  }
  utf8proc_int32_t value = 0;
  return utf8proc_iterate(bytes.data(), length, &value) == length ? static_cast<std::size_t>(length) : 0;
}

std::string text_of(const std::vector<std::uint32_t>& points, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(points[i]), bytes.data());
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
  }
  return text;
}

const char* script_of(std::uint32_t point) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
    const char* script;
  };
  static constexpr Range ranges[] = {
      {0x41, 0x5A, "Latin"},        {0x61, 0x7A, "Latin"},     {0xC0, 0x24F, "Latin"},     {0x1E00, 0x1EFF, "Latin"},
      {0x370, 0x3FF, "Greek"},      {0x1F00, 0x1FFF, "Greek"}, {0x400, 0x52F, "Cyrillic"}, {0x590, 0x5FF, "Hebrew"},
      {0x600, 0x77F, "Arabic"},     {0x8A0, 0x8FF, "Arabic"},  {0xFB50, 0xFDFF, "Arabic"}, {0xFE70, 0xFEFC, "Arabic"},
      {0x900, 0x97F, "Devanagari"}, {0xE00, 0xE7F, "Thai"},    {0x1100, 0x11FF, "Hangul"}, {0xAC00, 0xD7A3, "Hangul"},
      {0x3040, 0x30FF, "Kana"},     {0x3400, 0x4DBF, "Han"},   {0x4E00, 0x9FFF, "Han"},    {0x20000, 0x2FA1F, "Han"}};
  for (const Range& range : ranges) {
    if (in(point, range.first, range.last)) return range.script;
  }
  return "other";
}

}  // namespace

std::vector<std::uint32_t> invisible_characters(std::string_view text) {
  const std::vector<std::uint32_t> points = code_points(text);
  std::vector<std::uint32_t> found;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (is_invisible(points[i]) && !has_use(points, i)) found.push_back(points[i]);
  }
  return found;
}

std::string wrongly_decoded(std::string_view text) {
  const std::vector<std::uint32_t> points = code_points(text);
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::size_t length = points[i] == 0xFFFD ? 1 : misread_at(points, i);
    if (length == 0) continue;
    std::size_t begin = i;
    std::size_t end = i + length;
    while (begin > 0 && i - begin < 12 && is_letter(points[begin - 1])) --begin;
    while (end < points.size() && end - i < 12 && is_letter(points[end])) ++end;
    return text_of(points, begin, end);
  }
  return {};
}

std::string mixed_script_word(std::string_view text) {
  const std::vector<std::uint32_t> points = code_points(text);
  for (std::size_t begin = 0; begin < points.size();) {
    std::size_t end = begin;
    std::map<std::string_view, std::size_t> letters;
    for (; end < points.size() && is_letter(points[end]); ++end) ++letters[script_of(points[end])];
    // A Greek letter beside one Latin letter is a formula ("Δx").
    const std::size_t latin = letters.contains("Latin") ? letters["Latin"] : 0;
    if (latin >= 2 && end - begin >= 4 && (letters.contains("Cyrillic") || letters.contains("Greek")))
      return text_of(points, begin, end);
    begin = std::max(end, begin + 1);
  }
  return {};
}

std::string main_script(std::string_view text) {
  constexpr std::size_t fewest_letters = 4;
  std::map<std::string, std::size_t> counts;
  std::size_t letters = 0;
  for (const std::uint32_t point : code_points(text)) {
    if (!is_letter(point)) continue;
    ++letters;
    ++counts[script_of(point)];
  }
  if (letters < fewest_letters) return {};
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace hone::data
