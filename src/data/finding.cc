#include "data/finding.h"

#include "base/error.h"

namespace hone::data {

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  HONE_CHECK(false);
}

Json to_json(const Finding& finding) {
  Json json;
  json["id"] = finding.id;
  json["severity"] = name_of(finding.severity);
  json["title"] = finding.title;
  json["evidence"] = finding.evidence.is_null() ? Json::object() : finding.evidence;
  json["rows"] = finding.rows;
  json["suggestion"] = finding.suggestion;
  json["command"] = finding.command;
  return json;
}

}  // namespace hone::data
