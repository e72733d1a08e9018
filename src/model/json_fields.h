// Fields of a JSON object, read in turn, so that a reader need not stop at each: the first error is kept.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace hone::model {

// A field that is null counts as absent.
class JsonFields {
 public:
  // `where` names the object in errors; `json` must outlive this.
  JsonFields(const Json& json, std::string where);

  const Json* find(const char* name) const;
  // A whole number of at least 1.
  int size(const char* name, std::optional<int> fallback = std::nullopt);
  // A whole number of at least 0.
  int count(const char* name, int fallback);
  float number(const char* name, float fallback);
  enum class Otherwise : std::uint8_t { no, yes };
  bool boolean(const char* name, Otherwise otherwise = Otherwise::no);

  // Keeps an error (unsupported) that names the field, its value and what Hone runs.
  void unsupported(const char* name);
  void refuse(ErrorCode code, const std::string& message);
  bool failed() const { return error_.has_value(); }
  // The first error, where failed().
  Error error() const { return error_.value_or(Error{}); }

 private:
  int whole(const char* name, int least);

  const Json& json_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace hone::model
