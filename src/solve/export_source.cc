#include "solve/export_source.h"

#include "base/terminal.h"
#include "generate/bundle_files.h"

namespace hone::solve {
namespace {

bool is_there(const Path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void fill_from_bundle(const ExportSourceSpec& spec, ExportSource& source) {
  const generate::BundleRecord record = generate::read_record(spec.model);
  if (record.kind == generate::BundleKind::probe)
    fail(ErrorCode::unsupported,
         "{} is a linear probe on a model's hidden states, which no other program runs; `hone serve {}` does",
         spec.model, spec.model);
  source.shots = record.shots;
  source.max_prompt_tokens = record.max_prompt_tokens;
  source.max_answer_tokens = record.max_answer_tokens;
  if (record.manifest.is_object() && record.manifest.contains("run") && record.manifest["run"].is_string())
    source.answered_run = record.manifest["run"].get<std::string>();
  if (record.knn_shots > 0)
    source.notes.push_back(fmt::format(
        "The {} nearest rows that this contender puts into each prompt are not exported; answers will differ without "
        "them.",
        record.knn_shots));
  const Path above = std::filesystem::absolute(spec.model).lexically_normal().parent_path();
  if (source.task_folder.empty() && is_there(above / "hone.toml")) source.task_folder = above;
}

// The contender that answered with a training run's adapter.
std::optional<track::RunRecord> contender_of(const track::Store& store, const std::string& trained) {
  const auto runs = store.runs();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->kind != "contender" || !run->manifest.contains("contender")) continue;
    const Json spec = run->manifest["contender"].value("spec", Json::object());
    if (spec.value("run", std::string()) == trained) return *run;
  }
  return std::nullopt;
}

void fill_from_run(ExportSource& source) {
  const track::RunRecord& run = *source.reference.run;
  source.task_folder = source.reference.task->folder;
  std::optional<track::RunRecord> answered = run;
  if (run.kind == "train")
    answered = contender_of(track::Store::open(source.task_folder / ".hone" / "store.db"), run.id);
  if (!answered) return;
  source.answered_run = answered->id;
  const Json contender = answered->manifest.value("contender", Json::object());
  if (contender.value("kind", std::string()) == "probe")
    fail(ErrorCode::unsupported, "run {} is a linear probe on a model's hidden states, which no other program runs",
         run.id);
  const Json spec = contender.value("spec", Json::object());
  source.max_answer_tokens = spec.value("max_tokens", 0);
  if (!spec.contains("prompt")) return;
  for (const Json& shot : spec["prompt"].value("shots", Json::array()))
    source.shots.push_back({shot.at("role").get<std::string>(), shot.at("content").get<std::string>()});
  if (spec["prompt"].value("knn_shots", 0) > 0)
    source.notes.emplace_back(
        "The nearest rows that this contender puts into each prompt are not exported; answers will differ without "
        "them.");
}

}  // namespace

ExportSource export_source(const ExportSourceSpec& spec) {
  ExportSource source;
  if (!spec.task.empty()) source.task_folder = value_or_throw(data::load_task(spec.task)).folder;
  source.reference =
      resolve_model(spec.model, spec.task.empty() ? Path(".") : spec.task, {.base = spec.base, .precision = {}});
  if (source.reference.base.empty())
    fail(ErrorCode::unsupported, "{} is \"{}\": it works without a language model, so there is nothing to export",
         printable(source.reference.given), printable(source.reference.contender));
  if (source.reference.kind == ModelKind::bundle) fill_from_bundle(spec, source);
  if (source.reference.kind == ModelKind::run) fill_from_run(source);
  if (source.task_folder.empty() && is_there("hone.toml")) source.task_folder = std::filesystem::current_path();
  if (!source.reference.task && !source.task_folder.empty())
    source.reference.task = value_or_throw(data::load_task(source.task_folder));
  return source;
}

}  // namespace hone::solve
