#include "ops/embed.h"
#include "ops/matvec.h"

namespace hone::ops {
namespace {

void check_id(const Weight& table, std::int32_t id) {
  if (id < 0 || id >= table.out()) {
    fail(ErrorCode::bad_input, "token id {} is outside the model's vocabulary of {}", id, table.out());
  }
}

}  // namespace

void embed(tensor::Exec&, const Weight& table, std::span<const std::int32_t> ids, tensor::View out) {
  const std::int64_t width = table.in();
  HONE_CHECK(out.shape == tensor::Shape({static_cast<std::int64_t>(ids.size()), width}));
  float* to = out.f32();
  for (std::int32_t id : ids) {
    check_id(table, id);
    table.widen(id, id + 1, to);
    to += width;
  }
}

void embed_dot(tensor::Exec& exec, const Weight& table, const float* x, std::span<const std::int32_t> ids,
               std::span<float> out) {
  HONE_CHECK(ids.size() == out.size());
  tensor::Arena::Scope scope(exec.arena());
  float* row = table.kind() == WeightKind::f32 ? nullptr : exec.arena().floats(table.in());
  Matvec product;
  product.in = table.in();
  product.x = x;
  product.y_stride = 1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    check_id(table, ids[i]);
    product.w = table.rows(ids[i], ids[i] + 1, row);
    product.y = &out[i];
    matvec_here(product, 0, 1);
  }
}

}  // namespace hone::ops
