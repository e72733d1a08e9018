#include "solve/precision_gate.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/terminal.h"
#include "data/task_json.h"
#include "eval/agreement.h"
#include "model/file_hash.h"
#include "solve/machine.h"

namespace hone::solve {
namespace {

Path file_of(const Json& key) { return cache_folder() / "gates" / (sha256_hex(key.dump()).substr(0, 32) + ".json"); }

}  // namespace

double GateEvidence::bound() const { return eval::disagreement_bound(differing, rows); }

bool GateEvidence::passed() const { return rows > 0 && bound() <= eval::most_disagreement; }

std::optional<Json> gate_key(const ModelReference& reference, const data::Task& task) {
  if (reference.adapter.empty() || reference.base_sha256.empty()) return std::nullopt;
  const Result<std::string> adapter = model::remembered_sha256(reference.adapter / "adapter_model.safetensors");
  if (!adapter) return std::nullopt;
  const Json recorded = data::to_json(task);
  Json asked = Json::object();
  for (const char* field : {"kind", "instruction", "labels", "abstain", "list_labels", "schema"})
    if (recorded.contains(field)) asked[field] = recorded[field];
  const Json machine = machine_facts();
  return Json{{"base", reference.base_sha256},
              {"adapter", *adapter},
              {"task", asked},
              {"cpu", machine.at("cpu")},
              {"kernels", machine.at("kernels")},
              {"version", program_facts().at("version")}};
}

void keep_gate(const Json& key, const GateEvidence& evidence) {
  write_file(file_of(key),
             to_pretty_text(
                 {{"key", key}, {"rows", evidence.rows}, {"differing", evidence.differing}, {"date", evidence.date}}));
}

std::optional<GateEvidence> kept_gate(const Json& key) {
  const Path file = file_of(key);
  const Result<std::string> text = read_file(file);
  if (!text) return std::nullopt;
  const Result<Json> json = parse_json(*text, file.string());
  try {
    if (!json || json->at("key") != key) return std::nullopt;
    GateEvidence evidence;
    if (!json->at("rows").is_number_unsigned() || !json->at("differing").is_number_unsigned()) return std::nullopt;
    evidence.rows = json->at("rows").get<std::size_t>();
    evidence.differing = json->at("differing").get<std::size_t>();
    evidence.date = json->at("date").get<std::string>();
    return evidence.differing <= evidence.rows ? std::optional(evidence) : std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::optional<std::string> take_what_passed(ModelReference& reference) {
  if (!reference.task || reference.precision != model::Precision::f32) return std::nullopt;
  const std::optional<Json> key = gate_key(reference, *reference.task);
  const std::optional<GateEvidence> kept = key ? kept_gate(*key) : std::nullopt;
  if (!kept || !kept->passed()) return std::nullopt;
  reference.precision = model::Precision::int8;
  return fmt::format(
      "answering in int8: on {2}, `hone bench` saw it answer otherwise than f32 on {0} of {1} rows; --precision f32 is "
      "exact",
      kept->differing, kept->rows, printable(kept->date));
}

}  // namespace hone::solve
