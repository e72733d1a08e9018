#include "text/split_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>
#include <utility>

#include "base/terminal.h"
#include "text/ascii_pieces.h"
#include "text/utf8.h"

namespace hone::text {
namespace {

// Letters and numbers that Unicode 15 and 16 added; PCRE2 10.42 stops at 14. Derived by comparing every code point with
// tokenizers 0.23 (tools/make_golden_text.py --classes prints them).
constexpr std::string_view letters =
    R"(\p{L}\x{1C89}\x{1C8A}\x{A7CB}-\x{A7CD}\x{A7DA}-\x{A7DC}\x{105C0}-\x{105F3}\x{10D4A}-\x{10D65}\x{10D6F}-\x{10D85})"
    R"(\x{10EC2}-\x{10EC4}\x{1123F}\x{11240}\x{11380}-\x{11389}\x{1138B}\x{1138E}\x{11390}-\x{113B5}\x{113B7}\x{113D1})"
    R"(\x{113D3}\x{11BC0}-\x{11BE0}\x{11F02}\x{11F04}-\x{11F10}\x{11F12}-\x{11F33}\x{1342F}\x{13441}-\x{13446})"
    R"(\x{13460}-\x{143FA}\x{16100}-\x{1611D}\x{16D40}-\x{16D6C}\x{18CFF}\x{1B132}\x{1B155}\x{1DF25}-\x{1DF2A})"
    R"(\x{1E030}-\x{1E06D}\x{1E4D0}-\x{1E4EB}\x{1E5D0}-\x{1E5ED}\x{1E5F0}\x{2B739}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})";
constexpr std::string_view numbers =
    R"(\p{N}\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{11F50}-\x{11F59}\x{16130}-\x{16139})"
    R"(\x{16D70}-\x{16D79}\x{1CCF0}-\x{1CCF9}\x{1D2C0}-\x{1D2D3}\x{1E4F0}-\x{1E4F9}\x{1E5F1}-\x{1E5FA})";
// Unicode 17's, known to Rust's char::is_numeric but not to Oniguruma.
constexpr std::string_view newer_numbers = R"(\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6})";
// White_Space; PCRE2's own \s also takes U+180E.
constexpr std::string_view spaces =
    R"(\x{9}-\x{D}\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

// The members of the class that `pattern` names at `at` (`\s`, `\p{L}`, ...), and how long that name is; empty where it
// names none of ours.
std::pair<std::string, std::size_t> class_at(std::string_view pattern, std::size_t at) {
  const std::string_view rest = pattern.substr(at);
  if (rest.starts_with("\\p{L}")) return {std::string(letters), 5};
  if (rest.starts_with("\\p{N}")) return {std::string(numbers), 5};
  if (rest.starts_with("\\p{Numeric}")) return {std::string(numbers) + std::string(newer_numbers), 11};
  if (rest.starts_with("\\s")) return {std::string(spaces), 2};
  return {};
}

Result<std::string> translate(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size();) {
    if (const auto [members, length] = class_at(pattern, at); length > 0) {
      out += in_class ? members : "[" + members + "]";
      at += length;
      continue;
    }
    const std::string_view rest = pattern.substr(at);
    if (rest.starts_with("\\S") || rest.starts_with("\\P{") || rest.starts_with("\\p{^")) {
      if (in_class || rest[1] != 'S') {
        return make_error(ErrorCode::unsupported,
                          "the pre-tokenizer's regex uses {} at character {}, which is not "
                          "supported; pattern: {}",
                          printable(rest.substr(0, 3)), at, printable(pattern));
      }
      out += "[^" + std::string(spaces) + "]";
      at += 2;
      continue;
    }
    if (in_class && (rest.starts_with("&&") || rest[0] == '[')) {
      return make_error(ErrorCode::unsupported,
                        "the pre-tokenizer's regex nests a character class at character {}, "
                        "which is not supported; pattern: {}",
                        at, printable(pattern));
    }
    if (rest[0] == '[') in_class = true;
    if (rest[0] == ']') in_class = false;
    const std::size_t length = rest[0] == '\\' && rest.size() > 1 ? 2 : 1;
    out += rest.substr(0, length);
    at += length;
  }
  return out;
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

std::string pcre_message(int error) {
  PCRE2_UCHAR message[256] = {};
  pcre2_get_error_message(error, message, sizeof message);
  return reinterpret_cast<const char*>(message);
}

}  // namespace

struct SplitPattern::State {
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::string source;
  bool compiled_to_machine_code = false;
  std::optional<AsciiPieces> ascii;  // where the pattern is a well-known one

  int match(std::string_view text, std::size_t from, pcre2_match_data* found) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    if (compiled_to_machine_code) {
      const int rc = pcre2_jit_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK, found, nullptr);
      if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
    }
    return pcre2_match(code.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, found, nullptr);
  }
};

SplitPattern::SplitPattern(std::unique_ptr<State> state) : state_(std::move(state)) {}
SplitPattern::SplitPattern(SplitPattern&&) noexcept = default;
SplitPattern& SplitPattern::operator=(SplitPattern&&) noexcept = default;
SplitPattern::~SplitPattern() = default;

Result<SplitPattern> SplitPattern::compile(std::string_view pattern) {
  const Result<std::string> translated = translate(pattern);
  if (!translated) return tl::unexpected(translated.error());
  int error = 0;
  PCRE2_SIZE where = 0;
  auto state = std::make_unique<State>();
  state->source = pattern;
  state->ascii = AsciiPieces::of(pattern);
  state->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                                  PCRE2_UTF | PCRE2_UCP, &error, &where, nullptr));
  if (!state->code) {
    return bad_input("the pre-tokenizer's regex does not compile: {}; pattern: {}", pcre_message(error),
                     printable(pattern));
  }
  state->compiled_to_machine_code = pcre2_jit_compile(state->code.get(), PCRE2_JIT_COMPLETE) == 0;
  return SplitPattern(std::move(state));
}

void SplitPattern::split(std::string_view text, std::size_t offset, std::vector<std::size_t>& ends) const {
  std::unique_ptr<pcre2_match_data, FreeMatch> found;
  std::size_t done = 0;
  for (std::size_t from = 0; from < text.size();) {
    if (state_->ascii) {
      if (const std::size_t end = state_->ascii->end_of_piece(text, from); end != 0) {
        ends.push_back(offset + end);
        done = from = end;
        continue;
      }
    }
    if (!found) found.reset(pcre2_match_data_create(1, nullptr));
    HONE_CHECK(found != nullptr);
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(found.get());
    const int rc = state_->match(text, from, found.get());
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) {
      fail(ErrorCode::unsupported,
           "the pre-tokenizer's regex gave up at byte {} of a text of {} bytes: {}; pattern: {}", offset + from,
           text.size(), pcre_message(rc), printable(state_->source));
    }
    if (bounds[1] == bounds[0]) {
      from = bounds[1] < text.size() ? bounds[1] + code_point_at(text, bounds[1]).length : text.size();
      continue;
    }
    if (bounds[0] > done) ends.push_back(offset + bounds[0]);
    done = bounds[1];
    ends.push_back(offset + done);
    from = done;
  }
  if (done < text.size()) ends.push_back(offset + text.size());
}

}  // namespace hone::text
