#include "solve/recorded.h"

#include <map>

#include "solve/conclude.h"
#include "solve/contenders.h"

namespace hone::solve {
namespace {

std::string text_at(const Json& json, const char* key) {
  const auto it = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const Json& object_at(const Json& json, const char* key) {
  static const Json none = Json::object();
  if (!json.is_object()) return none;
  const auto it = json.find(key);
  return it != json.end() && it->is_object() ? *it : none;
}

// Those of `rows` in the order of `asked`; empty where one of them has no answer.
std::vector<eval::ScoredRow> in_order(std::vector<eval::ScoredRow> rows, const std::vector<data::Row>& asked) {
  std::map<std::string, eval::ScoredRow*> by_id;
  for (eval::ScoredRow& row : rows) by_id.emplace(row.id, &row);
  std::vector<eval::ScoredRow> ordered;
  for (const data::Row& row : asked) {
    const auto found = by_id.find(row.id);
    if (found == by_id.end()) return {};
    ordered.push_back(std::move(*found->second));
  }
  return ordered;
}

}  // namespace

std::optional<eval::ContenderResult> recorded_contender(const Workspace& workspace, const track::RunRecord& record) {
  if (record.kind != "contender" || record.status != track::RunStatus::finished) return std::nullopt;
  if (text_at(record.manifest, "data_key") != workspace.data_key) return std::nullopt;
  const auto kind = eval::contender_kind_named(text_at(object_at(record.manifest, "contender"), "kind"));
  if (!kind) return std::nullopt;
  const auto& store = workspace.store;
  const auto& split = workspace.split;
  eval::ContenderResult result;
  result.name = record.name;
  result.kind = *kind;
  result.run = record.id;
  result.price_id = text_at(object_at(record.summary, "api"), "price_id");
  result.test = in_order(store.rows(record.id, "test"), split.test);
  if (result.test.size() < split.test.size() || result.test.empty()) return std::nullopt;
  // Where rows are few, contenders without a model answered the validation rows fold by fold.
  result.validation = in_order(store.rows(record.id, "cross-validation"), split.validation);
  if (result.validation.empty()) result.validation = in_order(store.rows(record.id, "validation"), split.validation);
  if (result.validation.size() < split.validation.size()) return std::nullopt;
  fill_figures(workspace, result);
  return result;
}

std::vector<eval::ContenderResult> recorded_contenders(const Workspace& workspace) {
  std::vector<eval::ContenderResult> found;
  for (const track::RunRecord& record : workspace.store.runs()) {
    auto contender = recorded_contender(workspace, record);
    if (!contender) continue;
    const auto same =
        std::find_if(found.begin(), found.end(), [&](const auto& c) { return c.name == contender->name; });
    if (same == found.end()) {
      found.push_back(std::move(*contender));
    } else if (validation_metric(*contender, workspace.task) >= validation_metric(*same, workspace.task)) {
      *same = std::move(*contender);
    }
  }
  return found;
}

}  // namespace hone::solve
