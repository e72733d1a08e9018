// Characters that a reader doesn't see, text decoded in the wrong encoding, and scripts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

// Code points that show nothing: zero-width ones, soft hyphens, bidirectional controls, tags, control characters.
// Joiners and variation selectors within emoji and within scripts that need them (Arabic, Indic ...) are none.
std::vector<std::uint32_t> invisible_characters(std::string_view text);

// The first stretch that is UTF-8 read as Windows-1252 or Latin-1 ("Ã©" for "é", "â€™" for an apostrophe), or a
// replacement character; empty where there is none.
std::string wrongly_decoded(std::string_view text);

// A word of letters from several scripts that look alike ("pаypal" with a Cyrillic а): Latin beside Cyrillic or Greek;
// empty where there is none.
std::string mixed_script_word(std::string_view text);

// The script that most letters are of: "Latin", "Cyrillic", "Greek", "Han", "Kana", "Hangul", "Arabic", "Hebrew",
// "Devanagari", "Thai", "other"; empty for a text of fewer than 4 letters.
std::string main_script(std::string_view text);

}  // namespace hone::data
