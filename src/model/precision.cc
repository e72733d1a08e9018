#include "model/precision.h"

#include <array>

#include "base/error.h"
#include "base/terminal.h"

namespace hone::model {
namespace {

constexpr std::array<const char*, 8> names = {"auto",         "f32", "bf16",       "int8",
                                              "int8-weights", "nf4", "nf4-double", "as-is"};
constexpr const char* key = "precision";

}  // namespace

std::span<const char* const> precision_names() { return names; }

const char* name_of(Precision precision) { return names[static_cast<std::size_t>(precision)]; }

std::optional<Precision> precision_named(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<Precision>(i);
  return std::nullopt;
}

Precision chosen_precision(Precision precision) {
  return precision == Precision::automatic ? Precision::f32 : precision;
}

void record_precision(Json& record, Precision precision) {
  if (precision != Precision::f32) record[key] = name_of(precision);
}

Precision recorded_precision(const Json& record) {
  if (!record.is_object() || !record.contains(key)) return Precision::f32;
  const Json& field = record[key];
  const auto precision = field.is_string() ? precision_named(field.get<std::string>()) : std::nullopt;
  if (!precision || *precision == Precision::automatic)
    fail(ErrorCode::bad_input, "its base is kept in the precision {}, which this version of Hone does not know",
         clipped(printable(to_text(field)), 40));
  return *precision;
}

}  // namespace hone::model
