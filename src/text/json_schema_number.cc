#include "text/json_schema_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hone::text {

namespace {

Decimal parsed(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.remove_prefix(1);
  }
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    text = text.substr(0, e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  decimal.whole = text.substr(0, point);
  decimal.fraction = point < text.size() ? text.substr(point + 1) : "";
  for (; exponent > 0; --exponent) {
    decimal.whole += decimal.fraction.empty() ? '0' : decimal.fraction.front();
    if (!decimal.fraction.empty()) decimal.fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    decimal.fraction.insert(0, 1, decimal.whole.empty() ? '0' : decimal.whole.back());
    if (!decimal.whole.empty()) decimal.whole.pop_back();
  }
  decimal.whole.erase(0, std::min(decimal.whole.find_first_not_of('0'), decimal.whole.size()));
  decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
  if (decimal.is_zero()) decimal.negative = false;
  return decimal;
}

int compare_sizes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

bool same(const Decimal& a, const Decimal& b) { return compare(a, b) == 0; }

void add_new(std::vector<Decimal>& all, const std::vector<Decimal>& more) {
  for (const Decimal& one : more) {
    if (std::none_of(all.begin(), all.end(), [&](const Decimal& known) { return same(known, one); }))
      all.push_back(one);
  }
}

}  // namespace

Decimal Decimal::opposite() const {
  Decimal other = *this;
  other.negative = !negative && !is_zero();
  return other;
}

std::string Decimal::text() const {
  return (negative ? "-" : "") + (whole.empty() ? "0" : whole) + (fraction.empty() ? "" : "." + fraction);
}

double Decimal::value() const { return std::strtod(text().c_str(), nullptr); }

Decimal decimal_of(const Json& number) {
  if (number.is_number_unsigned()) return parsed(std::to_string(number.get<std::uint64_t>()));
  if (number.is_number_integer()) return parsed(std::to_string(number.get<std::int64_t>()));
  // From here on doubles are whole, and a text of as many digits is read as a whole number: by their exact value.
  const auto value = number.get<double>();
  return parsed(std::abs(value) < exact_doubles ? fmt::format("{}", value) : fmt::format("{:.0f}", value));
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

bool NumberSet::is_empty() const {
  for (const Decimal& multiple : multiples) {
    if (std::any_of(non_multiples.begin(), non_multiples.end(), [&](const Decimal& m) { return same(m, multiple); }))
      return true;
  }
  if (!low || !high) return false;
  const int order = compare(low->at, high->at);
  if (order == 0 && kind == Kind::broken && low->at.is_whole()) return true;
  if (order == 0 && kind == Kind::whole && !low->at.is_whole()) return true;
  return order > 0 || (order == 0 && (low->open || high->open));
}

NumberSet one_number(const Json& value) {
  NumberSet set;
  set.low = set.high = Bound{decimal_of(value), false};
  if (set.low->at.is_whole()) set.kind = NumberSet::Kind::whole;
  return set;
}

NumberSet intersect(const NumberSet& a, const NumberSet& b) {
  NumberSet set = a;
  if (a.kind == NumberSet::Kind::any) set.kind = b.kind;
  if (b.low) {
    const int order = a.low ? compare(b.low->at, a.low->at) : 1;
    if (order > 0 || (order == 0 && b.low->open)) set.low = b.low;
  }
  if (b.high) {
    const int order = a.high ? compare(b.high->at, a.high->at) : -1;
    if (order < 0 || (order == 0 && b.high->open)) set.high = b.high;
  }
  add_new(set.multiples, b.multiples);
  add_new(set.non_multiples, b.non_multiples);
  if (a.kind != NumberSet::Kind::any && b.kind != NumberSet::Kind::any && a.kind != b.kind) {
    set.low = Bound{parsed("1"), true};  // whole and broken at once: nothing
    set.high = set.low;
  }
  return set;
}

std::vector<NumberSet> complement(const NumberSet& set) {
  using Kind = NumberSet::Kind;
  std::vector<NumberSet> rest;
  if (set.kind != Kind::any) rest.emplace_back().kind = set.kind == Kind::whole ? Kind::broken : Kind::whole;
  if (set.low) rest.emplace_back().high = Bound{set.low->at, !set.low->open};
  if (set.high) rest.emplace_back().low = Bound{set.high->at, !set.high->open};
  for (const Decimal& multiple : set.multiples) rest.emplace_back().non_multiples = {multiple};
  for (const Decimal& multiple : set.non_multiples) rest.emplace_back().multiples = {multiple};
  return rest;
}

}  // namespace hone::text
