#include "data/task_json.h"

namespace hone::data {

std::string path_in_folder(const Path& path, const Path& folder) {
  if (folder.empty()) return path.generic_string();
  const Path relative = path.lexically_normal().lexically_relative(folder.lexically_normal());
  const bool is_inside = !relative.empty() && *relative.begin() != "..";
  return (is_inside ? relative : path).generic_string();
}

Json to_json(const Task& task) {
  Json json;
  json["file"] = task.file.filename().string();
  json["name"] = task.name;
  json["kind"] = name_of(task.kind);
  json["instruction"] = task.instruction;
  json["labels"] = task.labels;
  json["positive"] = task.positive;
  json["abstain"] = task.abstain;
  json["list_labels"] = task.list_labels;
  if (task.ordered) json["ordered"] = true;
  if (!task.schema.empty()) json["schema"] = task.schema;
  if (!task.constrain) json["constrain"] = false;
  json["metric"] = task.metric;
  json["target"] = task.target ? Json(*task.target) : Json();
  json["margin"] = task.margin;
  const auto path_or_null = [&](const std::optional<Path>& path) {
    return path ? Json(path_in_folder(*path, task.folder)) : Json();
  };
  Json& data = json["data"];
  data["train"] = path_in_folder(task.data.train, task.folder);
  data["validation"] = path_or_null(task.data.validation);
  data["test"] = path_or_null(task.data.test);
  data["input"] = task.data.input;
  data["output"] = task.data.output;
  data["id"] = task.data.id;
  data["group"] = task.data.group;
  data["source"] = task.data.source;
  if (task.data.date != DataFiles().date) data["date"] = task.data.date;
  if (task.data.patch) data["patch"] = path_in_folder(*task.data.patch, task.folder);
  if (task.data.generated) data["generated"] = path_in_folder(*task.data.generated, task.folder);
  Json& around = json["circumstances"];
  const auto number_or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  around["requests_per_month"] = number_or_null(task.circumstances.requests_per_month);
  around["latency_ms"] = number_or_null(task.circumstances.latency_ms);
  around["private"] = task.circumstances.is_private;
  around["changes"] = task.circumstances.changes;
  around["compare_price"] = task.circumstances.compare_price;
  json["model"] = task.model;
  json["seed"] = task.seed;
  return json;
}

Result<Task> task_from_json(const Json& json) {
  try {
    Task task;
    task.file = json.at("file").get<std::string>();
    task.name = json.at("name").get<std::string>();
    const Result<Kind> kind = kind_named(json.at("kind").get<std::string>());
    if (!kind) return tl::unexpected<Error>(kind.error());
    task.kind = *kind;
    task.instruction = json.at("instruction").get<std::string>();
    task.labels = json.at("labels").get<std::vector<std::string>>();
    task.positive = json.at("positive").get<std::string>();
    task.abstain = json.at("abstain").get<bool>();
    task.ordered = json.value("ordered", false);
    task.list_labels = json.value("list_labels", true);
    task.schema = json.value("schema", std::string());
    task.constrain = json.value("constrain", true);
    task.metric = json.at("metric").get<std::string>();
    const auto optional_number = [](const Json& value) {
      return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
    };
    const auto optional_path = [](const Json& value) {
      return value.is_null() ? std::nullopt : std::optional<Path>(value.get<std::string>());
    };
    task.target = optional_number(json.at("target"));
    task.margin = json.at("margin").get<double>();
    const Json& data = json.at("data");
    task.data.train = data.at("train").get<std::string>();
    task.data.validation = optional_path(data.at("validation"));
    task.data.test = optional_path(data.at("test"));
    task.data.input = data.at("input").get<std::string>();
    task.data.output = data.at("output").get<std::string>();
    task.data.id = data.at("id").get<std::string>();
    task.data.group = data.at("group").get<std::string>();
    task.data.source = data.at("source").get<std::string>();
    task.data.date = data.value("date", DataFiles().date);
    task.data.patch = optional_path(data.value("patch", Json()));
    task.data.generated = optional_path(data.value("generated", Json()));
    const Json& around = json.at("circumstances");
    task.circumstances.requests_per_month = optional_number(around.at("requests_per_month"));
    task.circumstances.latency_ms = optional_number(around.at("latency_ms"));
    task.circumstances.is_private = around.at("private").get<bool>();
    task.circumstances.changes = around.at("changes").get<std::string>();
    task.circumstances.compare_price = around.at("compare_price").get<std::string>();
    task.model = json.at("model").get<std::string>();
    task.seed = json.at("seed").get<std::uint64_t>();
    if (const Result<void> valid = validate(task); !valid) return tl::unexpected<Error>(valid.error());
    return task;
  } catch (const nlohmann::json::exception& error) {
    return bad_input("recorded task: {}", error.what());
  }
}

}  // namespace hone::data
