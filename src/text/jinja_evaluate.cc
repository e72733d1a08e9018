// Expressions of a chat template.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/terminal.h"
#include "text/jinja_guards.h"
#include "text/jinja_render.h"
#include "text/jinja_text.h"

namespace hone::text::jinja {
namespace {

using Kind = Expression::Kind;

// Jinja's sandbox allows ranges of this length.
constexpr std::int64_t longest_range = 100'000;
constexpr std::string_view globals[] = {"range", "namespace", "raise_exception", "strftime_now", "dict"};

Value number(double value) { return Value(Value::Storage(value)); }
Value whole(std::int64_t value) { return Value(Value::Storage(value)); }

double as_double(const Value& value) {
  if (const auto* flag = value.get<bool>()) return *flag ? 1 : 0;
  if (const auto* integer = value.get<std::int64_t>()) return static_cast<double>(*integer);
  return *value.get<double>();
}

std::int64_t as_whole(const Value& value) {
  const auto* flag = value.get<bool>();
  return flag != nullptr ? (*flag ? 1 : 0) : *value.get<std::int64_t>();
}

[[noreturn]] void overflow() { fail(ErrorCode::unsupported, "a whole number grows beyond 64 bits"); }

std::int64_t floor_divided(std::int64_t a, std::int64_t b) {
  if (a == INT64_MIN && b == -1) overflow();
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) overflow();
    if (result == 0 || (result == 1 && base == 1)) return result;
    if (base == -1) return exponent % 2 == 0 ? -result : result;
  }
  return result;
}

Value whole_arithmetic(std::string_view sign, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (sign == "+") return __builtin_add_overflow(a, b, &result) ? (overflow(), Value()) : whole(result);
  if (sign == "-") return __builtin_sub_overflow(a, b, &result) ? (overflow(), Value()) : whole(result);
  if (sign == "*") return __builtin_mul_overflow(a, b, &result) ? (overflow(), Value()) : whole(result);
  if (sign == "**")
    return b < 0 ? number(std::pow(static_cast<double>(a), static_cast<double>(b))) : whole(power(a, b));
  if (b == 0) fail(ErrorCode::bad_input, "division by zero");
  if (sign == "/") return number(static_cast<double>(a) / static_cast<double>(b));
  if (sign == "//") return whole(floor_divided(a, b));
  return whole(b == -1 ? 0 : a - floor_divided(a, b) * b);
}

Value real_arithmetic(std::string_view sign, double a, double b) {
  if (sign == "+") return number(a + b);
  if (sign == "-") return number(a - b);
  if (sign == "*") return number(a * b);
  if (sign == "**") return number(std::pow(a, b));
  if (b == 0) fail(ErrorCode::bad_input, "division by zero");
  if (sign == "/") return number(a / b);
  if (sign == "//") return number(std::floor(a / b));
  return number(a - std::floor(a / b) * b);
}

Value repeated(const Value& value, std::int64_t times, Budget& budget) {
  const std::size_t count = times < 0 ? 0 : static_cast<std::size_t>(times);
  if (count > std::size_t{1} << 32) fail(ErrorCode::bad_input, "a repetition of {} times is too long", count);
  if (value.text() != nullptr) {
    budget.made(count * value.text()->size());
    budget.step(value.text()->size() == 0 ? 0 : count);
    MarkedText out;
    for (std::size_t i = 0; i < count && value.text()->size() > 0; ++i) out.append(*value.text());
    return Value(std::move(out));
  }
  const auto& items = value.sequence()->items;
  budget.values(count * items.size());
  std::vector<Value> out;
  for (std::size_t i = 0; i < count && !items.empty(); ++i) out.insert(out.end(), items.begin(), items.end());
  return Value::sequence(std::move(out), value.sequence()->kind);
}

Value joined(const Value& a, const Value& b, Budget& budget) {
  if (a.text() != nullptr) {
    budget.made(a.text()->size() + b.text()->size());
    MarkedText out = *a.text();
    out.append(*b.text());
    return Value(std::move(out));
  }
  budget.values(a.sequence()->items.size() + b.sequence()->items.size());
  std::vector<Value> items = a.sequence()->items;
  items.insert(items.end(), b.sequence()->items.begin(), b.sequence()->items.end());
  return Value::sequence(std::move(items), a.sequence()->kind);
}

bool can_join(const Value& a, const Value& b) {
  if (a.text() != nullptr && b.text() != nullptr) return true;
  return a.sequence() != nullptr && b.sequence() != nullptr && a.sequence()->kind == b.sequence()->kind;
}

bool can_repeat(const Value& value, const Value& times) {
  return (value.text() != nullptr || value.sequence() != nullptr) && times.is_number() && !times.is<double>();
}

}  // namespace

Value Renderer::evaluate(const Expression& expression) {
  const DepthGuard depth(*this);
  budget_.step();
  line_ = expression.line;
  switch (expression.kind) {
    case Kind::constant:
      return expression.constant;
    case Kind::name:
      return evaluate_name(expression.name);
    case Kind::list:
    case Kind::tuple:
      return evaluate_items(expression);
    case Kind::mapping:
      return evaluate_mapping(expression);
    case Kind::attribute: {
      const Value object = evaluate(*expression.parts[0]);
      budget_.look_up(keys_in(object));
      return attribute_of(object, expression.name);
    }
    case Kind::item: {
      const Value object = evaluate(*expression.parts[0]);
      const Value key = evaluate(*expression.parts[1]);
      budget_.step(object.text() != nullptr ? object.weight() : 1);
      budget_.index(object.bytes().size());
      budget_.look_up(keys_in(object));
      return item_of(object, key);
    }
    case Kind::slice:
      return evaluate_slice(expression);
    case Kind::call:
      return evaluate_call(expression);
    case Kind::filter:
      return evaluate_filter(expression, evaluate(*expression.parts[0]));
    case Kind::test:
      return evaluate_test(expression);
    case Kind::negation:
      return Value(Value::Storage(!truth(evaluate(*expression.parts[0]))));
    case Kind::minus:
    case Kind::plus:
      return evaluate_signed(expression);
    case Kind::arithmetic:
      return evaluate_arithmetic(expression);
    case Kind::concatenation:
      return evaluate_concatenation(expression);
    case Kind::comparison:
      return evaluate_comparison(expression);
    case Kind::conjunction:
    case Kind::disjunction: {
      Value left = evaluate(*expression.parts[0]);
      if (truth(left) == (expression.kind == Kind::disjunction)) return left;
      return evaluate(*expression.parts[1]);
    }
    case Kind::condition:
      return evaluate_condition(expression);
  }
  return {};
}

Value Renderer::evaluate_name(std::string_view name) {
  std::size_t at = scopes_.size() - 1;
  while (true) {
    const auto& names = scopes_[at].names;
    budget_.look_up(names.size());
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == name; });
    if (found != names.end()) return found->second;
    if (at == 0) break;
    at = scopes_[at].parent;
  }
  if (std::find(std::begin(globals), std::end(globals), name) != std::end(globals)) {
    return Value(Value::Storage(Callable{Callable::Kind::global, std::string(name), nullptr, nullptr}));
  }
  return Value(Value::Storage(Undefined{std::string(name)}));
}

Value Renderer::evaluate_items(const Expression& expression) {
  std::vector<Value> items;
  for (const ExpressionPtr& part : expression.parts) items.push_back(evaluate(*part));
  return Value::sequence(std::move(items), expression.kind == Kind::list ? SequenceKind::list : SequenceKind::tuple);
}

Value Renderer::evaluate_mapping(const Expression& expression) {
  std::vector<std::pair<Value, Value>> items;
  for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    Value key = evaluate(*expression.parts[i]);
    Value item = evaluate(*expression.parts[i + 1]);
    budget_.look_up(items.size());
    const auto known = std::find_if(items.begin(), items.end(), [&](const auto& one) { return equal(one.first, key); });
    if (known != items.end()) {
      known->second = std::move(item);
    } else {
      items.emplace_back(std::move(key), std::move(item));
    }
  }
  return Value::mapping(std::move(items));
}

Value Renderer::evaluate_slice(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  Arguments bounds{"a slice", {}, {}};
  for (std::size_t i = 1; i < 4; ++i) {
    bounds.positional.push_back(expression.parts[i] ? evaluate(*expression.parts[i]) : Value(Value::Storage(None{})));
  }
  const Slice range{bounds.whole(0, "start"), bounds.whole(1, "stop"), bounds.whole(2, "step").value_or(1)};
  if (range.step == 0) fail(ErrorCode::bad_input, "a slice's step is 0");
  if (object.text() != nullptr) {
    budget_.index(2 * object.text()->size());
    if (range.step != 1) budget_.step(object.text()->size());
    return Value(slice(*object.text(), range));
  }
  if (object.sequence() == nullptr) fail(ErrorCode::bad_input, "{} cannot be sliced", describe(object));
  budget_.values(object.sequence()->items.size());
  std::vector<Value> items;
  for (const std::size_t at : range.positions(object.sequence()->items.size())) {
    items.push_back(object.sequence()->items[at]);
  }
  return Value::sequence(std::move(items), object.sequence()->kind);
}

Arguments Renderer::arguments_of(const Expression& expression, std::string owner) {
  Arguments arguments{std::move(owner), {}, {}};
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    arguments.positional.push_back(evaluate(*expression.parts[i]));
  }
  for (const auto& [name, part] : expression.keywords) arguments.keywords.emplace_back(name, evaluate(*part));
  line_ = expression.line;
  return arguments;
}

Value Renderer::evaluate_filter(const Expression& expression, Value input) {
  const Arguments arguments = arguments_of(expression, "the filter '" + expression.name + "'");
  return apply_filter(expression.name, input, arguments, budget_);
}

Value Renderer::evaluate_test(const Expression& expression) {
  const Value value = evaluate(*expression.parts[0]);
  const Arguments arguments = arguments_of(expression, "the test '" + expression.name + "'");
  return Value(Value::Storage(apply_test(expression.name, value, arguments, budget_)));
}

Value Renderer::evaluate_arithmetic(const Expression& expression) {
  const Value left = evaluate(*expression.parts[0]);
  const Value right = evaluate(*expression.parts[1]);
  const std::string& sign = expression.name;
  line_ = expression.line;
  if (left.is_number() && right.is_number()) {
    if (left.is<double>() || right.is<double>()) return real_arithmetic(sign, as_double(left), as_double(right));
    return whole_arithmetic(sign, as_whole(left), as_whole(right));
  }
  if (sign == "+" && can_join(left, right)) return joined(left, right, budget_);
  if (sign == "*" && can_repeat(left, right)) return repeated(left, as_whole(right), budget_);
  if (sign == "*" && can_repeat(right, left)) return repeated(right, as_whole(left), budget_);
  if (sign == "%" && left.text() != nullptr) fail(ErrorCode::unsupported, "formatting with '%' is not supported");
  fail(ErrorCode::bad_input, "'{}' does not work between {} and {}", sign, describe(left), describe(right));
}

Value Renderer::evaluate_signed(const Expression& expression) {
  const Value value = evaluate(*expression.parts[0]);
  if (!value.is_number()) fail(ErrorCode::bad_input, "a sign stands before {}", describe(value));
  const bool minus = expression.kind == Kind::minus;
  if (value.is<double>()) return number(minus ? -as_double(value) : as_double(value));
  return whole_arithmetic(minus ? "-" : "+", 0, as_whole(value));
}

Value Renderer::evaluate_concatenation(const Expression& expression) {
  MarkedText out;
  for (const ExpressionPtr& part : expression.parts) {
    const Value value = evaluate(*part);
    const MarkedText text = text_within(budget_, value);
    budget_.made(text.size());
    out.append(text);
  }
  return Value(std::move(out));
}

bool Renderer::compare(std::string_view sign, const Value& left, const Value& right) {
  if (sign == "in" || sign == "not in") return contains(right, left, budget_) == (sign == "in");
  budget_.step(std::min(left.weight(), right.weight()));
  budget_.step(comparison_cost(left, right));
  if (sign == "==") return equal(left, right);
  if (sign == "!=") return !equal(left, right);
  if (sign == "<") return less(left, right);
  if (sign == ">") return less(right, left);
  if (sign == "<=") return !less(right, left);
  return !less(left, right);
}

Value Renderer::evaluate_comparison(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1]);
    line_ = expression.line;
    if (!compare(expression.operators[i], left, right)) return Value(Value::Storage(false));
    left = std::move(right);
  }
  return Value(Value::Storage(true));
}

Value Renderer::evaluate_condition(const Expression& expression) {
  if (truth(evaluate(*expression.parts[0]))) return evaluate(*expression.parts[1]);
  return expression.parts[2] ? evaluate(*expression.parts[2]) : Value(Value::Storage(Undefined{"else"}));
}

Value Renderer::evaluate_call(const Expression& expression) {
  const Value callee = evaluate(*expression.parts[0]);
  const Callable* callable = callee.get<Callable>();
  if (callable == nullptr) fail(ErrorCode::bad_input, "{} cannot be called", describe(callee));
  const Arguments arguments = arguments_of(expression, "'" + callable->name + "'");
  switch (callable->kind) {
    case Callable::Kind::macro:
      return call_macro(*callable->macro, arguments);
    case Callable::Kind::method:
      return call_method(*callable->object, callable->name, arguments, budget_);
    case Callable::Kind::global:
      break;
  }
  return call_global(callable->name, arguments);
}

Value Renderer::call_macro(const Statement& macro, const Arguments& arguments) {
  if (arguments.positional.size() > macro.parameters.size()) {
    fail(ErrorCode::bad_input, "the macro '{}' takes {} arguments, not {}", macro.name, macro.parameters.size(),
         arguments.positional.size());
  }
  for (const auto& keyword : arguments.keywords) {
    if (std::find(macro.parameters.begin(), macro.parameters.end(), keyword.first) == macro.parameters.end()) {
      fail(ErrorCode::bad_input, "the macro '{}' has no argument '{}'", macro.name, keyword.first);
    }
  }
  // Macros stand at the top level, so they see the outermost variables and their own.
  const ScopeGuard scope(*this, 0);
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const std::string& name = macro.parameters[i];
    if (const Value* given = arguments.find(i, name)) {
      set(name, *given);
    } else if (macro.expressions[i]) {
      set(name, evaluate(*macro.expressions[i]));
    } else {
      set(name, Value(Value::Storage(Undefined{name})));
    }
  }
  return Value(captured(macro.bodies[0]));
}

Value Renderer::call_global(std::string_view name, const Arguments& arguments) {
  if (name == "range") return range(arguments);
  if (name == "namespace") return make_namespace(arguments);
  if (name == "strftime_now") return date_text(arguments);
  if (name == "dict") {
    std::vector<std::pair<Value, Value>> items;
    if (!arguments.positional.empty()) fail(ErrorCode::unsupported, "dict() of a value is not supported");
    for (const auto& [key, value] : arguments.keywords) items.emplace_back(Value::literal(key), value);
    return Value::mapping(std::move(items));
  }
  arguments.allow({"message"});
  fail(ErrorCode::bad_input, "the template refuses this conversation: {}",
       printable(text_within(budget_, arguments.need(0, "message")).text()));
}

Value Renderer::make_namespace(const Arguments& arguments) {
  budget_.step(16);
  Namespace& space = namespaces_.emplace_back();
  for (const Value& given : arguments.positional) {
    if (given.mapping() == nullptr) fail(ErrorCode::bad_input, "namespace() of {}", describe(given));
    for (const auto& [key, value] : given.mapping()->items) space.items.emplace_back(std::string(key.bytes()), value);
  }
  for (const auto& [key, value] : arguments.keywords) space.items.emplace_back(key, value);
  return Value(Value::Storage(&space));
}

Value Renderer::range(const Arguments& arguments) {
  arguments.allow({"start", "stop", "step"});
  const auto bound = [&](std::size_t at) {
    const auto given = arguments.whole(at, "stop");
    if (!given) fail(ErrorCode::bad_input, "range() needs whole numbers");
    return *given;
  };
  const bool one = arguments.positional.size() == 1;
  const std::int64_t start = one ? 0 : bound(0);
  const std::int64_t stop = bound(one ? 0 : 1);
  const std::int64_t step = arguments.whole(2, "step").value_or(1);
  if (step == 0) fail(ErrorCode::bad_input, "range() with a step of 0");
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) >= longest_range) {
      fail(ErrorCode::bad_input, "range() of more than {} numbers", longest_range);
    }
    items.push_back(whole(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  budget_.values(items.size());
  return Value::sequence(std::move(items));
}

Value Renderer::date_text(const Arguments& arguments) const {
  arguments.allow({"format"});
  const std::string format(arguments.bytes(0, "format").value_or(""));
  std::tm date{};
  if (std::sscanf(today_.c_str(), "%4d-%2d-%2d", &date.tm_year, &date.tm_mon, &date.tm_mday) != 3) {
    fail(ErrorCode::bad_input, "the template prints today's date, and none was given (got '{}', expected YYYY-MM-DD)",
         printable(today_));
  }
  date.tm_year -= 1900;
  date.tm_mon -= 1;
  date.tm_isdst = 0;
  // Fills in the day of the week and of the year.
  if (timegm(&date) == -1 || format.size() > 100) {
    fail(ErrorCode::bad_input, "the date '{}' or its format cannot be used", printable(today_));
  }
  char text[1024];
  const std::size_t length = std::strftime(text, sizeof text, format.c_str(), &date);
  return Value::literal(std::string_view(text, length));
}

}  // namespace hone::text::jinja
