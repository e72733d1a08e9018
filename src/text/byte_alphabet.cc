#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace hone::text {
namespace {

constexpr bool stands_for_itself(std::uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The other 68 bytes take U+0100 onwards, in order.
constexpr std::array<std::uint16_t, 256> make_alphabet() {
  std::array<std::uint16_t, 256> alphabet{};
  std::uint16_t next = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    alphabet[byte] = stands_for_itself(byte) ? static_cast<std::uint16_t>(byte) : next++;
  }
  return alphabet;
}

constexpr std::array<std::int16_t, 0x144> make_inverse() {
  std::array<std::int16_t, 0x144> inverse{};
  inverse.fill(-1);
  const auto alphabet = make_alphabet();
  for (std::int16_t byte = 0; byte < 256; ++byte) inverse[alphabet[static_cast<std::size_t>(byte)]] = byte;
  return inverse;
}

constexpr auto alphabet = make_alphabet();
constexpr auto inverse = make_inverse();

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  for (std::size_t i = 0; i < spelling.size();) {
    const CodePoint at = code_point_at(spelling, i);
    if (!at.valid || at.code >= inverse.size() || inverse[at.code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(inverse[at.code]));
    i += at.length;
  }
  return bytes;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) append_utf8(spelling, alphabet[static_cast<unsigned char>(byte)]);
  return spelling;
}

}  // namespace hone::text
