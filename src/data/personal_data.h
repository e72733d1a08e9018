// Secrets and personal data in texts: what looks like one beyond doubt, and texts without them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

struct PersonalData {
  std::string kind;       // email, phone, card, iban, key, private-key
  std::size_t begin = 0;  // bytes
  std::size_t end = 0;
  bool is_secret() const { return kind == "key" || kind == "private-key"; }
};

// In order, none inside another:
//   email        a local part, @ and a domain with a top level of letters; none of the domains reserved for examples
//                (example.com, .test, .invalid ...);
//   phone        "+" and 9 to 15 digits, or a North American number in its usual spelling ("(212) 664-7665"); none with
//                the exchange 555, kept for stories, or of one digit repeated;
//   card         13 to 19 digits, bare or in groups, that begin as cards do and pass Luhn's check;
//   iban         two letters, two digits and 11 to 30 letters and digits that pass the check modulo 97;
//   key          a key as its provider spells it (sk-..., AKIA..., ghp_..., AIza..., xoxb-..., glpat-..., hf_...) with
//   at
//                least 16 letters and digits, of which several differ;
//   private-key  the header of a PEM private key, up to its footer.
std::vector<PersonalData> personal_data_in(std::string_view text);

// The text with each of them as its kind in brackets: "[EMAIL]", "[PRIVATE-KEY]".
std::string redacted(std::string_view text);

// Whether the digits of a card number pass Luhn's check (ISO/IEC 7812-1), and those of an account number that of
// ISO 13616 (letters as 10 to 35, the first four characters last, the remainder modulo 97 is 1).
bool passes_luhn(std::string_view digits);
bool passes_mod97(std::string_view iban);

}  // namespace hone::data
