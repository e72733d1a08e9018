// The texts of numbers, digit by digit: an automaton whose states say how the digits so far compare with the bounds,
// what they leave when divided, and where in the number they end.
#include <algorithm>
#include <cmath>
#include <map>

#include "text/json_schema_number.h"
#include "text/regex.h"

namespace hone::text {

namespace {

constexpr std::size_t most_number_states = 50000;
constexpr int most_divisor = 100000;
constexpr int most_broken_digits = 15;  // more, and a double may round to a whole number

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// How a number's size compares with a bound's, digit by digit.
class Comparison {
 public:
  explicit Comparison(const Decimal& bound) : whole_(bound.whole), fraction_(bound.fraction) {}
  struct State {
    int digits = 0;  // read of the present part; no more than matter are counted
    int order = 0;   // -1, 0, 1: of what was read
    auto operator<=>(const State&) const = default;
  };
  State whole_digit(State state, char digit) const {
    const int length = static_cast<int>(whole_.size());
    if (state.digits > length) return state;
    if (state.digits < length && state.order == 0) {
      const char bound = whole_[at(state.digits)];
      state.order = digit < bound ? -1 : (digit > bound ? 1 : 0);
    }
    ++state.digits;
    if (state.digits > length) state.order = 1;
    return state;
  }
  State point(State state) const { return {0, order_of_whole(state)}; }
  State fraction_digit(State state, char digit) const {
    if (state.order != 0) return state;
    const bool inside = at(state.digits) < fraction_.size();
    const char bound = inside ? fraction_[at(state.digits)] : '0';
    state.order = digit < bound ? -1 : (digit > bound ? 1 : 0);
    state.digits = state.order != 0 ? 0 : state.digits + (inside ? 1 : 0);
    return state;
  }
  int order_of_whole(State state) const {
    if (state.digits < static_cast<int>(whole_.size())) return -1;
    return state.order;
  }
  // Of the number that ends here.
  int order_without_point(State state) const {
    const int order = order_of_whole(state);
    return order == 0 && !fraction_.empty() ? -1 : order;
  }
  int order_with_point(State state) const {
    return state.order == 0 && at(state.digits) < fraction_.size() ? -1 : state.order;
  }

 private:
  std::string whole_, fraction_;
};

// What is left when the number, times a power of ten, is divided.
class Division {
 public:
  explicit Division(const Decimal& multiple) : places_(static_cast<int>(multiple.fraction.size())) {
    const std::string digits = multiple.whole + multiple.fraction;
    if (digits.size() > 6 || std::stoi(digits) > most_divisor) {
      fail(ErrorCode::unsupported, "multipleOf {} has too many digits to be enforced; use at most {}", multiple.text(),
           most_divisor);
    }
    divisor_ = std::stoi(digits);
  }
  struct State {
    int left = 0;
    int places = 0;  // read behind the point; one more than matter: something was left there
    auto operator<=>(const State&) const = default;
  };
  State whole_digit(State state, char digit) const { return {next(state.left, digit), 0}; }
  State fraction_digit(State state, char digit) const {
    if (state.places < places_) return {next(state.left, digit), state.places + 1};
    if (digit != '0') return {0, places_ + 1};
    return state;
  }
  bool divides(State state) const {
    if (state.places > places_) return false;
    for (int i = state.places; i < places_; ++i) state.left = next(state.left, '0');
    return state.left == 0;
  }

 private:
  int next(int left, char digit) const {
    return static_cast<int>((std::int64_t{10} * left + (digit - '0')) % divisor_);
  }
  int places_ = 0;
  int divisor_ = 1;
};

enum class Part { start, minus, zero, whole, point, fraction };

struct NumberState {
  Part part = Part::start;
  bool negative = false;
  bool fraction_counts = false;  // a digit behind the point that isn't zero
  int digits = 0;                // counted for broken numbers only
  Comparison::State low, high;   // of sizes
  std::vector<Division::State> divisions;
  auto operator<=>(const NumberState&) const = default;
};

// An open bound of numbers that may have a fraction is moved to the next double inside, so that no text between is
// read as the bound itself.
std::optional<Bound> closed(std::optional<Bound> bound, double towards) {
  if (bound && bound->open && std::abs(bound->at.value()) < exact_doubles) {
    bound = Bound{decimal_of(Json(std::nextafter(bound->at.value(), towards))), false};
  }
  return bound;
}

class NumberAutomaton {
 public:
  explicit NumberAutomaton(const NumberSet& set) : set_(set), low_(set.low), high_(set.high) {
    if (set.kind != NumberSet::Kind::whole) {
      low_ = closed(low_, HUGE_VAL);
      high_ = closed(high_, -HUGE_VAL);
    }
    for (const Decimal& multiple : set.multiples) divisions_.emplace_back(multiple);
    for (const Decimal& multiple : set.non_multiples) divisions_.emplace_back(multiple);
    // Sizes between which numbers of each sign lie.
    const bool from_zero = low_ && !low_->at.negative;
    const bool to_zero = high_ && (high_->at.negative || high_->at.is_zero());
    positive_ = {!(high_ && high_->at.negative), from_zero ? low_ : std::nullopt, high_};
    negative_ = {!from_zero, to_zero ? mirrored(high_) : std::nullopt, low_ ? mirrored(low_) : std::nullopt};
  }

  Automaton run() {
    ByteAutomaton raw;
    raw.class_of.fill(0);
    for (int digit = 0; digit < 10; ++digit) raw.class_of[at('0' + digit)] = static_cast<std::uint8_t>(1 + digit);
    raw.class_of['-'] = 11;
    raw.class_of['.'] = 12;
    raw.classes = 13;
    NumberState start;
    start.divisions.resize(divisions_.size());
    place(start);
    for (std::size_t i = 0; i < order_.size(); ++i) {
      if (order_.size() > most_number_states) {
        fail(ErrorCode::unsupported, "the numbers' multipleOf and range together are too much to enforce");
      }
      const NumberState state = order_[i];
      raw.accepting.push_back(accepts(state) ? 1 : 0);
      raw.next.push_back(ByteAutomaton::dead);
      for (const char c : std::string_view("0123456789-.")) {
        const std::optional<NumberState> to = step(state, c);
        raw.next.push_back(to ? place(*to) : ByteAutomaton::dead);
      }
    }
    return finish_automaton(std::move(raw));
  }

 private:
  struct Side {
    bool open = true;  // whether there are numbers of this sign
    std::optional<Bound> low, high;
  };
  static std::optional<Bound> mirrored(const std::optional<Bound>& bound) {
    return Bound{bound->at.opposite(), bound->open};
  }
  const Side& side(const NumberState& state) const { return state.negative ? negative_ : positive_; }

  std::int32_t place(const NumberState& state) {
    const auto [known, is_new] = known_.emplace(state, static_cast<std::int32_t>(order_.size()));
    if (is_new) order_.push_back(state);
    return known->second;
  }

  std::optional<NumberState> step(NumberState state, char c) const {
    if (c == '-') {
      if (state.part != Part::start || !negative_.open) return std::nullopt;
      state.part = Part::minus;
      state.negative = true;
      return state;
    }
    const Side& sizes = side(state);
    if (c == '.') {
      if ((state.part != Part::zero && state.part != Part::whole) || set_.kind == NumberSet::Kind::whole) return {};
      state.part = Part::point;
      if (sizes.low) state.low = Comparison(sizes.low->at).point(state.low);
      if (sizes.high) state.high = Comparison(sizes.high->at).point(state.high);
      return state;
    }
    return digit(std::move(state), c);
  }

  std::optional<NumberState> digit(NumberState state, char c) const {
    const bool first = state.part == Part::start || state.part == Part::minus;
    if (state.part == Part::zero || (state.part == Part::start && !positive_.open)) return std::nullopt;
    if (set_.kind == NumberSet::Kind::broken && ++state.digits > most_broken_digits) return std::nullopt;
    const Side& sizes = side(state);
    if (first && c == '0') {
      state.part = Part::zero;
      return state;
    }
    const bool behind = state.part == Part::point || state.part == Part::fraction;
    state.part = behind ? Part::fraction : Part::whole;
    state.fraction_counts = state.fraction_counts || (behind && c != '0' && set_.kind == NumberSet::Kind::broken);
    const auto compared = [&](const Bound& bound, Comparison::State so_far) {
      const Comparison comparison(bound.at);
      return behind ? comparison.fraction_digit(so_far, c) : comparison.whole_digit(so_far, c);
    };
    if (sizes.low) state.low = compared(*sizes.low, state.low);
    if (sizes.high) state.high = compared(*sizes.high, state.high);
    for (std::size_t i = 0; i < divisions_.size(); ++i) {
      Division::State& left = state.divisions[i];
      left = behind ? divisions_[i].fraction_digit(left, c) : divisions_[i].whole_digit(left, c);
    }
    return state;
  }

  bool accepts(const NumberState& state) const {
    const bool behind = state.part == Part::fraction;
    if (!behind && state.part != Part::zero && state.part != Part::whole) return false;
    const Side& sizes = side(state);
    if (!sizes.open || (set_.kind == NumberSet::Kind::broken && !state.fraction_counts)) return false;
    const auto order = [&](const Bound& bound, Comparison::State so_far) {
      const Comparison comparison(bound.at);
      return behind ? comparison.order_with_point(so_far) : comparison.order_without_point(so_far);
    };
    if (sizes.low && order(*sizes.low, state.low) < (sizes.low->open ? 1 : 0)) return false;
    if (sizes.high && order(*sizes.high, state.high) > (sizes.high->open ? -1 : 0)) return false;
    for (std::size_t i = 0; i < divisions_.size(); ++i) {
      if (divisions_[i].divides(state.divisions[i]) != (i < set_.multiples.size())) return false;
    }
    return true;
  }

  const NumberSet& set_;
  std::optional<Bound> low_, high_;
  std::vector<Division> divisions_;
  Side positive_, negative_;
  std::map<NumberState, std::int32_t> known_;
  std::vector<NumberState> order_;
};

// How json.dumps writes what is small (below 1e-4) or large (1e16 and up), where the whole of it lies in the set.
std::string exponent_pattern(const NumberSet& set) {
  const auto low_at_most = [&](const char* value) {
    return !set.low || compare(set.low->at, decimal_of(Json::parse(value))) < 0;
  };
  const auto high_at_least = [&](const char* value) {
    return !set.high || compare(set.high->at, decimal_of(Json::parse(value))) > 0;
  };
  const std::string digits = "[1-9](\\.[0-9]{1,20})?";
  const std::string small = digits + "[eE]-(0?[5-9]|[1-9][0-9]|[12][0-9][0-9]|30[0-7])";
  const std::string large = digits + "[eE]\\+?(1[6-9]|[2-9][0-9]|[12][0-9][0-9]|30[0-7])";
  const bool from_zero = set.low && set.low->at.is_zero(), to_zero = set.high && set.high->at.is_zero();
  std::string pattern;
  const auto add = [&](const std::string& more) { pattern += (pattern.empty() ? "" : "|") + more; };
  if ((low_at_most("0") || from_zero) && high_at_least("0.0001")) add(small);
  if ((high_at_least("0") || to_zero) && low_at_most("-0.0001")) add("-" + small);
  if (!set.high && low_at_most("1e16")) add(large);
  if (!set.low && high_at_least("-1e16")) add("-" + large);
  return pattern;
}

}  // namespace

Automaton number_texts(const NumberSet& set) {
  const bool divided = !set.multiples.empty() || !set.non_multiples.empty();
  if (set.kind == NumberSet::Kind::any && !divided && !set.low && !set.high) {
    return value_or_throw(
        compile_regex("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?([0-9]{1,2}|[12][0-9][0-9]|30[0-7]))?$"));
  }
  Automaton texts = NumberAutomaton(set).run();
  const auto is_large = [](const std::optional<Bound>& bound) {
    return bound && std::abs(bound->at.value()) >= exact_doubles;
  };
  if (set.kind != NumberSet::Kind::whole && (is_large(set.low) || is_large(set.high))) {
    // A text with a point is read as a double, which could lie beyond a bound that the text keeps.
    texts = intersect(texts, value_or_throw(compile_regex("^-?([0-9]+|[0-9]{1,15}\\.[0-9]+)$")));
  }
  if (set.kind != NumberSet::Kind::any || divided) return texts;
  const std::string exponents = exponent_pattern(set);
  if (exponents.empty()) return texts;
  return unite(texts, value_or_throw(compile_regex("^(" + exponents + ")$")));
}

}  // namespace hone::text
