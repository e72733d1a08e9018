// GPT-2's byte alphabet: in vocabulary files each byte is written as one printable character (openai/gpt-2,
// encoder.py).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hone::text {

// The bytes that `spelling` stands for; nothing where it holds a character outside the alphabet.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);
// `bytes` in the alphabet.
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace hone::text
