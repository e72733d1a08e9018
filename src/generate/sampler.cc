#include "generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace hone::generate {

text::TokenId arg_max(std::span<const float> logits) {
  return static_cast<text::TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double log_probability(std::span<const float> logits, text::TokenId id) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  return logits[static_cast<std::size_t>(id)] - most - std::log(sum);
}

text::TokenId sample(std::span<const float> logits, const Sampling& sampling, Rng& rng) {
  HONE_CHECK(sampling.temperature > 0);
  const double most = *std::max_element(logits.begin(), logits.end());
  std::vector<double> shares(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    shares[i] = std::exp((logits[i] - most) / sampling.temperature);
    sum += shares[i];
  }
  const double draw = rng.uniform();
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::size_t kept = order.size();
  double kept_sum = sum;
  if (sampling.top_p < 1) {
    // A heap instead of a sort: the nucleus is mostly a few tokens out of tens of thousands.
    const auto below = [&](int a, int b) {
      const double x = shares[static_cast<std::size_t>(a)], y = shares[static_cast<std::size_t>(b)];
      return x < y || (x == y && a > b);
    };
    std::make_heap(order.begin(), order.end(), below);
    kept = 0;
    kept_sum = 0;
    std::vector<int> nucleus;
    while (!order.empty() && (nucleus.empty() || kept_sum < sampling.top_p * sum)) {
      std::pop_heap(order.begin(), order.end(), below);
      nucleus.push_back(order.back());
      order.pop_back();
      kept_sum += shares[static_cast<std::size_t>(nucleus.back())];
      ++kept;
    }
    order = std::move(nucleus);
  }
  double left = draw * kept_sum;
  for (std::size_t i = 0; i < kept; ++i) {
    left -= shares[static_cast<std::size_t>(order[i])];
    if (left < 0) return order[i];
  }
  // Rounding left nothing below zero: the last token that can be drawn at all.
  for (std::size_t i = kept; i-- > 0;) {
    if (shares[static_cast<std::size_t>(order[i])] > 0) return order[i];
  }
  return arg_max(logits);
}

}  // namespace hone::generate
