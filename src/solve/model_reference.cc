#include "solve/model_reference.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "data/task_json.h"
#include "generate/bundle_files.h"
#include "model/catalogue.h"

namespace hone::solve {
namespace {

Path hone_folder(const data::Task& task) { return task.folder / ".hone"; }

ModelReference bare(const std::string& model) {
  ModelReference reference;
  reference.given = model;
  reference.base = model;
  reference.today = utc_today();
  return reference;
}

ModelReference of_bundle(const std::string& folder) {
  generate::BundleRecord record = generate::read_record(folder);
  ModelReference reference;
  reference.kind = ModelKind::bundle;
  reference.given = folder;
  reference.contender = record.contender;
  reference.base = record.base_model;
  reference.base_sha256 = record.base_sha256;
  reference.precision = record.precision;
  if (record.kind == generate::BundleKind::tuned) reference.adapter = Path(folder) / generate::adapter_folder;
  reference.today = record.today;
  reference.task = std::move(record.task);
  return reference;
}

// What the run answered with, on the files and by the metric of the task as it is now.
data::Task task_of_run(const track::RunRecord& run, const data::Task& now) {
  data::Task task = value_or_throw(data::task_from_json(run.manifest.at("task")));
  task.file = now.file;
  task.folder = now.folder;
  task.data = now.data;
  if (task.kind == now.kind) task.metric = now.metric;
  return task;
}

void fill_trained(ModelReference& reference, const track::RunRecord& trained, const data::Task& task) {
  reference.base = trained.manifest.at("base").at("model").get<std::string>();
  reference.base_sha256 = trained.manifest.at("base").at("sha256").get<std::string>();
  reference.precision = model::recorded_precision(trained.manifest.at("base"));
  reference.adapter = hone_folder(task) / "adapters" / trained.id;
  if (!std::filesystem::is_directory(reference.adapter)) {
    fail(ErrorCode::bad_input, "run {} is {} and left no adapter ({} is missing); `hone train {}` goes on with it",
         trained.id, track::name_of(trained.status), reference.adapter.string(), task.folder.string());
  }
}

ModelReference of_run(track::RunRecord run, const track::Store& store, const data::Task& task) {
  ModelReference reference;
  reference.kind = ModelKind::run;
  reference.given = run.id;
  reference.contender = run.name;
  if (run.kind == "eval") {
    const Json& scored = run.manifest.at("eval");
    const std::string what = scored.empty() ? "" : scored.front().get<std::string>();
    fail(ErrorCode::usage, "run {} only scored rows, it answers nothing; name what it scored: {}", run.id, what);
  }
  reference.today = run.manifest.value("today", utc_today());
  reference.task = task_of_run(run, task);
  if (run.kind == "train") {
    fill_trained(reference, run, task);
  } else {
    const Json& spec = run.manifest.at("contender").at("spec");
    if (spec.contains("run")) {
      const auto trained = store.find(spec.at("run").get<std::string>());
      if (!trained) fail(ErrorCode::bad_input, "run {} names a training run that is not there", run.id);
      fill_trained(reference, *trained, task);
    } else if (spec.contains("base_sha256")) {
      reference.base = base_model(*reference.task);
      reference.base_sha256 = spec.at("base_sha256").get<std::string>();
      reference.precision = model::recorded_precision(spec);
    }
  }
  reference.run = std::move(run);
  return reference;
}

[[noreturn]] void not_found(const std::string& model, const std::string& searched) {
  std::string names;
  for (const auto& entry : model::catalogue()) names += (names.empty() ? "" : ", ") + entry.name;
  fail(ErrorCode::bad_input,
       "no model \"{}\": expected a .gguf file, a folder with config.json, a bundle folder, one of {}, or a run id; {}",
       printable(model), names, searched);
}

}  // namespace

ModelReference resolve_model(const std::string& model, const Path& task) {
  std::error_code ignored;
  if (model::find_in_catalogue(model) != nullptr) return bare(model);
  if (!model.empty() && generate::is_bundle(model)) return of_bundle(model);
  if (!model.empty() && std::filesystem::exists(model, ignored)) return bare(model);
  const Result<data::Task> loaded = data::load_task(task);
  if (!loaded)
    not_found(model, fmt::format("no task to look for runs in ({}); name it with --task", loaded.error().message));
  const Path file = hone_folder(*loaded) / "store.db";
  if (!std::filesystem::exists(file, ignored))
    not_found(model, fmt::format("{} holds no runs yet", loaded->folder.string()));
  const track::Store store = track::Store::open(file);
  auto run = store.find(model);
  if (!run) {
    not_found(model, fmt::format("the store of {0} has no such run, `hone runs list {0}` names what it has",
                                 loaded->folder.string()));
  }
  try {
    return of_run(std::move(*run), store, *loaded);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::bad_input, "the manifest of run {} is not complete: {}", model, error.what());
  }
}

ModelReference resolve_model(const std::string& model, const Path& task, std::optional<model::Precision> precision) {
  ModelReference reference = resolve_model(model, task);
  if (!precision) return reference;
  const model::Precision wanted = model::chosen_precision(*precision);
  if (reference.kind != ModelKind::bare && wanted != reference.precision) {
    fail(ErrorCode::usage, "{} was made with its base in {} and answers with that; leave --precision out, or name {}",
         printable(model), model::name_of(reference.precision), reference.base);
  }
  reference.precision = wanted;
  return reference;
}

std::string base_model(const data::Task& task) {
  if (task.model.empty()) return model::default_model;
  if (model::find_in_catalogue(task.model) != nullptr) return task.model;
  const Path beside = std::filesystem::absolute(task.folder / task.model).lexically_normal();
  std::error_code ignored;
  return std::filesystem::exists(beside, ignored) ? beside.string() : task.model;
}

std::string no_template_notice(const model::Model& model) {
  return fmt::format("{} brings no chat template; ChatML is used", printable(model.name));
}

LanguageModel open_language_model(tensor::Exec& exec, const ModelReference& reference, model::Parts parts) {
  if (reference.base.empty()) {
    fail(ErrorCode::unsupported, "{} is \"{}\": it works without a language model, so it has no tokens or template",
         printable(reference.given), printable(reference.contender));
  }
  LanguageModel opened{.base = model::open_model(exec, reference.base, parts, reference.precision), .adapter = {}};
  if (!reference.base_sha256.empty() && opened.base.sha256 != reference.base_sha256) {
    fail(ErrorCode::bad_input, "{} was made for {} with SHA-256 {}, but {} has {}", printable(reference.given),
         reference.base, reference.base_sha256, opened.base.path.string(), opened.base.sha256);
  }
  if (parts == model::Parts::everything && !reference.adapter.empty()) {
    opened.adapter = value_or_throw(model::Adapter::load(reference.adapter, opened.base.decoder->config()));
  }
  return opened;
}

}  // namespace hone::solve
