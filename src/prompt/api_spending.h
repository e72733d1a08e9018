// What has been spent and may be spent yet, kept by several threads at once.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "prompt/api_answer.h"

namespace hone::prompt {

// USD per million tokens.
struct TokenPrice {
  std::string id;  // its entry in the price list
  double input = 0;
  double cached = 0;
  double output = 0;
};

// cached tokens at their price, tokens written to the cache at 1.25 times the input price, the rest as listed.
double usd_of(const ApiUsage& usage, const TokenPrice& price);

// A cap that is never passed: what a request could cost at most is set aside before it is sent, and replaced by what it
// did cost afterwards.
class Spending {
 public:
  Spending(std::optional<double> cap_usd, double spent_usd) : cap_(cap_usd), spent_(spent_usd) {}

  // Sets `most_usd` aside, waiting for requests under way where only their end can make room. False: it does not fit
  // (from then on always), or a stop was requested.
  bool reserve(double most_usd, const std::stop_token& stop);
  // Ends what reserve() set aside: it did cost `usd`.
  void settle(double most_usd, double usd);

  double spent() const;
  bool capped() const;

 private:
  std::optional<double> cap_;
  mutable std::mutex mutex_;
  std::condition_variable_any settled_;
  double spent_ = 0;
  double reserved_ = 0;
  int under_way_ = 0;
  bool capped_ = false;
};

}  // namespace hone::prompt
