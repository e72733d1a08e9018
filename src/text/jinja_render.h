// Runs a parsed chat template over its variables. Bounded in steps, depth and bytes.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_functions.h"
#include "text/jinja_tree.h"

namespace hone::text::jinja {

class Renderer {
 public:
  // `today` is "YYYY-MM-DD"; `outside_bytes` the size of what the caller defines. Names passed to define() and the
  // template must outlive this object.
  Renderer(std::string today, std::size_t outside_bytes);
  void define(std::string_view name, Value value);
  // Throws Failure with the line.
  MarkedText run(const Body& body);

 private:
  struct Scope {
    std::size_t parent = 0;
    std::vector<std::pair<std::string_view, Value>> names;
  };
  enum class Flow : unsigned char { on, leave_loop, next_round };
  class ScopeGuard;
  class DepthGuard;

  // Statements.
  Flow execute(const Body& body);
  Flow execute(const Statement& statement);
  Flow execute_condition(const Statement& statement);
  Flow execute_loop(const Statement& statement);
  Flow execute_scope(const Statement& statement);
  std::vector<Value> loop_items(const Statement& statement);
  MarkedText captured(const Body& body);
  void write(const MarkedText& text);
  void assign(const Target& target, Value value);
  void set(std::string_view name, Value value);
  Value filtered_block(const Expression* filter, Value text);

  // Expressions.
  Value evaluate(const Expression& expression);
  Value evaluate_name(std::string_view name);
  Value evaluate_items(const Expression& expression);
  Value evaluate_mapping(const Expression& expression);
  Value evaluate_slice(const Expression& expression);
  Value evaluate_filter(const Expression& expression, Value input);
  Value evaluate_test(const Expression& expression);
  Value evaluate_arithmetic(const Expression& expression);
  Value evaluate_signed(const Expression& expression);
  Value evaluate_concatenation(const Expression& expression);
  Value evaluate_comparison(const Expression& expression);
  Value evaluate_condition(const Expression& expression);
  Value evaluate_call(const Expression& expression);
  bool compare(std::string_view sign, const Value& left, const Value& right);
  Arguments arguments_of(const Expression& expression, std::string owner);
  Value call_macro(const Statement& macro, const Arguments& arguments);
  Value call_global(std::string_view name, const Arguments& arguments);
  Value make_namespace(const Arguments& arguments);
  Value range(const Arguments& arguments);
  Value date_text(const Arguments& arguments) const;

  std::string today_;
  Budget budget_;
  std::vector<Scope> scopes_;
  std::deque<Namespace> namespaces_;
  MarkedText* out_ = nullptr;
  int depth_ = 0;
  int line_ = 0;
};

}  // namespace hone::text::jinja
