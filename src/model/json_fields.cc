#include "model/json_fields.h"

#include <limits>
#include <utility>

#include "base/terminal.h"
#include "model/config.h"

namespace hone::model {
namespace {

std::string shown(const Json* field) {
  return field == nullptr ? "but is missing" : "but is " + clipped(to_text(*field), 40);
}

}  // namespace

JsonFields::JsonFields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

const Json* JsonFields::find(const char* name) const {
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

int JsonFields::whole(const char* name, int least) {
  const Json* field = find(name);
  // A number above 2^63 turns negative here, and is refused like one.
  const std::int64_t value = field != nullptr && field->is_number_integer() ? field->get<std::int64_t>() : -1;
  if (value >= least && value <= std::numeric_limits<int>::max()) return static_cast<int>(value);
  refuse(ErrorCode::bad_input,
         fmt::format("field {} must be a whole number of at least {}, {}", name, least, shown(field)));
  return 0;
}

int JsonFields::size(const char* name, std::optional<int> fallback) {
  return find(name) == nullptr && fallback ? *fallback : whole(name, 1);
}

int JsonFields::count(const char* name, int fallback) { return find(name) == nullptr ? fallback : whole(name, 0); }

float JsonFields::number(const char* name, float fallback) {
  const Json* field = find(name);
  if (field == nullptr) return fallback;
  if (field->is_number()) return field->get<float>();
  refuse(ErrorCode::bad_input, fmt::format("field {} must be a number, {}", name, shown(field)));
  return fallback;
}

bool JsonFields::boolean(const char* name, Otherwise otherwise) {
  const Json* field = find(name);
  if (field == nullptr) return otherwise == Otherwise::yes;
  if (field->is_boolean()) return field->get<bool>();
  refuse(ErrorCode::bad_input, fmt::format("field {} must be true or false, {}", name, shown(field)));
  return false;
}

void JsonFields::unsupported(const char* name) {
  refuse(ErrorCode::unsupported, fmt::format("field {} is {}, which this version of Hone cannot run; it runs {}", name,
                                             clipped(to_text(*find(name)), 60), supported_families()));
}

void JsonFields::refuse(ErrorCode code, const std::string& message) {
  if (!error_) error_ = Error{code, where_ + ": " + message};
}

}  // namespace hone::model
