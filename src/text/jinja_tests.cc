// `is` tests.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "text/jinja_functions.h"
#include "text/jinja_text.h"
#include "text/jinja_tree.h"

namespace hone::text::jinja {
namespace {

using Test = bool (*)(const Value& value, const Arguments& arguments, Budget& budget);

const Value& other(const Arguments& arguments) {
  arguments.allow({"other"});
  return arguments.need(0, "other");
}

std::int64_t whole(const Value& value, const Arguments& arguments) {
  if (const auto* number = value.get<std::int64_t>()) return *number;
  fail(ErrorCode::bad_input, "{} needs a whole number, not {}", arguments.owner, describe(value));
}

bool divisible(const Value& value, const Arguments& arguments, Budget&) {
  const std::int64_t by = whole(other(arguments), arguments);
  if (by == 0) fail(ErrorCode::bad_input, "{}: division by zero", arguments.owner);
  return by == -1 || whole(value, arguments) % by == 0;
}

bool same(const Value& value, const Arguments& arguments, Budget&) {
  const Value& with = other(arguments);
  return value.storage().index() == with.storage().index() && equal(value, with);
}

template <Case to>
bool is_case(const Value& value, const Arguments&, Budget& budget) {
  const MarkedText text = text_within(budget, value);
  budget.made(2 * text.size());
  const std::string changed = with_case(text, to).text();
  const std::string opposite = with_case(text, to == Case::upper ? Case::lower : Case::upper).text();
  return changed == text.text() && opposite != text.text();
}

struct NamedTest {
  std::string_view name;
  Test test;
};

bool equals(const Value& value, const Arguments& arguments, Budget&) { return equal(value, other(arguments)); }
bool differs(const Value& value, const Arguments& arguments, Budget&) { return !equal(value, other(arguments)); }
bool is_less(const Value& value, const Arguments& arguments, Budget&) { return less(value, other(arguments)); }
bool is_greater(const Value& value, const Arguments& arguments, Budget&) { return less(other(arguments), value); }
bool at_most(const Value& value, const Arguments& arguments, Budget&) { return !less(other(arguments), value); }
bool at_least(const Value& value, const Arguments& arguments, Budget&) { return !less(value, other(arguments)); }

bool can_be_gone_through(const Value& value, const Arguments&, Budget&) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr || value.mapping() != nullptr ||
         value.is<std::shared_ptr<const Loop>>();
}

constexpr NamedTest tests[] = {
    {"defined", [](const Value& value, const Arguments&, Budget&) { return !value.is_undefined(); }},
    {"undefined", [](const Value& value, const Arguments&, Budget&) { return value.is_undefined(); }},
    {"none", [](const Value& value, const Arguments&, Budget&) { return value.is<None>(); }},
    {"boolean", [](const Value& value, const Arguments&, Budget&) { return value.is<bool>(); }},
    {"true", [](const Value& value, const Arguments&, Budget&) { return value.is<bool>() && truth(value); }},
    {"false", [](const Value& value, const Arguments&, Budget&) { return value.is<bool>() && !truth(value); }},
    {"integer", [](const Value& value, const Arguments&, Budget&) { return value.is<std::int64_t>(); }},
    {"float", [](const Value& value, const Arguments&, Budget&) { return value.is<double>(); }},
    {"number", [](const Value& value, const Arguments&, Budget&) { return value.is_number(); }},
    {"string", [](const Value& value, const Arguments&, Budget&) { return value.text() != nullptr; }},
    {"mapping", [](const Value& value, const Arguments&, Budget&) { return value.mapping() != nullptr; }},
    {"sequence", can_be_gone_through},
    {"iterable", can_be_gone_through},
    {"callable", [](const Value& value, const Arguments&, Budget&) { return value.is<Callable>(); }},
    {"equalto", equals},
    {"eq", equals},
    {"ne", differs},
    {"lt", is_less},
    {"lessthan", is_less},
    {"gt", is_greater},
    {"greaterthan", is_greater},
    {"le", at_most},
    {"ge", at_least},
    {"sameas", same},
    {"in", [](const Value& value, const Arguments& arguments,
              Budget& budget) { return contains(other(arguments), value, budget); }},
    {"odd", [](const Value& value, const Arguments& arguments, Budget&) { return whole(value, arguments) % 2 != 0; }},
    {"even", [](const Value& value, const Arguments& arguments, Budget&) { return whole(value, arguments) % 2 == 0; }},
    {"divisibleby", divisible},
    {"lower", is_case<Case::lower>},
    {"upper", is_case<Case::upper>},
};

const NamedTest* test_named(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(tests), std::end(tests), [&](const NamedTest& one) { return one.name == name; });
  return found == std::end(tests) ? nullptr : found;
}

}  // namespace

bool is_test(std::string_view name) { return test_named(name) != nullptr; }

bool apply_test(std::string_view name, const Value& value, const Arguments& arguments, Budget& budget) {
  const NamedTest* test = test_named(name);
  if (test == nullptr) fail(ErrorCode::unsupported, "the test '{}' is not supported", name);
  if (!arguments.positional.empty()) {
    const Value& other = arguments.positional[0];
    budget.step(value.weight() + other.weight());
    budget.step(comparison_cost(value, other));
  }
  return test->test(value, arguments, budget);
}

}  // namespace hone::text::jinja
