#include "text/jinja_lexer.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/terminal.h"
#include "text/utf8.h"

namespace hone::text::jinja {
namespace {

using Kind = Token::Kind;

// Jinja reads \r\n and \r as line ends and drops the last one.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

std::size_t without_trailing_space(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    const CodePoint before = code_point_before(text, end);
    if (!before.valid || !is_python_space(before.code)) break;
    end -= before.length;
  }
  return end;
}

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_text();
    add(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  void add(Kind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  [[noreturn]] void complain(std::string_view what) const {
    fail(ErrorCode::bad_input, "chat template, line {}: {}", line_, what);
  }

  void advance(std::size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
    line_starting_ = bytes > 0 && source_[at_ - 1] == '\n';
  }

  void skip_space() {
    std::size_t end = at_;
    while (end < source_.size()) {
      const CodePoint next = code_point_at(source_, end);
      if (!next.valid || !is_python_space(next.code)) break;
      end += next.length;
    }
    if (end > at_) advance(end - at_);
  }

  // Template text up to the next tag, then the tag.
  void read_text() {
    std::size_t tag = at_;
    do {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        add(Kind::data, std::string(rest()));
        at_ = source_.size();
        return;
      }
      ++tag;
    } while (source_[tag] != '{' && source_[tag] != '%' && source_[tag] != '#');
    --tag;
    const char type = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    const std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    const std::size_t kept = kept_text(text, type, sign);
    if (kept > 0) add(Kind::data, std::string(text.substr(0, kept)));
    advance(tag - at_ + (sign == '-' || sign == '+' ? 3 : 2));
    if (type == '#') {
      read_comment();
    } else if (type == '{') {
      add(Kind::variable_begin, "");
      read_expression("}}", Kind::variable_end);
    } else if (!read_raw()) {
      add(Kind::block_begin, "");
      read_expression("%}", Kind::block_end);
    }
  }

  // How much of `text` stays before a tag: `-` strips white space, lstrip_blocks the blanks of the tag's own line.
  std::size_t kept_text(std::string_view text, char type, char sign) const {
    if (sign == '-') return without_trailing_space(text);
    if (sign == '+' || type == '{') return text.size();
    const std::size_t newline = text.rfind('\n');
    if (newline == std::string_view::npos && !line_starting_) return text.size();
    const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    return without_trailing_space(text) <= line_begin ? line_begin : text.size();
  }

  // The end tag `mark` with its sign; trim_blocks takes the line end after a block or comment.
  bool end_tag(std::string_view mark) {
    const bool minus = rest().starts_with('-');
    const bool plus = rest().starts_with('+') && mark != "}}";
    if (!rest().substr(minus || plus ? 1 : 0).starts_with(mark)) return false;
    std::size_t length = mark.size() + (minus || plus ? 1 : 0);
    if (!minus && !plus && mark != "}}" && rest().substr(length).starts_with('\n')) ++length;
    advance(length);
    if (minus) skip_space();
    return true;
  }

  void read_comment() {
    while (at_ < source_.size()) {
      if (end_tag("#}")) return;
      advance(1);
    }
    complain("a comment '{#' is not closed by '#}'");
  }

  // {% raw %} ... {% endraw %}
  bool read_raw() {
    const std::size_t start = at_;
    const int start_line = line_;
    const bool starting = line_starting_;
    skip_space();
    if (rest().starts_with("raw")) {
      advance(3);
      skip_space();
      const bool minus = rest().starts_with("-%}");
      if (minus || rest().starts_with("%}")) {
        advance(minus ? 3 : 2);
        if (minus) skip_space();
        read_raw_body();
        return true;
      }
    }
    at_ = start;
    line_ = start_line;
    line_starting_ = starting;
    return false;
  }

  void read_raw_body() {
    const std::size_t begin = at_;
    const bool starting = line_starting_;
    while (at_ < source_.size()) {
      const std::size_t tag = source_.find("{%", at_);
      if (tag == std::string::npos) break;
      advance(tag + 2 - at_);
      const char sign = rest().empty() ? ' ' : rest()[0];
      if (sign == '-' || sign == '+') advance(1);
      skip_space();
      if (!rest().starts_with("endraw")) continue;
      advance(6);
      skip_space();
      if (!end_tag("%}")) continue;
      const std::string_view text = std::string_view(source_).substr(begin, tag - begin);
      const bool after = std::exchange(line_starting_, starting);
      const std::size_t kept = kept_text(text, '%', sign);
      line_starting_ = after;
      if (kept > 0) add(Kind::data, std::string(text.substr(0, kept)));
      return;
    }
    complain("'{% raw %}' is not closed by '{% endraw %}'");
  }

  void read_expression(std::string_view mark, Kind end) {
    std::string open;
    while (true) {
      skip_space();
      if (at_ >= source_.size()) complain("a tag is not closed by '" + std::string(mark) + "'");
      if (open.empty() && end_tag(mark)) {
        add(end, "");
        return;
      }
      read_token(open);
    }
  }

  void read_token(std::string& open) {
    const char c = source_[at_];
    if (is_digit(c)) {
      read_number();
    } else if (is_name_start(c)) {
      std::size_t length = 1;
      while (length < rest().size() && is_name_part(rest()[length])) ++length;
      add(Kind::name, std::string(rest().substr(0, length)));
      advance(length);
    } else if (c == '"' || c == '\'') {
      read_string(c);
    } else {
      read_symbol(open);
    }
  }

  void read_number() {
    std::size_t length = 0;
    bool real = false;
    const auto digits = [&] {
      while (length < rest().size() && (is_digit(rest()[length]) || rest()[length] == '_')) ++length;
    };
    digits();
    if (length + 1 < rest().size() && rest()[length] == '.' && is_digit(rest()[length + 1])) {
      real = true;
      ++length;
      digits();
    }
    if (length < rest().size() && (rest()[length] == 'e' || rest()[length] == 'E')) {
      real = true;
      ++length;
      if (length < rest().size() && (rest()[length] == '+' || rest()[length] == '-')) ++length;
      digits();
    }
    std::string text(rest().substr(0, length));
    std::erase(text, '_');
    if (length < rest().size() && is_name_part(rest()[length])) complain("a number is written in a way not supported");
    add(real ? Kind::real : Kind::integer, std::move(text));
    advance(length);
  }

  void read_symbol(std::string& open) {
    static constexpr std::string_view twos[] = {"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view ones = "+-*/%~[](){}<>=.:|,;";
    for (const std::string_view two : twos) {
      if (rest().starts_with(two)) {
        add(Kind::symbol, std::string(two));
        advance(2);
        return;
      }
    }
    const char c = source_[at_];
    if (ones.find(c) == std::string_view::npos) {
      complain("the character '" + printable(rest().substr(0, code_point_at(source_, at_).length)) +
               "' is not expected");
    }
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) complain(std::string("'") + c + "' closes nothing");
      open.pop_back();
    }
    add(Kind::symbol, std::string(1, c));
    advance(1);
  }

  void read_string(char quote) {
    std::size_t end = 1;
    while (end < rest().size() && rest()[end] != quote) end += rest()[end] == '\\' ? 2 : 1;
    if (end >= rest().size()) complain("a string is not closed");
    add(Kind::string, unescape(rest().substr(1, end - 1)));
    advance(end + 1);
  }

  // Python's escapes; an unknown one keeps its backslash.
  std::string unescape(std::string_view text) const {
    static constexpr std::string_view names = "\\'\"abfnrtv";
    static constexpr std::string_view meanings = "\\'\"\a\b\f\n\r\t\v";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      if (c == '\n') continue;
      if (const std::size_t known = names.find(c); known != std::string_view::npos) {
        out += meanings[known];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_code(out, text.substr(i + 1, digits), digits, 16);
        i += digits;
      } else if (c >= '0' && c <= '7') {
        std::size_t digits = 1;
        while (digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7') ++digits;
        append_code(out, text.substr(i, digits), digits, 8);
        i += digits - 1;
      } else if (c == 'N') {
        complain("the escape \\N{...} is not supported");
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  void append_code(std::string& out, std::string_view digits, std::size_t expected, int base) const {
    std::uint32_t code = 0;
    for (const char c : digits) {
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) complain("an escape holds a character that is no digit");
      const int value = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
      code = code * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(value);
    }
    if (digits.size() != expected || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      complain("an escape does not stand for a character");
    }
    append_utf8(out, code);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // whether the last thing read ended a line
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(normalize_newlines(source)).run(); }

}  // namespace hone::text::jinja
