// Statements, scopes and output; expressions stand in jinja_evaluate.cc.
#include "text/jinja_render.h"

#include <algorithm>

#include "base/terminal.h"
#include "text/jinja_guards.h"

namespace hone::text::jinja {

using Kind = Statement::Kind;

Renderer::Renderer(std::string today, std::size_t outside_bytes)
    : today_(std::move(today)), budget_(outside_bytes), scopes_(1) {}

void Renderer::define(std::string_view name, Value value) { set(name, std::move(value)); }

MarkedText Renderer::run(const Body& body) {
  MarkedText out;
  out_ = &out;
  try {
    execute(body);
  } catch (const Failure& failure) {
    throw Failure(failure.code(), fmt::format("chat template, line {}: {}", line_, failure.what()));
  }
  return out;
}

void Renderer::write(const MarkedText& text) {
  budget_.made(text.size());
  out_->append(text);
  if (out_->size() > budget_.most_output()) {
    fail(ErrorCode::bad_input, "the rendered text grows beyond {} bytes", budget_.most_output());
  }
}

void Renderer::set(std::string_view name, Value value) {
  auto& names = scopes_.back().names;
  budget_.look_up(names.size());
  const auto known = std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == name; });
  if (known != names.end()) {
    known->second = std::move(value);
  } else {
    names.emplace_back(name, std::move(value));
  }
}

void Renderer::assign(const Target& target, Value value) {
  if (!target.attribute.empty()) {
    const Value space = evaluate_name(target.names[0]);
    if (!space.is<Namespace*>()) {
      fail(ErrorCode::bad_input, "'{}' is {}; only a namespace's attributes can be set", target.names[0],
           describe(space));
    }
    auto& items = (*space.get<Namespace*>())->items;
    budget_.look_up(items.size());
    const auto known =
        std::find_if(items.begin(), items.end(), [&](const auto& one) { return one.first == target.attribute; });
    if (known != items.end()) {
      known->second = std::move(value);
    } else {
      items.emplace_back(target.attribute, std::move(value));
    }
    return;
  }
  if (!target.unpacks) {
    set(target.names[0], std::move(value));
    return;
  }
  std::vector<Value> items = items_of(value, budget_);
  if (items.size() != target.names.size()) {
    fail(ErrorCode::bad_input, "{} values cannot be unpacked into {} names", items.size(), target.names.size());
  }
  for (std::size_t i = 0; i < items.size(); ++i) set(target.names[i], std::move(items[i]));
}

MarkedText Renderer::captured(const Body& body) {
  MarkedText inside;
  MarkedText* outside = std::exchange(out_, &inside);
  // A failure ends the whole rendering, so out_ need not be put back then.
  execute(body);
  out_ = outside;
  return inside;
}

Renderer::Flow Renderer::execute(const Body& body) {
  for (const auto& statement : body) {
    const Flow flow = execute(*statement);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Renderer::Flow Renderer::execute(const Statement& statement) {
  const DepthGuard depth(*this);
  budget_.step();
  line_ = statement.line;
  switch (statement.kind) {
    case Kind::text:
      write(MarkedText(statement.name, Origin::from_template));
      return Flow::on;
    case Kind::output:
      write(text_within(budget_, evaluate(*statement.expressions[0])));
      return Flow::on;
    case Kind::condition:
      return execute_condition(statement);
    case Kind::loop:
      return execute_loop(statement);
    case Kind::set:
      assign(statement.target, evaluate(*statement.expressions[0]));
      return Flow::on;
    case Kind::set_block:
    case Kind::filter_block: {
      Value inside;
      {
        const ScopeGuard scope(*this, scopes_.size() - 1);
        inside = Value(captured(statement.bodies[0]));
      }
      inside = filtered_block(statement.expressions[0].get(), std::move(inside));
      if (statement.kind == Kind::set_block) {
        assign(statement.target, std::move(inside));
      } else {
        write(text_within(budget_, inside));
      }
      return Flow::on;
    }
    case Kind::macro:
      set(statement.name, Value(Value::Storage(Callable{Callable::Kind::macro, statement.name, &statement, nullptr})));
      return Flow::on;
    case Kind::scope:
      return execute_scope(statement);
    case Kind::leave_loop:
      return Flow::leave_loop;
    case Kind::next_round:
      return Flow::next_round;
  }
  return Flow::on;
}

Renderer::Flow Renderer::execute_condition(const Statement& statement) {
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    if (truth(evaluate(*statement.expressions[i]))) return execute(statement.bodies[i]);
  }
  if (statement.bodies.size() > statement.expressions.size()) return execute(statement.bodies.back());
  return Flow::on;
}

Renderer::Flow Renderer::execute_scope(const Statement& statement) {
  std::vector<Value> values;
  for (const ExpressionPtr& expression : statement.expressions) values.push_back(evaluate(*expression));
  const ScopeGuard scope(*this, scopes_.size() - 1);
  for (std::size_t i = 0; i < values.size(); ++i) set(statement.parameters[i], std::move(values[i]));
  return execute(statement.bodies[0]);
}

// What a loop goes through, after its own `if`.
std::vector<Value> Renderer::loop_items(const Statement& statement) {
  std::vector<Value> items = items_of(evaluate(*statement.expressions[0]), budget_);
  if (!statement.expressions[1]) return items;
  std::vector<Value> kept;
  const ScopeGuard scope(*this, scopes_.size() - 1);
  for (Value& item : items) {
    assign(statement.target, item);
    if (truth(evaluate(*statement.expressions[1]))) kept.push_back(std::move(item));
  }
  return kept;
}

Renderer::Flow Renderer::execute_loop(const Statement& statement) {
  std::vector<Value> items = loop_items(statement);
  if (items.empty()) {
    const ScopeGuard scope(*this, scopes_.size() - 1);
    return execute(statement.bodies[1]);
  }
  const Value all = Value::sequence(std::move(items));
  const auto loop = std::make_shared<Loop>();
  loop->items = *all.get<std::shared_ptr<const Sequence>>();
  const ScopeGuard scope(*this, scopes_.size() - 1);
  for (; loop->index < loop->items->items.size(); ++loop->index) {
    budget_.step();
    // Each round starts with the variables from outside only.
    scopes_.back().names.clear();
    set("loop", Value(Value::Storage(std::shared_ptr<const Loop>(loop))));
    assign(statement.target, loop->items->items[loop->index]);
    if (execute(statement.bodies[0]) == Flow::leave_loop) break;
  }
  return Flow::on;
}

Value Renderer::filtered_block(const Expression* filter, Value text) {
  if (filter == nullptr) return text;
  const Expression* inner = filter->parts[0].get();
  return evaluate_filter(*filter, filtered_block(inner, std::move(text)));
}

}  // namespace hone::text::jinja
