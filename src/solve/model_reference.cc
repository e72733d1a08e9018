#include "solve/model_reference.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "data/task_json.h"
#include "eval/contender.h"
#include "generate/bundle_files.h"
#include "model/catalogue.h"
#include "model/export_folder.h"

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
  using generate::BundleKind;
  const bool is_prompted = record.kind == BundleKind::prompted;
  reference.learned =
      is_prompted ? record.knn_shots > 0 : record.kind != BundleKind::majority && record.kind != BundleKind::copy;
  reference.task = std::move(record.task);
  return reference;
}

constexpr const char* adapter_config = "adapter_config.json";

bool is_adapter_folder(const std::string& model) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(Path(model) / adapter_config, ignored);
}

// The base that is given, or the one that the adapter's own config names.
std::string base_of_adapter(const std::string& folder, const std::string& given) {
  const Path file = Path(folder) / adapter_config;
  std::string named = given;
  if (named.empty()) {
    const Json config = value_or_throw(parse_json(value_or_throw(read_file(file)), file.string()));
    const auto found = config.is_object() ? config.find("base_model_name_or_path") : config.end();
    if (config.is_object() && found != config.end() && found->is_string()) named = found->get<std::string>();
  }
  const std::string base = model::local_name(named);
  std::error_code ignored;
  if (!base.empty() && (model::find_in_catalogue(base) != nullptr || std::filesystem::exists(base, ignored))) {
    return base;
  }
  if (!given.empty()) {
    fail(ErrorCode::usage, "--base {}: expected a catalogue name, a .gguf file or a model folder; none is there",
         printable(given));
  }
  const std::string what =
      named.empty() ? "it does not say which model the adapter lies over"
                    : fmt::format("the adapter's base \"{}\" is neither in the catalogue nor a file or folder here",
                                  printable(named));
  fail(ErrorCode::bad_input, "{}: {}; name the base with --base MODEL", printable(file.string()), what);
}

ModelReference of_adapter(const std::string& folder, const std::string& base) {
  ModelReference reference = bare(folder);
  reference.learned = true;
  reference.base = base_of_adapter(folder, base);
  reference.adapter = folder;
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
  if (trained.summary.is_object()) reference.adapter_sha256 = trained.summary.value("adapter_sha256", std::string());
  if (!std::filesystem::is_directory(reference.adapter)) {
    fail(ErrorCode::bad_input, "run {} is {} and left no adapter ({} is missing); `hone train {}` goes on with it",
         trained.id, track::name_of(trained.status), reference.adapter.string(), shell_word(task.folder.string()));
  }
}

// Whether a contender answers from the training rows; a few fixed examples in a prompt are no learning.
bool has_learned(const Json& contender) {
  using enum eval::ContenderKind;
  const auto kind = eval::contender_kind_named(contender.at("kind").get<std::string>());
  if (!kind || *kind == majority || *kind == copy) return false;
  if (*kind != prompted && *kind != api) return true;
  return contender.at("spec").value("prompt", Json::object()).value("knn_shots", 0) > 0;
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
    reference.learned = true;
    fill_trained(reference, run, task);
  } else {
    const Json& spec = run.manifest.at("contender").at("spec");
    reference.learned = has_learned(run.manifest.at("contender"));
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
       "no model \"{}\": expected a .gguf file, a folder with config.json or adapter_config.json, a bundle folder, one "
       "of {}, or a run id; {}",
       printable(model), names, searched);
}

// All but an adapter folder.
ModelReference resolve_whole(const std::string& model, const Path& task) {
  std::error_code ignored;
  if (model::find_in_catalogue(model) != nullptr) return bare(model);
  if (!model.empty() && generate::is_bundle(model)) return of_bundle(model);
  if (!model.empty() && std::filesystem::exists(model, ignored)) return bare(model);
  const Result<data::Task> loaded = data::load_task(task);
  if (!loaded)
    not_found(model, fmt::format("no task to look for runs in ({}); name it with --task", loaded.error().message));
  const Path file = hone_folder(*loaded) / "store.db";
  if (!std::filesystem::exists(file, ignored))
    not_found(model, fmt::format("{} holds no runs yet", printable(loaded->folder.string())));
  const track::Store store = track::Store::open(file);
  auto run = store.find(model);
  if (!run) {
    try {
      run = store.get(model);
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::usage) throw;
      not_found(model, failure.what());
    }
  }
  try {
    return of_run(std::move(*run), store, *loaded);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::bad_input, "{}: the manifest of run {} is not as Hone writes it; make the run again",
         printable(file.string()), printable(model));
  }
}

}  // namespace

ModelReference resolve_model(const std::string& model, const Path& task, const ModelChoice& choice) {
  const bool is_adapter = !model.empty() && model::find_in_catalogue(model) == nullptr && !generate::is_bundle(model) &&
                          is_adapter_folder(model);
  if (!is_adapter && !choice.base.empty()) {
    fail(ErrorCode::usage, "--base is for adapter folders (with {} in them); {} brings its own", adapter_config,
         printable(model));
  }
  ModelReference reference = is_adapter ? of_adapter(model, choice.base) : resolve_whole(model, task);
  const bool is_open = reference.kind == ModelKind::bare;
  if (choice.precision.value_or(model::Precision::automatic) == model::Precision::automatic) {
    // Answers are bit for bit those of f32, decoded faster, from less memory.
    if (is_open) reference.precision = model::Precision::as_is;
    return reference;
  }
  const model::Precision wanted = *choice.precision;
  const bool is_recorded = reference.kind != ModelKind::bare && !is_adapter;
  if (is_recorded && wanted != reference.precision) {
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

void check_recorded_adapter(const ModelReference& reference) {
  if (reference.adapter_sha256.empty()) return;
  const Path file = reference.adapter / "adapter_model.safetensors";
  if (value_or_throw(sha256_file(file)) == reference.adapter_sha256) return;
  fail(ErrorCode::bad_input,
       "{}: these are not the weights that {} recorded when it was trained; put them back, or make the run again with "
       "`hone reproduce`",
       printable(file.string()), printable(reference.given));
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
    check_recorded_adapter(reference);
    value_or_throw(model::check_adapter_base(reference.adapter, opened.base.sha256));
    opened.adapter = value_or_throw(model::Adapter::load(reference.adapter, opened.base.decoder->config()));
  }
  return opened;
}

}  // namespace hone::solve
