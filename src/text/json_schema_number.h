// Sets of JSON numbers by range, wholeness and multiples, and the texts that spell them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/regex_automaton.h"

namespace hone::text {

// 2^53: above, doubles don't tell all whole numbers apart.
inline constexpr double exact_doubles = 9007199254740992.0;

// An exact decimal number: digits without leading zeros before the point, without trailing ones behind it.
struct Decimal {
  bool negative = false;
  std::string whole;     // "" is zero
  std::string fraction;  // "" is none

  bool operator==(const Decimal&) const = default;
  bool is_zero() const { return whole.empty() && fraction.empty(); }
  bool is_whole() const { return fraction.empty(); }
  Decimal opposite() const;
  std::string text() const;
  double value() const;
};
// Of a JSON number; doubles below 2^53 by their shortest decimal text.
Decimal decimal_of(const Json& number);
int compare(const Decimal& a, const Decimal& b);

struct Bound {
  Decimal at;
  bool open = false;  // the bound itself is out
  bool operator==(const Bound&) const = default;
};

struct NumberSet {
  enum class Kind { any, whole, broken };  // whole is written without a point; broken has a fraction that isn't zero
  Kind kind = Kind::any;
  std::optional<Bound> low, high;
  std::vector<Decimal> multiples;      // a multiple of each of these (positive)
  std::vector<Decimal> non_multiples;  // of none of these

  bool operator==(const NumberSet&) const = default;
  bool is_empty() const;
};
NumberSet one_number(const Json& value);
NumberSet intersect(const NumberSet& a, const NumberSet& b);
// All numbers that aren't in `set`, as a union.
std::vector<NumberSet> complement(const NumberSet& set);

// Texts that spell members of `set`; every number that json.dumps writes is spelled its way. A spelling that another
// reader might round out of the set isn't among them. Failure (unsupported) where multiples make it too large.
Automaton number_texts(const NumberSet& set);

}  // namespace hone::text
