// How long to wait before an exchange is tried again.
#pragma once

#include <optional>

#include "net/http.h"

namespace hone::net {

// What the server asks for: Retry-After (seconds, or a date) or retry-after-ms. Never negative; none where it asks for
// nothing readable.
std::optional<double> retry_after_seconds(const HttpReply& reply);

// Exponential back-off with jitter, seconds: first * 2^(tries - 1), at most 30, times a factor in [0.5, 1) given by
// `uniform` in [0, 1). `tries` is how often it was tried so far, from 1.
double backoff_seconds(int tries, double first_seconds, double uniform);

}  // namespace hone::net
