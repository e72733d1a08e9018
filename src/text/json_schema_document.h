// A JSON Schema as text: parsed, its draft known, its references resolved. Private to text/json_schema*.cc.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace hone::text {

// A schema inside the document and where it stands ("#/properties/a").
struct SchemaPlace {
  const Json* schema = nullptr;
  std::string pointer;

  SchemaPlace below(const std::string& key) const;
  SchemaPlace below(const std::string& key, std::size_t index) const;
  SchemaPlace member(const std::string& key, const std::string& name) const;
};

class SchemaDocument {
 public:
  // Failure (bad_input): no JSON, a key given twice, a number beyond 64 bits, too large.
  static SchemaDocument parse(std::string_view text);

  SchemaPlace root() const { return {root_.get(), "#"}; }
  // 4, 6, 7, 2019 or 2020.
  int draft() const { return draft_; }
  // Where `ref`, found at `from`, points. Failure (bad_input or unsupported) where it can't be followed.
  SchemaPlace resolve(const std::string& ref, const SchemaPlace& from) const;

 private:
  void index(const SchemaPlace& place, const std::string& base);
  SchemaPlace follow(const SchemaPlace& start, const std::string& pointer) const;

  std::shared_ptr<const Json> root_;
  int draft_ = 2020;
  std::map<std::string, SchemaPlace> by_id_;    // absolute ids and anchors
  std::map<std::string, std::string> base_of_;  // pointer of a schema with an id -> that id
};

}  // namespace hone::text
