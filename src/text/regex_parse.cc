#include <algorithm>
#include <charconv>

#include "base/terminal.h"
#include "text/regex_tree.h"
#include "text/utf8.h"

namespace hone::text {

namespace {

constexpr int most_repeats = 10000;
constexpr int most_depth = 200;

RegexNode characters(CharacterSet set) {
  RegexNode node;
  node.kind = RegexNode::Kind::characters;
  node.characters = normal_set(std::move(set));
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {
    if (valid_utf8_prefix(pattern) != pattern.size()) bad("is not UTF-8");
  }

  RegexNode whole() {
    RegexNode node = choice();
    if (at_ < pattern_.size()) bad("has a ) without its (");
    return node;
  }

 private:
  [[noreturn]] void bad(std::string_view what) const {
    fail(ErrorCode::bad_input, "the pattern \"{}\" {} (at byte {})", printable(pattern_), what, at_);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(ErrorCode::unsupported,
         "the pattern \"{}\" uses {} (at byte {}), which no automaton can follow; write it without",
         printable(pattern_), what, at_);
  }
  bool more() const { return at_ < pattern_.size(); }
  char peek() const { return more() ? pattern_[at_] : '\0'; }
  bool take(std::string_view word) {
    if (!pattern_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  char32_t character() {
    const CodePoint point = code_point_at(pattern_, at_);
    at_ += point.length;
    return point.code;
  }

  RegexNode choice() {
    if (++depth_ > most_depth) bad("is nested too deeply");
    RegexNode node;
    node.kind = RegexNode::Kind::choice;
    do {
      node.parts.push_back(sequence());
    } while (take("|"));
    --depth_;
    return node.parts.size() == 1 ? std::move(node.parts.front()) : node;
  }

  RegexNode sequence() {
    RegexNode node;
    while (more() && peek() != '|' && peek() != ')') node.parts.push_back(repeated());
    return node;
  }

  RegexNode repeated() {
    RegexNode node = atom();
    while (more()) {
      int least = 0, most = -1;
      if (take("*")) {
      } else if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (!counts(least, most)) {
        break;
      }
      take("?");  // a lazy repeat finds the same texts
      if (node.kind == RegexNode::Kind::begin || node.kind == RegexNode::Kind::end) bad("repeats an anchor");
      RegexNode repeat;
      repeat.kind = RegexNode::Kind::repeat;
      repeat.least = least;
      repeat.most = most;
      repeat.parts.push_back(std::move(node));
      node = std::move(repeat);
      if (peek() == '*' || peek() == '+') bad("repeats a repeat");
    }
    return node;
  }

  // {n}, {n,} or {n,m}; anything else after { is text.
  bool counts(int& least, int& most) {
    if (peek() != '{') return false;
    const char* const end = pattern_.data() + pattern_.size();
    const char* here = pattern_.data() + at_ + 1;
    const auto number = [&](int& value) {
      const auto [stop, error] = std::from_chars(here, end, value);
      if (error == std::errc::result_out_of_range) bad("repeats too often");
      const bool found = error == std::errc() && value >= 0;
      if (found) here = stop;
      return found;
    };
    if (!number(least)) return false;
    most = least;
    if (here != end && *here == ',') {
      ++here;
      if (!number(most)) most = -1;
    }
    if (here == end || *here != '}') return false;
    if (most >= 0 && most < least) bad("repeats at most fewer times than at least");
    if (std::max(least, most) > most_repeats) {
      fail(ErrorCode::unsupported, "the pattern \"{}\" repeats more than {} times; use maxLength or a shorter repeat",
           printable(pattern_), most_repeats);
    }
    at_ = static_cast<std::size_t>(here - pattern_.data()) + 1;
    return true;
  }

  RegexNode atom() {
    RegexNode node;
    if (take("^")) {
      node.kind = RegexNode::Kind::begin;
    } else if (take("$")) {
      node.kind = RegexNode::Kind::end;
    } else if (take(".")) {
      node = characters(outside({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
    } else if (take("(")) {
      node = group();
    } else if (take("[")) {
      node = characters(bracket());
    } else if (peek() == '*' || peek() == '+' || peek() == '?') {
      bad("repeats nothing");
    } else if (take("\\")) {
      node = characters(escape());
    } else {
      const char32_t c = character();
      node = characters({{c, c}});
    }
    return node;
  }

  RegexNode group() {
    if (take("?")) {
      if (peek() == '=' || peek() == '!') unsupported("look-ahead");
      if (take("<")) {
        if (peek() == '=' || peek() == '!') unsupported("look-behind");
        const std::size_t close = pattern_.find('>', at_);
        if (close == std::string_view::npos) bad("names a group without >");
        at_ = close + 1;
      } else if (!take(":")) {
        unsupported("flags inside");
      }
    }
    RegexNode node = choice();
    if (!take(")")) bad("has a ( without its )");
    return node;
  }

  CharacterSet bracket() {
    const bool inverted = take("^");
    CharacterSet set;
    while (true) {
      if (!more()) bad("has a [ without its ]");
      if (take("]")) break;
      CharacterSet from = bracket_item();
      if (peek() != '-' || at_ + 1 >= pattern_.size() || pattern_[at_ + 1] == ']') {
        set.insert(set.end(), from.begin(), from.end());
        continue;
      }
      ++at_;
      const CharacterSet to = bracket_item();
      const auto single = [](const CharacterSet& item) { return item.size() == 1 && item[0].first == item[0].last; };
      if (single(from) && single(to)) {
        if (from[0].first > to[0].first) bad("has a range that runs backwards");
        set.push_back({from[0].first, to[0].first});
      } else {
        // [\w-.]: the hyphen stands for itself.
        set.insert(set.end(), from.begin(), from.end());
        set.push_back({'-', '-'});
        set.insert(set.end(), to.begin(), to.end());
      }
    }
    return inverted ? outside(set) : normal_set(std::move(set));
  }

  CharacterSet bracket_item() {
    if (!take("\\")) {
      const char32_t c = character();
      return {{c, c}};
    }
    if (take("b")) return {{'\b', '\b'}};
    return escape();
  }

  CharacterSet escape() {
    if (!more()) bad("ends in a backslash");
    const char letter = pattern_[at_];
    if (const auto set = class_escape(letter)) {
      ++at_;
      return *set;
    }
    if (letter == 'b' || letter == 'B') unsupported("a word boundary");
    if ((letter >= '1' && letter <= '9') || letter == 'k') unsupported("a back reference");
    if (letter == 'p' || letter == 'P') unsupported("a Unicode property");
    const char32_t c = escaped_character();
    return {{c, c}};
  }

  char32_t escaped_character() {
    const char32_t c = character();
    switch (c) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case '0':
        return 0;
      case 'x':
        return hex(2);
      case 'c':
        if (!more()) bad("ends in \\c");
        return character() & 31;
      case 'u':
        return unicode_escape();
      default:
        break;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) bad("has an escape of unknown meaning");
    return c;
  }

  char32_t unicode_escape() {
    if (take("{")) {
      const std::size_t close = pattern_.find('}', at_);
      if (close == std::string_view::npos || close == at_ || close - at_ > 6) bad("has a broken \\u{...}");
      const char32_t c = hex(close - at_);
      ++at_;
      if (c > last_character) bad("has a \\u{...} beyond Unicode");
      return c;
    }
    const char32_t high = hex(4);
    if (high < 0xD800 || high > 0xDBFF || !take("\\u")) return high;
    const char32_t low = hex(4);
    if (low < 0xDC00 || low > 0xDFFF) bad("has half a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  char32_t hex(std::size_t digits) {
    std::uint32_t value = 0;
    const char* const from = pattern_.data() + at_;
    if (at_ + digits > pattern_.size()) bad("has an escape cut short");
    const auto [stop, error] = std::from_chars(from, from + digits, value, 16);
    if (error != std::errc() || stop != from + digits) bad("has an escape that is no hexadecimal number");
    at_ += digits;
    return value;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern) { return Parser(pattern).whole(); }

std::optional<CharacterSet> class_escape(char letter) {
  switch (letter) {
    case 'd':
      return CharacterSet{{'0', '9'}};
    case 'D':
      return outside({{'0', '9'}});
    case 'w':
      return CharacterSet{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    case 'W':
      return outside({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
    default:
      break;
  }
  if (letter != 's' && letter != 'S') return std::nullopt;
  const CharacterSet space = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                              {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return letter == 's' ? space : outside(space);
}

}  // namespace hone::text
