#include "prompt/api_spending.h"

namespace hone::prompt {

double usd_of(const ApiUsage& usage, const TokenPrice& price) {
  constexpr double write_factor = 1.25;
  const double plain = usage.prompt - usage.cached - usage.cache_write;
  return ((plain + write_factor * usage.cache_write) * price.input + usage.cached * price.cached +
          usage.completion * price.output) /
         1e6;
}

bool Spending::reserve(double most_usd, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto fits = [&] { return !cap_ || spent_ + reserved_ + most_usd <= *cap_; };
  settled_.wait(lock, stop, [&] { return capped_ || fits() || under_way_ == 0; });
  if (stop.stop_requested() || capped_) return false;
  if (!fits()) {
    capped_ = true;
    settled_.notify_all();
    return false;
  }
  reserved_ += most_usd;
  ++under_way_;
  return true;
}

void Spending::settle(double most_usd, double usd) {
  const std::lock_guard lock(mutex_);
  --under_way_;
  reserved_ = under_way_ == 0 ? 0 : reserved_ - most_usd;  // no rounding is carried on
  spent_ += usd;
  settled_.notify_all();
}

double Spending::spent() const {
  const std::lock_guard lock(mutex_);
  return spent_;
}

bool Spending::capped() const {
  const std::lock_guard lock(mutex_);
  return capped_;
}

}  // namespace hone::prompt
