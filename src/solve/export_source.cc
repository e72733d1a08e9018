#include "solve/export_source.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "generate/bundle_files.h"
#include "model/catalogue.h"
#include "model/export_folder.h"

namespace hone::solve {
namespace {

constexpr const char* adapter_config = "adapter_config.json";

bool is_there(const Path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_adapter_folder(const std::string& model) {
  return !model.empty() && is_there(Path(model) / adapter_config) && !generate::is_bundle(model);
}

// The base that the adapter's own config names, or the one given.
std::string base_of_adapter(const ExportSourceSpec& spec) {
  const Path file = Path(spec.model) / adapter_config;
  const Json config = value_or_throw(parse_json(value_or_throw(read_file(file)), file.string()));
  std::string named = spec.base;
  if (named.empty() && config.is_object() && config.contains("base_model_name_or_path") &&
      config["base_model_name_or_path"].is_string())
    named = config["base_model_name_or_path"].get<std::string>();
  const std::string base = model::local_name(named);
  if (!base.empty() && (model::find_in_catalogue(base) != nullptr || is_there(base))) return base;
  fail(spec.base.empty() ? ErrorCode::bad_input : ErrorCode::usage,
       "{}: the adapter's base \"{}\" is neither in the catalogue nor a file or folder here; name it with --base",
       file.string(), printable(named));
}

ModelReference adapter_reference(const ExportSourceSpec& spec) {
  ModelReference reference;
  reference.given = spec.model;
  reference.base = base_of_adapter(spec);
  reference.adapter = spec.model;
  reference.today = utc_today();
  return reference;
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
  const bool is_adapter = is_adapter_folder(spec.model);
  if (!is_adapter && !spec.base.empty())
    fail(ErrorCode::usage, "--base is for adapter folders; {} brings its own", printable(spec.model));
  source.reference =
      is_adapter ? adapter_reference(spec) : resolve_model(spec.model, spec.task.empty() ? Path(".") : spec.task);
  if (source.reference.base.empty())
    fail(ErrorCode::unsupported, "{} is \"{}\": it works without a language model, so there is nothing to export",
         printable(source.reference.given), printable(source.reference.contender));
  if (source.reference.kind == ModelKind::bundle) fill_from_bundle(spec, source);
  if (source.reference.kind == ModelKind::run) fill_from_run(source);
  if (source.task_folder.empty() && is_there("hone.toml")) source.task_folder = std::filesystem::current_path();
  return source;
}

}  // namespace hone::solve
