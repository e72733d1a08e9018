#include "model/nf4_folder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/terminal.h"

namespace hone::model {
namespace {

using tensor::ConstView;
using tensor::DType;
using tensor::Tensor;

constexpr std::array parts = {".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map",
                              ".quant_state.bitsandbytes__nf4"};

// A part of `count` values.
Result<Tensor> part_of(const Nf4Source& source, const char* part, std::int64_t count, DType dtype) {
  const std::string name = source.name + part;
  const Result<ConstView> view = source.find(name);
  if (!view) return tl::unexpected<Error>(view.error());
  if (view->shape.count() != count || view->dtype != dtype)
    return bad_input("{}: tensor {} is {} {}, expected {} values of {}", source.where, name,
                     tensor::name_of(view->dtype), view->shape.text(), count, tensor::name_of(dtype));
  Tensor values = Tensor::empty({count}, dtype);
  std::memcpy(values.view().data, view->data, values.bytes());
  return values;
}

Result<Json> state_of(const Nf4Source& source) {
  const std::string name = source.name + parts[4];
  const Result<ConstView> view = source.find(name);
  if (!view) return tl::unexpected<Error>(view.error());
  const std::string where = source.where + ": tensor " + name;
  if (view->dtype != DType::u8) return bad_input("{} is not the JSON text it should be", where);
  const Result<Json> state =
      parse_json({static_cast<const char*>(view->data), static_cast<std::size_t>(view->shape.count())}, where);
  if (state && !state->is_object()) return bad_input("{}: expected a JSON object", where);
  return state;
}

Result<void> check_length(const Nf4Source& source, const Json& state, const char* field, std::int64_t length) {
  if (state.contains(field) && state[field] == length) return {};
  return make_error(ErrorCode::unsupported, "{}: tensor {}: {} is {}, and Hone reads {} alone", source.where,
                    source.name, field,
                    state.contains(field) ? clipped(printable(to_text(state[field])), 40) : "absent", length);
}

Result<void> check_levels(const Nf4Source& source) {
  const Result<Tensor> map = part_of(source, parts[1], 16, DType::f32);
  if (!map) return tl::unexpected<Error>(map.error());
  const auto levels = ops::nf4_levels();
  if (!std::equal(levels.begin(), levels.end(), map->f32()))
    return bad_input("{}: tensor {}{} does not hold NF4's 16 levels", source.where, source.name, parts[1]);
  return {};
}

// The scales, which were quantised themselves.
Result<void> read_nested(const Nf4Source& source, const Json& state, ops::Nf4& values) {
  const Result<void> length = check_length(source, state, "nested_blocksize", ops::nested_block);
  if (!length) return length;
  if (!state.contains("nested_offset") || !state["nested_offset"].is_number())
    return bad_input("{}: tensor {}: its state names no nested_offset", source.where, source.name);
  values.offset = state["nested_offset"].get<float>();
  Result<Tensor> codes = part_of(source, parts[0], values.blocks(), DType::u8);
  if (!codes) return tl::unexpected<Error>(codes.error());
  Result<Tensor> maxima =
      part_of(source, parts[2], (values.blocks() + ops::nested_block - 1) / ops::nested_block, DType::f32);
  if (!maxima) return tl::unexpected<Error>(maxima.error());
  const Result<Tensor> map = part_of(source, parts[3], 256, DType::f32);
  if (!map) return tl::unexpected<Error>(map.error());
  std::copy_n(map->f32(), 256, values.scale_levels.begin());
  values.scale_codes = std::move(*codes);
  values.scale_maxima = std::move(*maxima);
  return {};
}

}  // namespace

bool is_nf4(const Json& quantization) {
  const auto is = [&](const char* field, const Json& wanted) {
    return quantization.is_object() && quantization.contains(field) && quantization[field] == wanted;
  };
  return is("quant_method", "bitsandbytes") && is("load_in_4bit", true) && is("bnb_4bit_quant_type", "nf4");
}

std::string_view matrix_of_part(std::string_view name) {
  for (const std::string_view part : parts)
    if (name.ends_with(std::string(".weight") += part)) return name.substr(0, name.size() - part.size());
  return {};
}

Result<ops::Nf4> read_nf4(const Nf4Source& source) {
  const Result<Json> state = state_of(source);
  if (!state) return tl::unexpected<Error>(state.error());
  for (const Result<void>& checked : {check_length(source, *state, "blocksize", ops::nf4_block), check_levels(source)})
    if (!checked) return tl::unexpected<Error>(checked.error());
  if (!state->contains("shape") || (*state)["shape"] != Json({source.shape[0], source.shape[1]}))
    return bad_input("{}: tensor {} is of another shape than {}", source.where, source.name, source.shape.text());
  ops::Nf4 values;
  values.count = source.shape.count();
  Result<Tensor> codes = part_of(source, "", (values.count + 1) / 2, DType::u8);
  if (!codes) return tl::unexpected<Error>(codes.error());
  values.codes = std::move(*codes);
  if (state->contains("nested_blocksize")) {
    const Result<void> nested = read_nested(source, *state, values);
    if (!nested) return tl::unexpected<Error>(nested.error());
    return values;
  }
  Result<Tensor> scales = part_of(source, parts[0], values.blocks(), DType::f32);
  if (!scales) return tl::unexpected<Error>(scales.error());
  values.scales = std::move(*scales);
  return values;
}

}  // namespace hone::model
