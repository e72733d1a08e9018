#include "data/personal_data.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace hone::data {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool is_alnum(char c) { return is_digit(c) || is_letter(c); }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

bool one_digit_repeated(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(), [&](char c) { return c == digits.front(); });
}

using Found = std::optional<PersonalData>;

bool is_reserved_domain(std::string domain) {
  std::transform(domain.begin(), domain.end(), domain.begin(), lower);
  const std::string_view view = domain;
  for (const std::string_view name : {"example.com", "example.org", "example.net", "example.edu"}) {
    if (view == name || view.ends_with("." + std::string(name))) return true;
  }
  return view.ends_with(".example") || view.ends_with(".test") || view.ends_with(".invalid") ||
         view.ends_with(".localhost");
}

// Looked for from its "@" at `at`, not before `from`.
Found email_at(std::string_view text, std::size_t at, std::size_t from) {
  const auto is_local = [](char c) {
    return is_alnum(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
  };
  std::size_t begin = at;
  while (begin > from && is_local(text[begin - 1])) --begin;
  while (begin < at && !is_alnum(text[begin])) ++begin;
  std::size_t end = at + 1;
  while (end < text.size() && (is_alnum(text[end]) || text[end] == '.' || text[end] == '-')) ++end;
  while (end > at + 1 && !is_alnum(text[end - 1])) --end;
  const std::string domain(text.substr(at + 1, end - at - 1));
  const std::size_t dot = domain.rfind('.');
  if (begin == at || text[at - 1] == '.' || dot == std::string::npos || dot == 0 ||
      domain.find("..") != std::string::npos)
    return std::nullopt;
  const std::string_view top = std::string_view(domain).substr(dot + 1);
  if (top.size() < 2 || !std::all_of(top.begin(), top.end(), is_letter) || is_reserved_domain(domain))
    return std::nullopt;
  return PersonalData{"email", begin, end};
}

// Digits from `begin` on with what may stand between them, one character each; the end lies behind the last digit.
std::size_t digits_end(std::string_view text, std::size_t begin, std::string_view between) {
  std::size_t end = begin;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      end = i + 1;
    } else if (i != end || between.find(text[i]) == std::string_view::npos) {
      break;
    }
  }
  return end;
}

bool begins_number(std::string_view text, std::size_t i) {
  if (i == 0) return true;
  const char before = text[i - 1];
  return !is_alnum(before) && before != '_' && before != '.' && before != '/' && before != '-' && before != '=' &&
         before != '+';
}

bool ends_number(std::string_view text, std::size_t end) {
  if (end >= text.size()) return true;
  if (is_alnum(text[end]) || text[end] == '_') return false;
  const bool goes_on = text[end] == '.' || text[end] == '-' || text[end] == '/' || text[end] == ',';
  return !(goes_on && end + 1 < text.size() && is_digit(text[end + 1]));
}

Found card_at(std::string_view text, std::size_t begin) {
  if (!begins_number(text, begin)) return std::nullopt;
  const std::size_t end = digits_end(text, begin, " -");
  const std::string digits = digits_of(text.substr(begin, end - begin));
  if (digits.size() < 13 || digits.size() > 19 || !ends_number(text, end) || one_digit_repeated(digits))
    return std::nullopt;
  const std::string_view spelled = text.substr(begin, end - begin);
  // Groups as cards print them: four digits first, in all groups but the last of equal kind.
  const std::size_t gap = spelled.find_first_of(" -");
  if (gap != std::string_view::npos && gap != 4) return std::nullopt;
  const bool begins_as_card = digits[0] == '4' || (digits[0] == '5' && digits[1] >= '1' && digits[1] <= '5') ||
                              digits.starts_with("34") || digits.starts_with("37") || digits.starts_with("6011") ||
                              digits.starts_with("65") || digits.starts_with("35") || digits.starts_with("36") ||
                              (digits.substr(0, 4) >= "2221" && digits.substr(0, 4) <= "2720");
  if (!begins_as_card || !passes_luhn(digits)) return std::nullopt;
  return PersonalData{"card", begin, end};
}

Found phone_at(std::string_view text, std::size_t begin) {
  if (!begins_number(text, begin)) return std::nullopt;
  const auto real = [](const std::string& digits) { return !one_digit_repeated(std::string_view(digits).substr(1)); };
  if (text[begin] == '+') {
    std::size_t end = begin + 1;
    std::size_t count = 0;
    for (std::size_t i = end; i < text.size(); ++i) {
      if (is_digit(text[i])) {
        ++count;
        end = i + 1;
      } else if (i - end >= 2 || std::string_view(" -().").find(text[i]) == std::string_view::npos) {
        break;
      }
    }
    const std::string digits = digits_of(text.substr(begin, end - begin));
    const bool is_spelled = begin + 1 < text.size() && text[begin + 1] >= '1' && text[begin + 1] <= '9';
    if (!is_spelled || count < 9 || count > 15 || !ends_number(text, end) || !real(digits)) return std::nullopt;
    if (digits[0] == '1' && digits.substr(4, 3) == "555") return std::nullopt;
    return PersonalData{"phone", begin, end};
  }
  // (ddd) ddd-dddd, ddd-ddd-dddd, ddd.ddd.dddd
  const auto shape = [&](std::string_view form) {
    if (begin + form.size() > text.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
      const char c = text[begin + i];
      if (form[i] == 'd' ? !is_digit(c) : c != form[i]) return false;
    }
    return ends_number(text, begin + form.size());
  };
  for (const std::string_view form : {"(ddd) ddd-dddd", "(ddd)ddd-dddd", "ddd-ddd-dddd", "ddd.ddd.dddd"}) {
    if (!shape(form)) continue;
    const std::string digits = digits_of(text.substr(begin, form.size()));
    if (digits[0] < '2' || digits[3] < '2' || digits.substr(3, 3) == "555" || digits == "1234567890" || !real(digits))
      return std::nullopt;
    return PersonalData{"phone", begin, begin + form.size()};
  }
  return std::nullopt;
}

Found iban_at(std::string_view text, std::size_t begin) {
  if (begin + 15 > text.size() || !is_upper(text[begin]) || !is_upper(text[begin + 1]) || !is_digit(text[begin + 2]) ||
      !is_digit(text[begin + 3]) || (begin > 0 && is_alnum(text[begin - 1])))
    return std::nullopt;
  std::string spelled;
  std::size_t end = begin;
  Found longest;
  for (std::size_t i = begin; i < text.size() && spelled.size() < 34; ++i) {
    if (is_upper(text[i]) || is_digit(text[i])) {
      spelled += text[i];
      end = i + 1;
      const bool whole = end == text.size() || !is_alnum(text[end]);
      if (whole && spelled.size() >= 15 && passes_mod97(spelled)) longest = PersonalData{"iban", begin, end};
    } else if (text[i] != ' ' || i != end) {
      break;
    }
  }
  return longest;
}

Found key_at(std::string_view text, std::size_t begin) {
  struct Spelling {
    std::string_view prefix;
    std::size_t least;  // characters behind the prefix
    bool exactly;
  };
  static constexpr std::array spellings = {
      Spelling{"sk-ant-", 20, false},  Spelling{"sk-proj-", 20, false},    Spelling{"sk-", 20, false},
      Spelling{"sk_live_", 16, false}, Spelling{"rk_live_", 16, false},    Spelling{"AKIA", 16, true},
      Spelling{"ASIA", 16, true},      Spelling{"ghp_", 36, true},         Spelling{"gho_", 36, true},
      Spelling{"ghs_", 36, true},      Spelling{"github_pat_", 40, false}, Spelling{"AIza", 35, true},
      Spelling{"xoxb-", 20, false},    Spelling{"xoxp-", 20, false},       Spelling{"glpat-", 20, false},
      Spelling{"hf_", 30, false},      Spelling{"npm_", 36, true}};
  if (begin > 0 && (is_alnum(text[begin - 1]) || text[begin - 1] == '_' || text[begin - 1] == '-')) return std::nullopt;
  for (const Spelling& spelling : spellings) {
    if (!text.substr(begin).starts_with(spelling.prefix)) continue;
    std::size_t end = begin + spelling.prefix.size();
    while (end < text.size() && (is_alnum(text[end]) || text[end] == '_' || text[end] == '-')) ++end;
    const std::string_view body = text.substr(begin + spelling.prefix.size(), end - begin - spelling.prefix.size());
    if (body.size() < spelling.least || (spelling.exactly && body.size() != spelling.least)) return std::nullopt;
    // "sk-this-is-not-a-key": words hold no digit; "AKIAXXXXXXXXXXXXXXXX" stands for one.
    if (std::none_of(body.begin(), body.end(), is_digit) || std::set<char>(body.begin(), body.end()).size() < 8)
      return std::nullopt;
    return PersonalData{"key", begin, end};
  }
  return std::nullopt;
}

Found private_key_at(std::string_view text, std::size_t begin) {
  constexpr std::string_view dashes = "-----";
  constexpr std::string_view start = "-----BEGIN ";
  if (!text.substr(begin).starts_with(start)) return std::nullopt;
  const std::size_t title_end = text.find(dashes, begin + start.size());
  if (title_end == std::string_view::npos || title_end - begin > 60) return std::nullopt;
  if (text.substr(begin, title_end - begin).find("PRIVATE KEY") == std::string_view::npos) return std::nullopt;
  const std::size_t footer = text.find("-----END ", title_end);
  if (footer == std::string_view::npos) return PersonalData{"private-key", begin, title_end + dashes.size()};
  const std::size_t end = text.find(dashes, footer + dashes.size());
  return PersonalData{"private-key", begin, end == std::string_view::npos ? text.size() : end + dashes.size()};
}

Found anything_at(std::string_view text, std::size_t i, std::size_t from) {
  const char c = text[i];
  if (c == '@') return email_at(text, i, from);
  if (c == '-') return private_key_at(text, i);
  if (c == '+' || c == '(') return phone_at(text, i);
  if (is_digit(c)) {
    const Found card = card_at(text, i);
    return card ? card : phone_at(text, i);
  }
  if (!is_letter(c)) return std::nullopt;
  const Found key = key_at(text, i);
  return key ? key : iban_at(text, i);
}

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

bool passes_mod97(std::string_view iban) {
  int remainder = 0;
  const std::string turned = std::string(iban.substr(4)) + std::string(iban.substr(0, 4));
  for (const char c : turned) {
    const int value = is_digit(c) ? c - '0' : c - 'A' + 10;
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder == 1;
}

std::vector<PersonalData> personal_data_in(std::string_view text) {
  std::vector<PersonalData> all;
  std::size_t from = 0;  // behind the last one
  for (std::size_t i = 0; i < text.size(); ++i) {
    const Found found = anything_at(text, i, from);
    if (!found) continue;
    all.push_back(*found);
    from = found->end;
    i = from - 1;
  }
  return all;
}

std::string redacted(std::string_view text) {
  std::string out;
  std::size_t from = 0;
  for (const PersonalData& found : personal_data_in(text)) {
    out += text.substr(from, found.begin - from);
    out += '[';
    std::transform(found.kind.begin(), found.kind.end(), std::back_inserter(out),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    out += ']';
    from = found.end;
  }
  out += text.substr(from);
  return out;
}

}  // namespace hone::data
