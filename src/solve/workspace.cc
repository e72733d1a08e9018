#include "solve/workspace.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "base/threads.h"
#include "data/review.h"
#include "data/task_json.h"
#include "eval/contender.h"
#include "solve/machine.h"
#include "solve/model_reference.h"

namespace hone::solve {
namespace {

struct Imported {
  std::vector<data::Row> rows;
  std::vector<data::Rejected> rejected;
};

Imported import_side(const std::string& side, const Path& file, const data::Task& task, std::vector<DataFact>& facts) {
  data::Imported imported =
      value_or_throw(data::import_rows(file, side == "generated" ? data::task_of_generated_rows(task) : task));
  facts.push_back(
      {side, file.lexically_relative(task.folder).string(), value_or_throw(sha256_file(file)), imported.rows.size()});
  for (auto& rejected : imported.rejected) rejected.why = fmt::format("{}: {}", file.filename().string(), rejected.why);
  return {std::move(imported.rows), std::move(imported.rejected)};
}

std::string key_of(const data::Task& task, const data::Split& split) {
  const data::DataFiles& columns = task.data;
  Sha256 hash;
  hash.add(to_text(Json::array({data::name_of(task.kind), task.instruction, task.labels, task.abstain, task.list_labels,
                                columns.input, columns.output, columns.id, columns.group, columns.source, task.seed})));
  if (!task.schema.empty()) hash.add(to_text(Json::array({task.schema, task.constrain})));
  const auto add = [&](const char* side, const std::vector<data::Row>& rows) {
    hash.add(side);
    for (const auto& row : rows) hash.add(to_text(Json::array({row.id, row.input, row.output})));
  };
  add("train", split.train);
  add("validation", split.validation);
  add("test", split.test);
  return hash.hex();
}

// The date of the first opening, kept beside the store.
std::string first_date(const Path& folder) {
  const Path file = folder / "first_date";
  if (std::filesystem::exists(file)) {
    std::string date = value_or_throw(read_file(file));
    const bool is_date = date.size() == 10 && date[4] == '-' && date[7] == '-' && is_utf8(date);
    if (is_date) return date;
    fail(ErrorCode::bad_input,
         "{}: expected the date on which this task was first opened, as in 2026-01-31, and found \"{}\"; write it "
         "there, "
         "or delete the file to begin with today's",
         printable(file.string()), clipped(date, 20));
  }
  write_file(file, utc_today());
  return utc_today();
}

}  // namespace

data::Task recorded_task(const Json& manifest, const Path& folder) {
  data::Task task = value_or_throw(data::task_from_json(manifest.at("task")));
  task.folder = folder;
  task.file = folder / task.file.filename();
  const auto resolve = [&](Path& path) {
    if (path.is_relative()) path = folder / path;
  };
  resolve(task.data.train);
  if (task.data.validation) resolve(*task.data.validation);
  if (task.data.test) resolve(*task.data.test);
  if (task.data.patch) resolve(*task.data.patch);
  if (task.data.generated) resolve(*task.data.generated);
  return task;
}

Workspace open_workspace(const Path& path) { return open_workspace(value_or_throw(data::load_task(path))); }

Workspace open_workspace(data::Task task) {
  task.model = base_model(task);
  const Path folder = task.folder / ".hone";
  std::vector<DataFact> facts;
  std::vector<data::Rejected> rejected;
  data::SplitInput sides;
  const auto take = [&](const char* side, const std::optional<Path>& file, std::vector<data::Row>& rows) {
    if (!file) return;
    Imported imported = import_side(side, *file, task, facts);
    rows = std::move(imported.rows);
    rejected.insert(rejected.end(), imported.rejected.begin(), imported.rejected.end());
  };
  take("train", task.data.train, sides.rows);
  take("validation", task.data.validation, sides.validation_rows);
  take("test", task.data.test, sides.test_rows);
  take("generated", task.data.generated, sides.generated_rows);
  const data::PatchReport patch = value_or_throw(data::patch_rows(task, sides));
  if (task.data.patch) {
    facts.push_back(
        {"patch", task.data.patch->lexically_relative(task.folder).string(), patch.sha256, patch.decisions});
  }
  value_or_throw(data::check_ids(task, sides));
  if (sides.rows.empty()) {
    fail(ErrorCode::bad_input, "{} holds no usable row; `hone data check {}` lists what is wrong with each line",
         printable(task.data.train.string()), shell_word(task.folder.string()));
  }
  data::RememberedSplit remembered = data::split_remembered(std::move(sides), task, folder / "split.json");
  data::Split& split = remembered.split;
  for (std::string& notice : data::patch_notices(patch, split)) split.notices.push_back(std::move(notice));
  track::Store store = track::Store::open(folder / "store.db");
  if (remembered.is_changed) write_file(folder / "split.json", to_pretty_text(remembered.memory));
  const std::string key = key_of(task, split);
  return Workspace{.task = std::move(task),
                   .folder = folder,
                   .rejected = std::move(rejected),
                   .split = std::move(split),
                   .files = std::move(facts),
                   .data_key = key,
                   .today = first_date(folder),
                   .threads = available_cores(),
                   .program = program_facts(),
                   .machine = machine_facts(),
                   .store = std::move(store)};
}

std::vector<data::Finding> check_workspace(const Workspace& workspace,
                                           const std::function<int(const data::Row&)>& tokens, int max_tokens) {
  data::CheckInput input = data::check_input(workspace.task, value_or_throw(data::read_task_rows(workspace.task)));
  input.split = &workspace.split;
  input.tokens = tokens;
  input.max_tokens = max_tokens;
  return data::check_data(input);
}

void mark_killed_runs(Workspace& workspace) {
  workspace.store.mark_interrupted([](const track::RunRecord& run) {
    if (run.kind == "train") return true;
    if (run.kind != "contender" || !run.manifest.is_object()) return false;
    const Json contender = run.manifest.value("contender", Json::object());
    return !contender.is_object() || contender.value("kind", Json()) != eval::name_of(eval::ContenderKind::api);
  });
}

Json shared_manifest(const Workspace& workspace) {
  Json files = Json::array();
  for (const auto& fact : workspace.files) {
    files.push_back({{"side", fact.side}, {"file", fact.file}, {"sha256", fact.sha256}, {"rows", fact.rows}});
  }
  return {{"task", data::to_json(workspace.task)}, {"files", files},
          {"data_key", workspace.data_key},        {"today", workspace.today},
          {"threads", workspace.threads},          {"hone", workspace.program},
          {"machine", workspace.machine}};
}

}  // namespace hone::solve
