#include "data/row_date.h"

#include <charconv>
#include <chrono>

#include "data/normal_text.h"

namespace hone::data {
namespace {

// Takes what it reads off the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  bool ended() const { return left_.empty(); }

  bool take(std::string_view any_of) {
    if (left_.empty() || any_of.find(left_.front()) == std::string_view::npos) return false;
    left_.remove_prefix(1);
    return true;
  }

  std::optional<int> digits(std::size_t count) {
    if (left_.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (left_[i] < '0' || left_[i] > '9') return std::nullopt;
      value = 10 * value + (left_[i] - '0');
    }
    left_.remove_prefix(count);
    return value;
  }

  void skip_digits() {
    while (!left_.empty() && left_.front() >= '0' && left_.front() <= '9') left_.remove_prefix(1);
  }

 private:
  std::string_view left_;
};

std::optional<std::int64_t> since_epoch(std::string_view digits) {
  if (digits.size() != 10 && digits.size() != 13) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  return digits.size() == 13 ? value / 1000 : value;
}

std::optional<std::int64_t> day(Reader& reader) {
  const auto year = reader.digits(4);
  if (!year || !reader.take("-/")) return std::nullopt;
  const auto month = reader.digits(2);
  if (!month || !reader.take("-/")) return std::nullopt;
  const auto of_month = reader.digits(2);
  if (!of_month) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*of_month))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
}

// "14:07", with seconds where they are there.
std::optional<std::int64_t> time_of_day(Reader& reader) {
  const auto hours = reader.digits(2);
  if (!hours || !reader.take(":")) return std::nullopt;
  const auto minutes = reader.digits(2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  std::int64_t seconds = std::int64_t{3600} * *hours + std::int64_t{60} * *minutes;
  if (!reader.take(":")) return seconds;
  const auto within = reader.digits(2);
  if (!within || *within > 60) return std::nullopt;
  if (reader.take(".,")) reader.skip_digits();
  return seconds + *within;
}

// "+02:00" or "+0200" as seconds to take off; nothing where it is malformed.
std::optional<std::int64_t> offset(Reader& reader) {
  if (reader.ended() || reader.take("Zz")) return 0;
  const bool is_behind = reader.take("-");
  if (!is_behind && !reader.take("+")) return std::nullopt;
  const auto hours = reader.digits(2);
  reader.take(":");
  const auto minutes = reader.digits(2);
  if (!hours || !minutes || *hours > 15 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{3600} * *hours + std::int64_t{60} * *minutes;
  return is_behind ? -seconds : seconds;
}

}  // namespace

std::optional<std::int64_t> seconds_of(std::string_view text) {
  const std::string date = canonical_text(text);
  if (const auto seconds = since_epoch(date)) return seconds;
  Reader reader(date);
  const auto begin = day(reader);
  if (!begin || reader.ended()) return begin;
  if (!reader.take("Tt ")) return std::nullopt;
  const auto within = time_of_day(reader);
  if (!within) return std::nullopt;
  reader.take(" ");
  const auto ahead = offset(reader);
  if (!ahead || !reader.ended()) return std::nullopt;
  return *begin + *within - *ahead;
}

}  // namespace hone::data
