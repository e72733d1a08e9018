#include "ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/ops_testing.h"

namespace hone::ops {
namespace {

using tensor::Exec;
using tensor::Tensor;

constexpr HeadShape heads{6, 2, 10};
constexpr std::int64_t q_width = 60;
constexpr std::int64_t k_width = 20;

// The key rows that each query row of `plan` sees.
std::vector<std::vector<std::int64_t>> keys_seen(const AttentionPlan& plan, int window) {
  std::vector<std::vector<std::int64_t>> seen(plan.visible.size());
  for (const AttentionPlan::Item& item : plan.items) {
    for (std::int32_t q = item.query_begin; q < item.query_begin + item.query_count; ++q) {
      for (std::int32_t r = 0; r < item.range_count; ++r) {
        const KeyRange& range = plan.ranges[static_cast<std::size_t>(item.first_range + r)];
        const bool last = r + 1 == item.range_count;
        const std::int32_t length = last ? plan.visible[static_cast<std::size_t>(q)] : range.length;
        for (std::int32_t k = 0; k < length; ++k) seen[static_cast<std::size_t>(q)].push_back(range.begin + k);
      }
      // A key k positions before the query is seen if k < window.
      auto& keys = seen[static_cast<std::size_t>(q)];
      if (window > 0 && keys.size() > static_cast<std::size_t>(window)) keys.erase(keys.begin(), keys.end() - window);
    }
  }
  return seen;
}

struct Problem {
  const AttentionPlan& plan;
  HeadShape shape;
  Tensor q, k, v, dout;
};

struct Reference {
  std::vector<double> out, dq, dk, dv;
};

// Plain attention and its gradient in f64, a query and head at a time.
Reference reference(const Problem& problem) {
  const auto& [plan, shape, q, k, v, dout] = problem;
  const double scale = shape.scale > 0 ? static_cast<double>(shape.scale) : 1 / std::sqrt(10.0);
  Reference r;
  r.out.resize(static_cast<std::size_t>(q.shape().count()));
  r.dq = r.out;
  r.dk.resize(static_cast<std::size_t>(k.shape().count()));
  r.dv = r.dk;
  const auto seen = keys_seen(plan, shape.window);
  for (std::size_t query = 0; query < seen.size(); ++query) {
    for (std::size_t head = 0; head < 6; ++head) {
      const std::size_t at = query * q_width + head * 10;
      std::vector<double> p;
      double sum = 0;
      for (std::int64_t key : seen[query]) {
        const std::size_t from = static_cast<std::size_t>(key) * k_width + head / 3 * 10;
        double score = 0;
        for (std::size_t i = 0; i < 10; ++i) score += static_cast<double>(q.f32()[at + i]) * k.f32()[from + i];
        p.push_back(std::exp(score * scale));
        sum += p.back();
      }
      double inner = 0;
      std::vector<double> dp(p.size());
      for (std::size_t j = 0; j < p.size(); ++j) {
        const std::size_t from = static_cast<std::size_t>(seen[query][j]) * k_width + head / 3 * 10;
        p[j] /= sum;
        for (std::size_t i = 0; i < 10; ++i) {
          r.out[at + i] += p[j] * v.f32()[from + i];
          dp[j] += static_cast<double>(dout.f32()[at + i]) * v.f32()[from + i];
          r.dv[from + i] += p[j] * dout.f32()[at + i];
        }
        inner += p[j] * dp[j];
      }
      for (std::size_t j = 0; j < p.size(); ++j) {
        const std::size_t from = static_cast<std::size_t>(seen[query][j]) * k_width + head / 3 * 10;
        const double ds = p[j] * (dp[j] - inner) * scale;
        for (std::size_t i = 0; i < 10; ++i) {
          r.dq[at + i] += ds * k.f32()[from + i];
          r.dk[from + i] += ds * q.f32()[at + i];
        }
      }
    }
  }
  return r;
}

void expect_near(const Tensor& got, const std::vector<double>& want) {
  double most = 1;
  for (double value : want) most = std::max(most, std::fabs(value));
  for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got.f32()[i], want[i], 3e-6 * most) << "at " << i;
}

void expect_reference(const AttentionPlan& plan, std::int64_t keys, int threads, const HeadShape& shape = heads) {
  Exec exec(threads);
  const auto queries = static_cast<std::int64_t>(plan.visible.size());
  const Problem problem = {plan,
                           shape,
                           random({queries, q_width}, 1),
                           random({keys, k_width}, 2),
                           random({keys, k_width}, 3),
                           random({queries, q_width}, 4)};
  const AttentionTensors in = {problem.q.view(), problem.k.view(), problem.v.view()};
  const Reference want = reference(problem);
  Tensor out = Tensor::empty({queries, q_width});
  Tensor lse = Tensor::empty({queries, 6});
  attention(exec, shape, plan, in, {out.view(), lse.view()});
  expect_near(out, want.out);
  Tensor dq = Tensor::empty({queries, q_width});
  Tensor dk = Tensor::zeros({keys, k_width});
  Tensor dv = Tensor::zeros({keys, k_width});
  attention_backward(exec, shape, plan, in,
                     {out.view(), lse.view(), problem.dout.view(), dq.view(), dk.view(), dv.view()});
  expect_near(dq, want.dq);
  expect_near(dk, want.dk);
  expect_near(dv, want.dv);
}

AttentionPlan causal(std::int32_t length) {
  AttentionPlan plan;
  plan.items = {{0, length, 0, 1}};
  plan.ranges = {{0, length}};
  for (std::int32_t i = 0; i < length; ++i) plan.visible.push_back(i + 1);
  plan.groups = {0, 1};
  return plan;
}

TEST(Attention, CausalEqualsPlainAttention) {
  expect_reference(causal(1), 1, 1);
  expect_reference(causal(50), 50, 2);
}

TEST(Attention, LongSequencesGoInBlocks) { expect_reference(causal(700), 700, 3); }

// Rows 0-4: a root; 5-7 and 8-14 its children; 15-16 a child of the second; 17-20 another root.
AttentionPlan tree() {
  AttentionPlan plan;
  plan.ranges = {{0, 5}, {0, 5}, {5, 3}, {0, 5}, {8, 7}, {0, 5}, {8, 7}, {15, 2}, {17, 4}};
  plan.items = {{0, 5, 0, 1}, {5, 3, 1, 2}, {8, 7, 3, 2}, {15, 2, 5, 3}, {17, 4, 8, 1}};
  plan.visible = {1, 2, 3, 4, 5, 1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 1, 2, 1, 2, 3, 4};
  plan.groups = {0, 4, 5};
  return plan;
}

TEST(Attention, ChildrenSeeTheirAncestorsOnly) {
  for (int threads : {1, 2, 4}) expect_reference(tree(), 21, threads);
}

// Windows that end inside a range, at its edge, and before any.
TEST(Attention, AWindowHidesAllButTheNearestKeys) {
  for (int window : {1, 2, 3, 6, 8, 13, 14, 100}) {
    HeadShape shape = heads;
    shape.window = window;
    expect_reference(tree(), 21, 2, shape);
    expect_reference(causal(50), 50, 2, shape);
  }
  HeadShape shape = heads;
  shape.window = 200;
  expect_reference(causal(700), 700, 3, shape);
}

TEST(Attention, ScoresTakeAnotherScale) {
  HeadShape shape = heads;
  shape.scale = 0.11F;
  expect_reference(tree(), 21, 2, shape);
}

TEST(Attention, QueriesMayBeAFewRowsOfTheStretch) {
  AttentionPlan plan;
  plan.ranges = {{0, 5}, {0, 5}, {5, 9}};
  plan.items = {{0, 0, 0, 1}, {0, 3, 1, 2}};
  plan.visible = {2, 3, 8};
  plan.groups = {0, 2};
  expect_reference(plan, 14, 2);
  HeadShape shape = heads;
  shape.window = 4;
  expect_reference(plan, 14, 2, shape);
}

TEST(Attention, PlansThatReachOutsideAreABug) {
  AttentionPlan plan = causal(4);
  plan.visible[3] = 5;
  Exec exec(1);
  const Tensor q = random({4, q_width}, 1);
  const Tensor k = random({4, k_width}, 2);
  Tensor out = Tensor::empty({4, q_width});
  EXPECT_THROW(attention(exec, heads, plan, {q.view(), k.view(), k.view()}, {out.view(), {}}), std::logic_error);
}

}  // namespace
}  // namespace hone::ops
