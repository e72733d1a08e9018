// What `data check` and `diagnose` say.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace hone::data {

enum class Severity { note, warning, error };
const char* name_of(Severity severity);

struct Finding {
  std::string id;  // stable: "duplicate", "conflicting-labels", "single-class-collapse", ...
  Severity severity = Severity::note;
  std::string title;              // one plain sentence
  Json evidence;                  // numbers
  std::vector<std::string> rows;  // ids involved (at most 50)
  std::string suggestion;         // one change
  std::string command;            // the exact next command
};
Json to_json(const Finding& finding);  // {id, severity, title, evidence, rows, suggestion, command}

}  // namespace hone::data
