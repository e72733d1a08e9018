// A task of the lm-evaluation-harness whose data lie in local files: doc_to_text, doc_to_target and doc_to_choice are
// applied to each row. Functions in Python and data sets of a hub are not read, and it says so.
// https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/task_guide.md
#include <charconv>
#include <optional>
#include <set>

#include "base/terminal.h"
#include "data/row_sink.h"
#include "data/yaml_document.h"
#include "text/chat_template.h"

namespace hone::data {
namespace {

// A key of the task: the name of a column, a Jinja template, or a constant.
class Field {
 public:
  static Result<Field> parse(const Json& value) {
    Field field;
    if (value.is_object()) return bad_input("it is {}, which is not run", clipped(to_text(value), 60));
    field.text_ = value.is_string() ? value.get<std::string>() : to_text(value);
    if (field.text_.find("{{") == std::string::npos && field.text_.find("{%") == std::string::npos) return field;
    Result<text::ChatTemplate> parsed = text::ChatTemplate::parse(field.text_);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    field.template_ = std::make_shared<text::ChatTemplate>(std::move(*parsed));
    return field;
  }

  Result<std::string> of(const RawRow& row, const Json& variables) const {
    if (!template_) {
      const RawValue* column = row.find(text_);
      return column == nullptr ? text_ : column->text;
    }
    const auto rendered = template_->render(
        {},
        {.add_generation_prompt = false, .bos_token = {}, .eos_token = {}, .today = "2000-01-01", .extra = variables});
    if (!rendered) return tl::unexpected<Error>(rendered.error());
    return rendered->text();
  }

 private:
  std::string text_;
  std::shared_ptr<text::ChatTemplate> template_;
};

Json as_json(const RawRow& row) {
  Json json = Json::object();
  for (const auto& [name, value] : row.values) {
    if (value.type == ValueType::text) {
      json[name] = value.text;
    } else if (const Result<Json> parsed = parse_json(value.text, name); parsed) {
      json[name] = *parsed;
    } else {
      json[name] = nullptr;
    }
  }
  return json;
}

struct HarnessTask {
  Path data;
  std::optional<Field> text;
  std::optional<Field> target;
  Json choices;  // a list of texts, the name of a column with one, or null
  std::string description;
};

class TaskReader {
 public:
  TaskReader(const Path& path, const NamedBytes& file, const YamlDocument& document, RowSink& sink)
      : path_(path), file_(file), document_(document), sink_(sink) {}

  Result<HarnessTask> read() {
    HarnessTask task;
    const Result<Path> data = data_file();
    if (!data) return tl::unexpected<Error>(data.error());
    task.data = *data;
    const std::pair<const char*, std::optional<Field>*> fields[] = {{"doc_to_text", &task.text},
                                                                    {"doc_to_target", &task.target}};
    for (const auto& [key, field] : fields) {
      if (!root().contains(key)) return bad_input("{}:1: \"{}\" is missing", file_.name, key);
      const Result<Field> parsed = Field::parse(root().at(key));
      if (!parsed) return bad_input("{}:{}: {}: {}", file_.name, line(key), key, parsed.error().message);
      *field = *parsed;
    }
    task.choices = root().value("doc_to_choice", Json());
    if (root().contains("description") && root().at("description").is_string()) {
      task.description = root().at("description").get<std::string>();
    }
    note_skipped();
    return task;
  }

 private:
  const Json& root() const { return document_.json; }
  std::size_t line(const std::string& key) const { return document_.line("/" + key); }

  // The training file where there is one, else that of the validation or test side.
  Result<Path> data_file() const {
    const Json arguments = root().value("dataset_kwargs", Json::object());
    const Json files = arguments.is_object() ? arguments.value("data_files", Json()) : Json();
    Json chosen = files;
    if (files.is_object() && !files.empty()) {
      chosen = files.begin().value();
      for (const char* side : {"test_split", "validation_split", "training_split"}) {
        const Json name = root().value(side, Json());
        if (name.is_string() && files.contains(name.get<std::string>())) chosen = files.at(name.get<std::string>());
      }
    }
    if (chosen.is_array() && !chosen.empty()) chosen = chosen.front();
    if (!chosen.is_string()) {
      return bad_input("{}:{}: expected the data in a local file (dataset_kwargs, data_files); {}", file_.name,
                       line("dataset_path"),
                       root().contains("dataset_path")
                           ? fmt::format("\"{}\" would have to be fetched; export it to a file and import that",
                                         clipped(to_text(root().at("dataset_path")), 60))
                           : "none is named");
    }
    const Path data = path_.parent_path() / chosen.get<std::string>();
    const Result<FileFormat> format = guess_format(data, {});
    if (!format || *format == FileFormat::lm_eval || *format == FileFormat::promptfoo) {
      return bad_input("{}:{}: data_files: expected a .json, .jsonl, .csv or .tsv file; found {}", file_.name,
                       line("dataset_kwargs"), printable(data.string()));
    }
    return data;
  }

  void note_skipped() const {
    static const std::set<std::string> read = {"task",           "dataset_path",     "dataset_kwargs", "dataset_name",
                                               "doc_to_text",    "doc_to_target",    "doc_to_choice",  "description",
                                               "training_split", "validation_split", "test_split"};
    std::string names;
    for (const auto& [key, value] : root().items()) {
      if (!read.contains(key)) names += (names.empty() ? "" : ", ") + key;
    }
    if (!names.empty()) sink_.note("not read: " + clipped(names, 300));
  }

  const Path& path_;
  const NamedBytes& file_;
  const YamlDocument& document_;
  RowSink& sink_;
};

// The answer may be the number of a choice, from 0.
void choose(const Json& choices, const Json& variables, std::string& target) {
  const Json list = choices.is_string() ? variables.value(choices.get<std::string>(), Json()) : choices;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), number);
  const bool is_number = error == std::errc() && end == target.data() + target.size();
  if (!list.is_array() || !is_number || number >= list.size()) return;
  target = list[number].is_string() ? list[number].get<std::string>() : to_text(list[number]);
}

RawRow case_of(const HarnessTask& task, RawRow&& row) {
  if (!row.why.empty()) return std::move(row);
  const Json variables = as_json(row);
  const Result<std::string> text = task.text->of(row, variables);
  Result<std::string> target = task.target->of(row, variables);
  RawRow made;
  made.line = row.line;
  made.bytes = row.bytes;
  if (!text || !target) {
    made.reject("malformed", printable(text ? target.error().message : text.error().message));
    return made;
  }
  choose(task.choices, variables, *target);
  if (!task.description.empty()) made.values.emplace_back("system", RawValue{ValueType::text, task.description});
  made.values.emplace_back("input", RawValue{ValueType::text, *text});
  made.values.emplace_back("output", RawValue{ValueType::text, std::move(*target)});
  return made;
}

}  // namespace

Result<void> read_lm_eval(const Path& path, const NamedBytes& file, RowSink& sink) {
  const Result<YamlDocument> document = read_yaml(file.bytes, file.name);
  if (!document) return tl::unexpected<Error>(document.error());
  if (!document->json.is_object()) return bad_input("{}:1: expected the keys of a task", file.name);
  const Result<HarnessTask> task = TaskReader(path, file, *document, sink).read();
  if (!task) return tl::unexpected<Error>(task.error());
  sink.note(fmt::format("rows from {}", printable(task->data.string())));
  const auto read = read_raw_file(task->data, sink.spec_for_another_file(),
                                  [&](RawRow&& row) { sink.take(case_of(*task, std::move(row))); });
  if (!read) return tl::unexpected<Error>(read.error());
  return {};
}

}  // namespace hone::data
