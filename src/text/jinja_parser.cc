// Recursive descent over Jinja's grammar (jinja2/parser.py, 3.1), as far as chat templates use it.
#include <algorithm>
#include <charconv>

#include "base/terminal.h"
#include "text/jinja_lexer.h"
#include "text/jinja_tree.h"

namespace hone::text::jinja {
namespace {

using Kind = Expression::Kind;

// Bounds on the tree, so that neither evaluating nor destroying it can exhaust the stack.
constexpr int deepest_expression = 150;
constexpr int deepest_body = 60;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Body run() {
    Body body = parse_body({});
    if (current().kind != Token::Kind::end) unexpected();
    return body;
  }

 private:
  // Tokens.
  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token next() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }
  bool at_name(std::string_view name) const { return current().kind == Token::Kind::name && current().text == name; }
  bool at_symbol(std::string_view text) const {
    return current().kind == Token::Kind::symbol && current().text == text;
  }
  bool skip_name(std::string_view name) { return at_name(name) && (next(), true); }
  bool skip_symbol(std::string_view text) { return at_symbol(text) && (next(), true); }

  [[noreturn]] void complain(std::string_view what, int line) const {
    fail(ErrorCode::bad_input, "chat template, line {}: {}", line, what);
  }
  [[noreturn]] void unsupported(std::string_view what, int line) const {
    fail(ErrorCode::unsupported, "chat template, line {}: {} is not supported", line, what);
  }
  [[noreturn]] void unexpected() const {
    const Token& token = current();
    switch (token.kind) {
      case Token::Kind::end:
        complain("the template ends too early", token.line);
      case Token::Kind::variable_end:
      case Token::Kind::block_end:
        complain("a tag ends too early", token.line);
      default:
        complain("'" + clipped(token.text, 40) + "' is not expected here", token.line);
    }
  }
  void expect_symbol(std::string_view text) {
    if (!skip_symbol(text)) unexpected();
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) unexpected();
  }
  std::string any_name() {
    if (current().kind != Token::Kind::name) unexpected();
    return next().text;
  }
  void expect(Token::Kind kind) {
    if (current().kind != kind) unexpected();
    next();
  }

  // Building.
  ExpressionPtr make(Kind kind, int line) const {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = line;
    return made;
  }
  void add(Expression& parent, ExpressionPtr part) const {
    if (part) grow(parent, *part);
    parent.parts.push_back(std::move(part));
  }
  void grow(Expression& parent, const Expression& part) const {
    parent.depth = std::max(parent.depth, part.depth + 1);
    if (parent.depth > deepest_expression) {
      complain("an expression is nested deeper than " + std::to_string(deepest_expression) + " levels", part.line);
    }
  }
  ExpressionPtr wrap(Kind kind, ExpressionPtr inner) const {
    ExpressionPtr outer = make(kind, inner->line);
    add(*outer, std::move(inner));
    return outer;
  }
  // Counts how deep the parser itself is nested.
  struct Nesting {
    Nesting(const Parser& parser, int& depth, int most) : depth_(depth) {
      if (++depth_ > most) parser.complain("the template is nested too deeply", parser.current().line);
    }
    ~Nesting() { --depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    int& depth_;
  };

  // Statements.
  bool at_any(const std::vector<std::string_view>& names) const {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return at_name(name); });
  }

  // Statements up to a block that starts with one of `ends`; that name is then the current token.
  Body parse_body(const std::vector<std::string_view>& ends) {
    const Nesting nesting(*this, body_depth_, deepest_body);
    Body body;
    while (current().kind != Token::Kind::end) {
      const Token token = next();
      if (token.kind == Token::Kind::data) {
        body.push_back(statement(Statement::Kind::text, token.line));
        body.back()->name = token.text;
      } else if (token.kind == Token::Kind::variable_begin) {
        body.push_back(statement(Statement::Kind::output, token.line));
        body.back()->expressions.push_back(parse_tuple());
        expect(Token::Kind::variable_end);
      } else {
        if (at_any(ends)) return body;
        body.push_back(parse_statement());
        expect(Token::Kind::block_end);
      }
    }
    if (!ends.empty()) {
      complain("the template ends before '{% " + std::string(ends.back()) + " %}'", current().line);
    }
    return body;
  }
  // A block's contents: the end of its opening tag, and the body; the closing name is then the current token.
  Body parse_block(const std::vector<std::string_view>& ends) {
    expect(Token::Kind::block_end);
    return parse_body(ends);
  }
  Body parse_closed_block(std::string_view end) {
    Body body = parse_block({end});
    next();
    return body;
  }

  std::unique_ptr<Statement> statement(Statement::Kind kind, int line) const {
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = line;
    return made;
  }

  std::unique_ptr<Statement> parse_statement() {
    const int line = current().line;
    const std::string name = any_name();
    if (name == "for") return parse_for(line);
    if (name == "if") return parse_if(line);
    if (name == "set") return parse_set(line);
    if (name == "macro") return parse_macro(line);
    if (name == "with") return parse_with(line);
    if (name == "filter") return parse_filter_block(line);
    if (name == "generation") {
      auto made = statement(Statement::Kind::scope, line);
      made->bodies.push_back(parse_inner("endgeneration"));
      return made;
    }
    if (name == "break" || name == "continue") {
      if (loop_depth_ == 0) complain("'" + name + "' stands outside a loop", line);
      return statement(name == "break" ? Statement::Kind::leave_loop : Statement::Kind::next_round, line);
    }
    unsupported("the statement '" + clipped(name, 40) + "'", line);
  }

  // A block whose variables are its own; macros would not outlive it.
  Body parse_inner(std::string_view end) {
    ++inner_depth_;
    Body body = parse_closed_block(end);
    --inner_depth_;
    return body;
  }

  std::unique_ptr<Statement> parse_for(int line) {
    auto made = statement(Statement::Kind::loop, line);
    made->target = parse_target();
    if (!made->target.attribute.empty()) complain("a loop cannot assign to a namespace", line);
    expect_name("in");
    made->expressions.push_back(parse_plain_tuple());
    made->expressions.push_back(skip_name("if") ? parse_expression() : nullptr);
    if (at_name("recursive")) unsupported("a recursive loop", line);
    ++inner_depth_;
    ++loop_depth_;
    made->bodies.push_back(parse_block({"endfor", "else"}));
    --loop_depth_;
    if (next().text == "else") {
      made->bodies.push_back(parse_closed_block("endfor"));
    } else {
      made->bodies.emplace_back();
    }
    --inner_depth_;
    return made;
  }

  std::unique_ptr<Statement> parse_if(int line) {
    auto made = statement(Statement::Kind::condition, line);
    while (true) {
      made->expressions.push_back(parse_plain_tuple());
      made->bodies.push_back(parse_block({"elif", "else", "endif"}));
      const std::string end = next().text;
      if (end == "elif") continue;
      if (end == "else") made->bodies.push_back(parse_closed_block("endif"));
      return made;
    }
  }

  std::unique_ptr<Statement> parse_set(int line) {
    Target target = parse_target();
    if (skip_symbol("=")) {
      auto made = statement(Statement::Kind::set, line);
      made->target = std::move(target);
      made->expressions.push_back(parse_tuple());
      return made;
    }
    auto made = statement(Statement::Kind::set_block, line);
    made->target = std::move(target);
    made->expressions.push_back(at_symbol("|") ? parse_filters(nullptr) : nullptr);
    made->bodies.push_back(parse_inner("endset"));
    return made;
  }

  std::unique_ptr<Statement> parse_macro(int line) {
    if (inner_depth_ > 0) unsupported("a macro inside a loop, macro or block", line);
    auto made = statement(Statement::Kind::macro, line);
    made->name = any_name();
    expect_symbol("(");
    while (!at_symbol(")")) {
      if (!made->parameters.empty()) expect_symbol(",");
      made->parameters.push_back(any_name());
      made->expressions.push_back(skip_symbol("=") ? parse_expression() : nullptr);
    }
    next();
    const int loops = std::exchange(loop_depth_, 0);
    made->bodies.push_back(parse_inner("endmacro"));
    loop_depth_ = loops;
    return made;
  }

  std::unique_ptr<Statement> parse_with(int line) {
    auto made = statement(Statement::Kind::scope, line);
    while (current().kind != Token::Kind::block_end) {
      if (!made->parameters.empty()) expect_symbol(",");
      made->parameters.push_back(any_name());
      expect_symbol("=");
      made->expressions.push_back(parse_expression());
    }
    made->bodies.push_back(parse_inner("endwith"));
    return made;
  }

  std::unique_ptr<Statement> parse_filter_block(int line) {
    auto made = statement(Statement::Kind::filter_block, line);
    ExpressionPtr first = parse_one_filter(nullptr);
    made->expressions.push_back(at_symbol("|") ? parse_filters(std::move(first)) : std::move(first));
    made->bodies.push_back(parse_inner("endfilter"));
    return made;
  }

  Target parse_target() {
    Target target;
    const bool bracket = skip_symbol("(");
    target.names.push_back(any_name());
    if (!bracket && skip_symbol(".")) {
      target.attribute = any_name();
      return target;
    }
    while (skip_symbol(",")) {
      target.unpacks = true;
      if (current().kind != Token::Kind::name || at_name("in")) break;
      target.names.push_back(any_name());
    }
    if (bracket) expect_symbol(")");
    for (const std::string& name : target.names) {
      static constexpr std::string_view reserved[] = {"true", "false", "none", "True", "False", "None"};
      if (std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved)) {
        complain("'" + name + "' cannot be assigned to", current().line);
      }
    }
    return target;
  }

  // Expressions, loosest binding first.
  ExpressionPtr parse_expression() {
    const Nesting nesting(*this, expression_depth_, deepest_expression);
    ExpressionPtr left = parse_or();
    while (at_name("if")) {
      ExpressionPtr whole = make(Kind::condition, next().line);
      add(*whole, parse_or());
      add(*whole, std::move(left));
      add(*whole, skip_name("else") ? parse_expression() : nullptr);
      left = std::move(whole);
    }
    return left;
  }

  bool at_tuple_end() const {
    const Token::Kind kind = current().kind;
    return kind == Token::Kind::variable_end || kind == Token::Kind::block_end || at_symbol(")");
  }

  template <class ParseOne>
  ExpressionPtr parse_comma_list(const ParseOne& parse_one) {
    const int line = current().line;
    ExpressionPtr first = parse_one();
    if (!at_symbol(",")) return first;
    ExpressionPtr tuple = make(Kind::tuple, line);
    add(*tuple, std::move(first));
    while (skip_symbol(",") && !at_tuple_end()) add(*tuple, parse_one());
    return tuple;
  }
  ExpressionPtr parse_tuple() {
    return parse_comma_list([this] { return parse_expression(); });
  }
  // Without `a if b else c`, as after `if` and `for ... in`.
  ExpressionPtr parse_plain_tuple() {
    return parse_comma_list([this] { return parse_or(); });
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (skip_name("or")) {
      left = wrap(Kind::disjunction, std::move(left));
      add(*left, parse_and());
    }
    return left;
  }

  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (skip_name("and")) {
      left = wrap(Kind::conjunction, std::move(left));
      add(*left, parse_not());
    }
    return left;
  }

  ExpressionPtr parse_not() {
    const Nesting nesting(*this, expression_depth_, deepest_expression);
    if (!at_name("not")) return parse_comparison();
    next();
    return wrap(Kind::negation, parse_not());
  }

  std::string comparison_operator() {
    static constexpr std::string_view symbols[] = {"==", "!=", "<", "<=", ">", ">="};
    if (current().kind == Token::Kind::symbol &&
        std::find(std::begin(symbols), std::end(symbols), current().text) != std::end(symbols)) {
      return next().text;
    }
    if (skip_name("in")) return "in";
    if (at_name("not") && look().kind == Token::Kind::name && look().text == "in") {
      next();
      next();
      return "not in";
    }
    return "";
  }

  ExpressionPtr parse_comparison() {
    ExpressionPtr left = parse_sum();
    std::string sign = comparison_operator();
    if (sign.empty()) return left;
    ExpressionPtr whole = wrap(Kind::comparison, std::move(left));
    for (; !sign.empty(); sign = comparison_operator()) {
      whole->operators.push_back(sign);
      add(*whole, parse_sum());
    }
    return whole;
  }

  template <class ParseOne>
  ExpressionPtr parse_chain(std::initializer_list<std::string_view> signs, const ParseOne& parse_one) {
    ExpressionPtr left = parse_one();
    while (std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) { return at_symbol(sign); })) {
      left = wrap(Kind::arithmetic, std::move(left));
      left->name = next().text;
      add(*left, parse_one());
    }
    return left;
  }

  ExpressionPtr parse_sum() {
    return parse_chain({"+", "-"}, [this] { return parse_concatenation(); });
  }

  ExpressionPtr parse_concatenation() {
    ExpressionPtr left = parse_product();
    if (!at_symbol("~")) return left;
    left = wrap(Kind::concatenation, std::move(left));
    while (skip_symbol("~")) add(*left, parse_product());
    return left;
  }

  ExpressionPtr parse_product() {
    return parse_chain({"*", "/", "//", "%"}, [this] { return parse_power(); });
  }

  ExpressionPtr parse_power() {
    return parse_chain({"**"}, [this] { return parse_filtered(); });
  }

  ExpressionPtr parse_filtered() { return parse_filter_chain(parse_unary()); }

  ExpressionPtr parse_unary() {
    const Nesting nesting(*this, expression_depth_, deepest_expression);
    if (at_symbol("-") || at_symbol("+")) {
      const Kind kind = next().text == "-" ? Kind::minus : Kind::plus;
      return parse_postfix(wrap(kind, parse_unary()));
    }
    return parse_postfix(parse_primary());
  }

  ExpressionPtr parse_primary() {
    const Token token = current();
    if (token.kind == Token::Kind::name) return parse_name();
    if (token.kind == Token::Kind::string) {
      std::string text;
      while (current().kind == Token::Kind::string) text += next().text;
      return constant(Value::literal(text), token.line);
    }
    if (token.kind == Token::Kind::integer || token.kind == Token::Kind::real) return parse_number();
    if (skip_symbol("(")) {
      ExpressionPtr inner = at_symbol(")") ? make(Kind::tuple, token.line) : parse_tuple();
      expect_symbol(")");
      return inner;
    }
    if (at_symbol("[")) return parse_list();
    if (at_symbol("{")) return parse_mapping();
    unexpected();
  }

  ExpressionPtr constant(Value value, int line) const {
    ExpressionPtr made = make(Kind::constant, line);
    made->constant = std::move(value);
    return made;
  }

  ExpressionPtr parse_name() {
    const Token token = next();
    if (token.text == "true" || token.text == "True") return constant(Value(Value::Storage(true)), token.line);
    if (token.text == "false" || token.text == "False") return constant(Value(Value::Storage(false)), token.line);
    if (token.text == "none" || token.text == "None") return constant(Value(Value::Storage(None{})), token.line);
    ExpressionPtr made = make(Kind::name, token.line);
    made->name = token.text;
    return made;
  }

  ExpressionPtr parse_number() {
    const Token token = next();
    const char* begin = token.text.data();
    const char* end = begin + token.text.size();
    if (token.kind == Token::Kind::real) {
      double number = 0;
      if (std::from_chars(begin, end, number).ec != std::errc()) complain("a number is out of range", token.line);
      return constant(Value(Value::Storage(number)), token.line);
    }
    std::int64_t number = 0;
    if (std::from_chars(begin, end, number).ec != std::errc()) complain("a number is out of range", token.line);
    return constant(Value(Value::Storage(number)), token.line);
  }

  ExpressionPtr parse_list() {
    ExpressionPtr list = make(Kind::list, next().line);
    while (!at_symbol("]")) {
      if (!list->parts.empty()) expect_symbol(",");
      if (at_symbol("]")) break;
      add(*list, parse_expression());
    }
    next();
    return list;
  }

  ExpressionPtr parse_mapping() {
    ExpressionPtr mapping = make(Kind::mapping, next().line);
    while (!at_symbol("}")) {
      if (!mapping->parts.empty()) expect_symbol(",");
      if (at_symbol("}")) break;
      add(*mapping, parse_expression());
      expect_symbol(":");
      add(*mapping, parse_expression());
    }
    next();
    return mapping;
  }

  ExpressionPtr parse_postfix(ExpressionPtr node) {
    while (true) {
      if (at_symbol(".")) {
        node = parse_attribute(std::move(node));
      } else if (at_symbol("[")) {
        node = parse_subscript(std::move(node));
      } else if (at_symbol("(")) {
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_attribute(ExpressionPtr node) {
    next();
    if (current().kind == Token::Kind::integer) {
      ExpressionPtr item = wrap(Kind::item, std::move(node));
      add(*item, parse_number());
      return item;
    }
    ExpressionPtr attribute = wrap(Kind::attribute, std::move(node));
    attribute->line = current().line;
    attribute->name = any_name();
    return attribute;
  }

  ExpressionPtr parse_subscript(ExpressionPtr node) {
    const int line = next().line;
    ExpressionPtr first = at_symbol(":") ? nullptr : parse_expression();
    if (first && skip_symbol("]")) {
      ExpressionPtr item = wrap(Kind::item, std::move(node));
      item->line = line;
      add(*item, std::move(first));
      return item;
    }
    ExpressionPtr slice = wrap(Kind::slice, std::move(node));
    slice->line = line;
    add(*slice, std::move(first));
    expect_symbol(":");
    add(*slice, at_symbol(":") || at_symbol("]") ? nullptr : parse_expression());
    const bool stepped = skip_symbol(":");
    add(*slice, stepped && !at_symbol("]") ? parse_expression() : nullptr);
    expect_symbol("]");
    return slice;
  }

  ExpressionPtr parse_call(ExpressionPtr node) {
    ExpressionPtr call = wrap(Kind::call, std::move(node));
    call->line = current().line;
    parse_arguments(*call);
    return call;
  }

  void parse_arguments(Expression& call) {
    expect_symbol("(");
    for (bool first = true; !at_symbol(")"); first = false) {
      if (!first) expect_symbol(",");
      if (at_symbol(")")) break;
      if (at_symbol("*") || at_symbol("**")) unsupported("a call with '*' or '**'", current().line);
      if (current().kind == Token::Kind::name && look().kind == Token::Kind::symbol && look().text == "=") {
        std::string name = next().text;
        next();
        ExpressionPtr value = parse_expression();
        grow(call, *value);
        call.keywords.emplace_back(std::move(name), std::move(value));
      } else {
        if (!call.keywords.empty()) complain("an argument without a name follows a named one", current().line);
        add(call, parse_expression());
      }
    }
    next();
  }

  // `|` filters, `is` tests and calls, as they come.
  ExpressionPtr parse_filter_chain(ExpressionPtr node) {
    while (true) {
      if (at_symbol("|")) {
        node = parse_filters(std::move(node));
      } else if (at_name("is")) {
        node = parse_test(std::move(node));
      } else if (at_symbol("(")) {
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_filters(ExpressionPtr node) {
    while (skip_symbol("|")) node = parse_one_filter(std::move(node));
    return node;
  }

  ExpressionPtr parse_one_filter(ExpressionPtr node) {
    ExpressionPtr filter = make(Kind::filter, current().line);
    filter->name = any_name();
    if (!is_filter(filter->name)) unsupported("the filter '" + clipped(filter->name, 40) + "'", filter->line);
    add(*filter, std::move(node));
    if (at_symbol("(")) parse_arguments(*filter);
    return filter;
  }

  ExpressionPtr parse_test(ExpressionPtr node) {
    const int line = next().line;
    const bool negated = skip_name("not");
    ExpressionPtr test = make(Kind::test, line);
    test->name = any_name();
    if (!is_test(test->name)) unsupported("the test '" + clipped(test->name, 40) + "'", line);
    add(*test, std::move(node));
    if (at_symbol("(")) {
      parse_arguments(*test);
    } else if (starts_bare_argument()) {
      add(*test, parse_postfix(parse_primary()));
    }
    return negated ? wrap(Kind::negation, std::move(test)) : std::move(test);
  }

  // `x is divisibleby 3` needs no brackets.
  bool starts_bare_argument() const {
    switch (current().kind) {
      case Token::Kind::string:
      case Token::Kind::integer:
      case Token::Kind::real:
        return true;
      case Token::Kind::symbol:
        return at_symbol("[") || at_symbol("{");
      case Token::Kind::name:
        if (at_name("is")) complain("tests with 'is' cannot be chained", current().line);
        return !at_name("else") && !at_name("or") && !at_name("and") && !at_name("if") && !at_name("not") &&
               !at_name("in");
      default:
        return false;
    }
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int body_depth_ = 0;
  int expression_depth_ = 0;
  int inner_depth_ = 0;  // blocks around here that have variables of their own
  int loop_depth_ = 0;   // loops around here that `break` could leave
};

}  // namespace

Body parse(std::string_view source) { return Parser(tokenize(source)).run(); }

}  // namespace hone::text::jinja
