#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/adamw.h"
#include "ops/cross_entropy.h"
#include "ops/geglu.h"
#include "ops/ops_testing.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/swiglu.h"

namespace hone::ops {
namespace {

using tensor::Exec;
using tensor::Tensor;

double at(const Tensor& t, std::int64_t i) { return static_cast<double>(t.f32()[i]); }

TEST(RmsNorm, DividesByTheRootMeanSquare) {
  Exec exec(2);
  constexpr std::int64_t rows = 37;
  constexpr std::int64_t width = 53;
  Tensor x = random({rows, width}, 1);
  Tensor w = random({width}, 2);
  Tensor y = Tensor::empty({rows, width});
  rms_norm(exec, x.view(), w.view(), 1e-5F, y.view());
  for (std::int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (std::int64_t i = 0; i < width; ++i) squares += at(x, r * width + i) * at(x, r * width + i);
    const double root = std::sqrt(squares / width + 1e-5);
    for (std::int64_t i = 0; i < width; ++i) {
      EXPECT_NEAR(at(y, r * width + i), at(x, r * width + i) / root * at(w, i), 2e-6);
    }
  }
}

TEST(RmsNorm, BackwardAgreesWithTheAnalyticJacobian) {
  Exec exec(2);
  constexpr std::int64_t width = 41;
  Tensor x = random({1, width}, 1);
  Tensor w = random({width}, 2);
  Tensor dy = random({1, width}, 3);
  Tensor dx = Tensor::zeros({1, width});
  rms_norm_backward(exec, w.view(), 1e-5F, {dy.view(), x.view(), dx.view()});
  double squares = 1e-5 * width;
  for (std::int64_t i = 0; i < width; ++i) squares += at(x, i) * at(x, i);
  const double mean = squares / width;
  for (std::int64_t j = 0; j < width; ++j) {
    double want = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      const double same = i == j ? 1 / std::sqrt(mean) : 0;
      want += at(dy, i) * at(w, i) * (same - at(x, i) * at(x, j) / (width * mean * std::sqrt(mean)));
    }
    EXPECT_NEAR(at(dx, j), want, 5e-6);
  }
  Tensor twice = dx.copy();
  rms_norm_backward(exec, w.view(), 1e-5F, {dy.view(), x.view(), twice.view()});
  EXPECT_NEAR(at(twice, 0), 2 * at(dx, 0), 1e-5);
}

TEST(RmsNorm, MayBeAddedToWhatIsThere) {
  Exec exec(2);
  Tensor x = random({5, 19}, 1);
  Tensor w = random({19}, 2);
  Tensor start = random({5, 19}, 3);
  Tensor normed = Tensor::empty({5, 19});
  rms_norm(exec, x.view(), w.view(), 1e-6F, normed.view());
  Tensor sum = start.copy();
  rms_norm_add(exec, x.view(), w.view(), 1e-6F, sum.view());
  for (std::int64_t i = 0; i < 95; ++i) EXPECT_NEAR(at(sum, i), at(start, i) + at(normed, i), 1e-6);
}

TEST(Swiglu, IsSiluTimesUpAndItsGradient) {
  Exec exec(2);
  Tensor gate = random({1, 21}, 1);
  gate.f32()[0] = 90;
  gate.f32()[1] = -90;
  gate.f32()[2] = 0;
  gate.f32()[3] = -200;  // exp(200) is not an f32
  gate.f32()[4] = -1e30F;
  Tensor up = random({1, 21}, 2);
  Tensor out = Tensor::empty({1, 21});
  swiglu(exec, gate.view(), up.view(), out.view());
  Tensor dout = random({1, 21}, 3);
  Tensor dgate = gate.copy();
  Tensor dup = up.copy();
  swiglu_backward(exec, dout.view(), dgate.view(), dup.view());
  for (std::int64_t i = 0; i < 21; ++i) {
    const double z = at(gate, i);
    const double s = 1 / (1 + std::exp(-z));
    EXPECT_NEAR(at(out, i), z * s * at(up, i), 1e-6 + 1e-6 * std::fabs(z * s * at(up, i)));
    EXPECT_NEAR(at(dup, i), at(dout, i) * z * s, 1e-6 + 1e-6 * std::fabs(at(dout, i) * z * s));
    EXPECT_NEAR(at(dgate, i), at(dout, i) * at(up, i) * s * (1 + z * (1 - s)), 3e-6);
  }
}

TEST(Geglu, IsGeluTimesUpAndItsGradient) {
  Exec exec(2);
  Tensor gate = random({1, 21}, 1);
  gate.f32()[0] = 40;
  gate.f32()[1] = -40;
  gate.f32()[2] = 0;
  gate.f32()[3] = -4;
  Tensor up = random({1, 21}, 2);
  Tensor out = Tensor::empty({1, 21});
  geglu(exec, gate.view(), up.view(), out.view());
  Tensor dout = random({1, 21}, 3);
  Tensor dgate = gate.copy();
  Tensor dup = up.copy();
  geglu_backward(exec, dout.view(), dgate.view(), dup.view());
  const double root = std::sqrt(2 / 3.14159265358979323846);
  for (std::int64_t i = 0; i < 21; ++i) {
    const double z = at(gate, i);
    const double t = std::tanh(root * (z + 0.044715 * z * z * z));
    const double gelu = z / 2 * (1 + t);
    const double slope = (1 + t) / 2 + z / 2 * (1 - t * t) * root * (1 + 3 * 0.044715 * z * z);
    EXPECT_NEAR(at(out, i), gelu * at(up, i), 1e-6 + 1e-6 * std::fabs(gelu * at(up, i)));
    EXPECT_NEAR(at(dup, i), at(dout, i) * gelu, 1e-6 + 1e-6 * std::fabs(at(dout, i) * gelu));
    EXPECT_NEAR(at(dgate, i), at(dout, i) * at(up, i) * slope, 3e-6);
  }
}

TEST(Rope, TurnsPairsByPositionAndBack) {
  Exec exec(2);
  const std::vector<std::int32_t> positions = {0, 1, 7, 500};
  constexpr std::int64_t half = 6;
  Tensor cos = Tensor::empty({4, half});
  Tensor sin = Tensor::empty({4, half});
  std::vector<float> frequencies;
  for (int i = 0; i < half; ++i) frequencies.push_back(static_cast<float>(std::pow(10000.0, -1.0 * i / half)));
  rope_angles(positions, frequencies, cos.view(), sin.view());
  Tensor x = random({4, 2 * 2 * half}, 1);
  Tensor y = x.copy();
  rope(exec, cos.view(), sin.view(), Turn::forward, y.view());
  for (std::int64_t row = 0; row < 4; ++row) {
    for (std::int64_t head = 0; head < 2; ++head) {
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle =
            positions[static_cast<std::size_t>(row)] * std::pow(10000.0, -static_cast<double>(i) / half);
        const std::int64_t low = row * 4 * half + head * 2 * half + i;
        EXPECT_NEAR(at(y, low), at(x, low) * std::cos(angle) - at(x, low + half) * std::sin(angle), 1e-4);
        EXPECT_NEAR(at(y, low + half), at(x, low + half) * std::cos(angle) + at(x, low) * std::sin(angle), 1e-4);
      }
    }
  }
  rope(exec, cos.view(), sin.view(), Turn::back, y.view());
  for (std::int64_t i = 0; i < x.shape().count(); ++i) EXPECT_NEAR(at(y, i), at(x, i), 1e-6);
}

TEST(CrossEntropy, SumsWeightedTargetsAndLeavesTheGradient) {
  Exec exec(2);
  constexpr std::int64_t vocabulary = 3001;
  Tensor logits = random({3, vocabulary}, 1);
  logits.f32()[5] = 300;  // far above the rest: exp of it alone would overflow
  const std::vector<RowTarget> targets = {{0, 4, 1}, {0, 5, 0.5F}, {2, 3000, 2}};
  Tensor gradient = logits.copy();
  const double loss = cross_entropy(exec, targets, LogitsBecome::gradient, gradient.view());
  double want = 0;
  for (std::int64_t row = 0; row < 3; ++row) {
    double most = -1e9;
    for (std::int64_t i = 0; i < vocabulary; ++i) most = std::max(most, at(logits, row * vocabulary + i));
    double sum = 0;
    for (std::int64_t i = 0; i < vocabulary; ++i) sum += std::exp(at(logits, row * vocabulary + i) - most);
    std::vector<double> d(vocabulary);
    for (const RowTarget& target : targets) {
      if (target.row != row) continue;
      want += static_cast<double>(target.weight) * (most + std::log(sum) - at(logits, row * vocabulary + target.id));
      for (std::int64_t i = 0; i < vocabulary; ++i) {
        const double p = std::exp(at(logits, row * vocabulary + i) - most) / sum;
        d[static_cast<std::size_t>(i)] += static_cast<double>(target.weight) * (p - (i == target.id ? 1 : 0));
      }
    }
    for (std::int64_t i = 0; i < vocabulary; ++i) {
      ASSERT_NEAR(at(gradient, row * vocabulary + i), d[static_cast<std::size_t>(i)], 1e-6);
    }
  }
  EXPECT_NEAR(loss, want, 1e-6 * want);
  Tensor scratch = logits.copy();
  EXPECT_EQ(cross_entropy(exec, targets, LogitsBecome::scratch, scratch.view()), loss);
  const std::vector<RowTarget> bad = {{0, vocabulary, 1}};
  EXPECT_THROW(cross_entropy(exec, bad, LogitsBecome::scratch, scratch.view()), Failure);
}

TEST(Adamw, TenStepsEqualTorch) {
  Exec exec(2);
  const std::vector<float> start = {0.5F, -1.25F, 3.0F, 1e-3F, -0.0F};
  // torch.optim.AdamW(lr=0.01, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1) on the same gradients, torch 2.15.
  const std::vector<double> want = {0.39753633737564087, -1.1602765321731567, 2.873011827468872, 0.01632552035152912,
                                    0};
  Tensor p = Tensor::from(start, {5});
  Tensor m = Tensor::zeros({5});
  Tensor v = Tensor::zeros({5});
  AdamwSettings settings{0.01, 0.9, 0.99, 1e-6, 0.1, 0.5, 1};
  for (int step = 1; step <= 10; ++step) {
    const auto s = static_cast<float>(step);
    // Twice torch's gradient, halved by gradient_scale.
    const std::vector<float> g = {0.2F * s, -0.6F / s, 2e-4F * s, step % 2 == 0 ? 10.0F : -10.0F, 0};
    settings.step = step;
    const Tensor gradient = Tensor::from(g, {5});
    adamw(exec, settings, {p.view(), gradient.view(), m.view(), v.view()});
  }
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_NEAR(p.f32()[i], want[i], 1e-6 * std::max(1e-2, std::fabs(want[i])));
  }
}

TEST(SquaredNorm, SameBitsForAnyThreadsAndSeesNonFinite) {
  Tensor values = random({200000}, 1);
  double want = 0;
  for (std::int64_t i = 0; i < 200000; ++i) want += at(values, i) * at(values, i);
  Exec one(1);
  Exec three(3);
  const double norm = squared_norm(one, values.view());
  EXPECT_NEAR(norm, want, 1e-6 * want);
  EXPECT_EQ(squared_norm(three, values.view()), norm);
  values.f32()[77777] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(squared_norm(three, values.view())));
}

}  // namespace
}  // namespace hone::ops
