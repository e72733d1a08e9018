#include "eval/agreement.h"

#include <boost/math/special_functions/beta.hpp>

#include "base/error.h"

namespace hone::eval {

double disagreement_bound(std::size_t differing, std::size_t rows) {
  HONE_CHECK(differing <= rows);
  if (differing == rows) return 1;
  const auto k = static_cast<double>(differing);
  const auto n = static_cast<double>(rows);
  return boost::math::ibeta_inv(k + 1, n - k, 0.95);
}

}  // namespace hone::eval
