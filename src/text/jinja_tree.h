// The parsed form of a chat template.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/jinja_value.h"

namespace hone::text::jinja {

struct Expression {
  enum class Kind : unsigned char {
    constant,
    name,
    list,
    tuple,
    mapping,    // parts: key, value, key, value, ...
    attribute,  // parts[0].name
    item,       // parts[0][parts[1]]
    slice,      // parts[0][parts[1]:parts[2]:parts[3]], each of the last three may be null
    call,       // parts[0](parts[1], ..., keywords)
    filter,     // parts[0] | name(parts[1], ..., keywords); parts[0] is null in a filter block
    test,       // parts[0] is name(parts[1], ...)
    negation,
    minus,
    plus,
    arithmetic,  // parts[0] name parts[1]: + - * / // % **
    concatenation,
    comparison,  // parts[0] operators[0] parts[1] operators[1] parts[2] ...
    conjunction,
    disjunction,
    condition,  // parts[1] if parts[0] else parts[2]; parts[2] may be null
  };
  Kind kind = Kind::constant;
  int line = 0;
  int depth = 1;  // expressions nested inside, this one included
  std::string name;
  Value constant;
  std::vector<std::unique_ptr<Expression>> parts;
  std::vector<std::pair<std::string, std::unique_ptr<Expression>>> keywords;
  std::vector<std::string> operators;
};
using ExpressionPtr = std::unique_ptr<Expression>;

// What `set` and `for` assign to: one name, several names to unpack into, or a namespace's attribute.
struct Target {
  std::vector<std::string> names;
  std::string attribute;  // not empty: names[0] is the namespace
  bool unpacks = false;   // several names, or one in a tuple
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct Statement {
  enum class Kind : unsigned char {
    text,          // name
    output,        // expressions[0]
    condition,     // expressions[i] guards bodies[i]; a further body is the else branch
    loop,          // for target in expressions[0] if expressions[1] (may be null): bodies[0], else bodies[1]
    set,           // target = expressions[0]
    set_block,     // target = bodies[0], through the filters of expressions[0] (may be null)
    filter_block,  // bodies[0] through expressions[0]
    macro,         // name(parameters; expressions[i] is the default of parameters[i] or null): bodies[0]
    scope,         // with: parameters[i] = expressions[i] inside bodies[0]
    leave_loop,
    next_round,
  };
  Kind kind = Kind::text;
  int line = 0;
  std::string name;
  Target target;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> expressions;
  std::vector<Body> bodies;
};

// Throws Failure (bad_input or unsupported) naming the construct and its line.
Body parse(std::string_view source);

// Names known to the interpreter; the parser refuses others.
bool is_filter(std::string_view name);
bool is_test(std::string_view name);

}  // namespace hone::text::jinja
