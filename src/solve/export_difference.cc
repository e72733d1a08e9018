// How the weights of an export differ from what was trained.
#include <cmath>

#include "model/export_names.h"
#include "solve/export_check.h"

namespace hone::solve {
namespace {

using model::LoraPair;

// Sums over all values of maps: what the training added, what the export added, and where they differ.
struct Sums {
  double trained = 0;  // |D|^2 with D = s B A
  double along = 0;    // <E, D> with E what the export adds
  double apart = 0;    // |E - D|^2
};

WeightDifference difference_of(const Sums& sums) {
  if (sums.trained == 0) return {};
  return {.scale = sums.along / sums.trained, .rounding = std::sqrt(std::max(0.0, sums.apart) / sums.trained)};
}

// <s1 B1 A1, s2 B2 A2> = s1 s2 trace((B1' B2)(A2 A1')): ranks are small, maps are not. 0 where one is absent.
double inner_product(const LoraPair& one, const LoraPair& two) {
  if (one.is_absent() || two.is_absent()) return 0;
  const std::int64_t ranks[] = {one.a.shape()[0], two.a.shape()[0]};
  const std::int64_t in = one.a.shape()[1];
  const std::int64_t out = one.b.shape()[0];
  double trace = 0;
  for (std::int64_t i = 0; i < ranks[0]; ++i) {
    for (std::int64_t j = 0; j < ranks[1]; ++j) {
      double b = 0;
      double a = 0;
      for (std::int64_t row = 0; row < out; ++row)
        b +=
            static_cast<double>(one.b.f32()[row * ranks[0] + i]) * static_cast<double>(two.b.f32()[row * ranks[1] + j]);
      if (b == 0) continue;
      for (std::int64_t column = 0; column < in; ++column)
        a += static_cast<double>(one.a.f32()[i * in + column]) * static_cast<double>(two.a.f32()[j * in + column]);
      trace += a * b;
    }
  }
  return static_cast<double>(one.scale) * static_cast<double>(two.scale) * trace;
}

void add_map(tensor::Exec& exec, const model::BaseFiles& exported, const model::MergeSource& source, std::size_t index,
             Sums& sums) {
  using model::Layout;
  const auto written = value_or_throw(exported.read(exec, index, Layout::hugging_face));
  const auto base = value_or_throw(source.base->read(exec, index, Layout::hugging_face));
  const auto wanted = value_or_throw(model::merged(exec, source, index, Layout::hugging_face));
  for (std::int64_t i = 0; i < written.shape().count(); ++i) {
    const double added = static_cast<double>(wanted.f32()[i]) - static_cast<double>(base.f32()[i]);
    const double found = static_cast<double>(written.f32()[i]) - static_cast<double>(base.f32()[i]);
    sums.trained += added * added;
    sums.along += found * added;
    sums.apart += (found - added) * (found - added);
  }
}

}  // namespace

WeightDifference compare_adapters(const model::Adapter& exported, const model::Adapter& trained) {
  HONE_CHECK(exported.layers() == trained.layers());
  Sums sums;
  for (int layer = 0; layer < trained.layers(); ++layer) {
    for (const model::Site site : model::all_sites) {
      const LoraPair& e = exported.at(layer, site);
      const LoraPair& t = trained.at(layer, site);
      const double only_trained = inner_product(t, t);
      const double both = inner_product(e, t);
      sums.trained += only_trained;
      sums.along += both;
      sums.apart += inner_product(e, e) - 2 * both + only_trained;
    }
  }
  return difference_of(sums);
}

WeightDifference compare_merged(tensor::Exec& exec, const model::BaseFiles& exported,
                                const model::MergeSource& source) {
  Sums sums;
  for (std::size_t i = 0; i < source.base->tensors().size(); ++i)
    if (model::is_changed(source, i)) add_map(exec, exported, source, i, sums);
  return difference_of(sums);
}

}  // namespace hone::solve
