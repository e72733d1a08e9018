// hone.toml read and written. The only file that sees toml++.
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "base/terminal.h"
#include "data/normal_text.h"
#include "data/task.h"
#include "data/task_json.h"

namespace hone::data {
namespace {

// A review found beside the task is its patch, so that no command forgets it.
constexpr const char* beside_patch = "review.jsonl";

const std::map<std::string, std::vector<std::string>>& known_keys() {
  static const std::map<std::string, std::vector<std::string>> keys = {
      {"task",
       {"name", "kind", "instruction", "labels", "positive", "ordered", "abstain", "list_labels", "schema", "constrain",
        "metric", "target", "margin"}},
      {"data",
       {"train", "validation", "test", "input", "output", "id", "group", "source", "date", "patch", "generated"}},
      {"circumstances", {"requests_per_month", "latency_ms", "private", "changes", "compare_price"}},
      {"model", {"base"}},
      {"run", {"seed"}},
  };
  return keys;
}

const char* type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? fmt::format("; known here: {}", name_list(known, 20))
                      : fmt::format("; did you mean \"{}\"?", near);
}

// Takes values out of the document by type and gathers every problem with its line.
class Reader {
 public:
  Reader(const toml::table& document, std::string file) : document_(document), file_(std::move(file)) {}

  void check_names() {
    std::vector<std::string> sections;
    for (const auto& [section, keys] : known_keys()) sections.push_back(section);
    for (const auto& [key, node] : document_) {
      const std::string section(key.str());
      const auto found = known_keys().find(section);
      if (found == known_keys().end()) {
        add(node, unknown_section(section, node, sections));
      } else if (const toml::table* table = node.as_table()) {
        for (const auto& [inner, value] : *table) {
          if (std::find(found->second.begin(), found->second.end(), inner.str()) != found->second.end()) continue;
          add(value, unknown_key(section, std::string(inner.str()), found->second));
        }
      } else {
        add(node, fmt::format("\"{}\" is a section: expected a line [{}] and its keys below, found {}", section,
                              section, type_name(node.type())));
      }
    }
  }

  const toml::node* find(const char* section, const char* key) const { return document_[section][key].node(); }
  bool has(const char* section, const char* key) const { return find(section, key) != nullptr; }

  void text(const char* section, const char* key, std::string& target) {
    const toml::node* node = find(section, key);
    if (node == nullptr) return;
    if (const auto* value = node->as_string()) {
      target = value->get();
      if (target.find('\0') != std::string::npos) add(*node, fmt::format("{}.{}: holds a NUL character", section, key));
    } else {
      wrong_type(section, key, *node, "a text in quotes");
    }
  }

  void flag(const char* section, const char* key, bool& target) {
    const toml::node* node = find(section, key);
    if (node == nullptr) return;
    if (const auto* value = node->as_boolean()) {
      target = value->get();
    } else {
      wrong_type(section, key, *node, "true or false");
    }
  }

  std::optional<double> number(const char* section, const char* key) {
    const toml::node* node = find(section, key);
    if (node == nullptr) return std::nullopt;
    if (const auto* whole = node->as_integer()) return static_cast<double>(whole->get());
    if (const auto* value = node->as_floating_point()) return value->get();
    wrong_type(section, key, *node, "a number");
    return std::nullopt;
  }

  void seed(const char* section, const char* key, std::uint64_t& target) {
    const toml::node* node = find(section, key);
    if (node == nullptr) return;
    const auto* value = node->as_integer();
    if (value != nullptr && value->get() >= 0) {
      target = static_cast<std::uint64_t>(value->get());
    } else {
      wrong_type(section, key, *node, "a whole number, 0 or more");
    }
  }

  void texts(const char* section, const char* key, std::vector<std::string>& target) {
    const toml::node* node = find(section, key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return wrong_type(section, key, *node, "an array of texts: [\"a\", \"b\"]");
    for (const toml::node& item : *array) {
      if (const auto* value = item.as_string()) {
        target.push_back(value->get());
      } else {
        wrong_type(section, key, item, "texts in quotes only");
      }
    }
  }

  void add(const toml::node& node, const std::string& message) { add_line(node.source().begin.line, message); }
  void add_line(std::size_t line, const std::string& message) {
    problems_.emplace_back(
        line, line > 0 ? fmt::format("{}:{}: {}", file_, line, message) : fmt::format("{}: {}", file_, message));
  }
  // Takes over a message of validate(), "key: ...", unless the key's type was wrong already.
  void add_found(const std::string& message) {
    const std::string key = message.substr(0, message.find(':'));
    if (!mistyped_.contains(key)) add_line(line_of(key), message);
  }
  // The line of a key, in whichever section it stands; 0 where it is missing.
  std::size_t line_of(const std::string& key) const {
    for (const auto& [section, keys] : known_keys()) {
      if (const toml::node* node = find(section.c_str(), key.c_str())) return node->source().begin.line;
    }
    return 0;
  }

  std::string problems() {
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text;
    for (const auto& [line, message] : problems_) text += (text.empty() ? "" : "\n") + message;
    return text;
  }

 private:
  static std::string unknown_section(const std::string& section, const toml::node& node,
                                     const std::vector<std::string>& sections) {
    if (!node.is_table()) {
      for (const auto& [owner, keys] : known_keys()) {
        if (std::find(keys.begin(), keys.end(), section) != keys.end()) {
          return fmt::format("\"{}\" stands outside its section: put it below a line [{}]", section, owner);
        }
      }
      return fmt::format("unknown key \"{}\" outside any section; sections are {}", printable(section),
                         name_list(sections, 10));
    }
    return fmt::format("unknown section [{}]{}", printable(section), did_you_mean(section, sections));
  }

  static std::string unknown_key(const std::string& section, const std::string& key,
                                 const std::vector<std::string>& here) {
    for (const auto& [owner, keys] : known_keys()) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
        return fmt::format("unknown key \"{}\" in [{}]; it belongs in [{}]", key, section, owner);
      }
    }
    return fmt::format("unknown key \"{}\" in [{}]{}", printable(key), section, did_you_mean(key, here));
  }

  void wrong_type(const char* section, const char* key, const toml::node& node, const char* expected) {
    add(node, fmt::format("{}.{}: expected {}, found {}", section, key, expected, type_name(node.type())));
    mistyped_.insert(key);
  }

  const toml::table& document_;
  std::string file_;
  std::vector<std::pair<std::size_t, std::string>> problems_;
  std::set<std::string> mistyped_;
};

void read_data(Reader& reader, Task& task) {
  const auto path = [&](const char* key) -> std::optional<Path> {
    std::string name;
    reader.text("data", key, name);
    if (!reader.has("data", key)) return std::nullopt;
    if (name.empty()) reader.add(*reader.find("data", key), fmt::format("data.{}: the file name is empty", key));
    return (task.folder / Path(name)).lexically_normal();
  };
  if (const auto train = path("train")) task.data.train = *train;
  task.data.validation = path("validation");
  task.data.test = path("test");
  task.data.patch = path("patch");
  task.data.generated = path("generated");
  reader.text("data", "input", task.data.input);
  reader.text("data", "output", task.data.output);
  reader.text("data", "id", task.data.id);
  reader.text("data", "group", task.data.group);
  reader.text("data", "source", task.data.source);
  reader.text("data", "date", task.data.date);
}

// A value as JSON; Failure (bad_input) for what JSON has not.
Json json_of(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json json = Json::object();
    for (const auto& [key, value] : *table) json[std::string(key.str())] = json_of(value);
    return json;
  }
  if (const auto* array = node.as_array()) {
    Json json = Json::array();
    for (const toml::node& item : *array) json.push_back(json_of(item));
    return json;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* whole = node.as_integer()) return whole->get();
  const auto* number = node.as_floating_point();
  if (number != nullptr && std::isfinite(number->get())) return number->get();
  fail(ErrorCode::bad_input, "line {} holds {}, which JSON has not", node.source().begin.line,
       number != nullptr ? "an infinite or undefined number" : type_name(node.type()));
}

// A table, JSON text (it begins with a brace), or the name of a file of it.
void read_schema(Reader& reader, Task& task) {
  const toml::node* node = reader.find("task", "schema");
  if (node == nullptr) return;
  try {
    if (node->is_table()) {
      task.schema = to_text(json_of(*node));
      return;
    }
    std::string text;
    if (!node->is_string()) {
      reader.add(*node, fmt::format("task.schema: expected a file name in quotes or a table [task.schema], found {}",
                                    type_name(node->type())));
      return;
    }
    reader.text("task", "schema", text);
    const bool is_json = text.starts_with('{');
    task.schema = is_json ? text : value_or_throw(read_file(task.folder / Path(text)));
    if (task.schema.empty()) {
      reader.add(*node, fmt::format("task.schema: {} is empty; write the JSON Schema there", printable(text)));
    }
  } catch (const Failure& failure) {
    reader.add(*node, fmt::format("task.schema: {}", failure.what()));
  }
}

Task read_task(Reader& reader, const Path& file) {
  Task task;
  task.file = file;
  task.folder = file.parent_path();
  task.name = std::filesystem::absolute(file).parent_path().filename().string();
  reader.text("task", "name", task.name);
  std::string kind = name_of(task.kind);
  reader.text("task", "kind", kind);
  if (const Result<Kind> known = kind_named(kind)) {
    task.kind = *known;
  } else {
    reader.add_line(reader.line_of("kind"), known.error().message);
  }
  task.metric = default_metric(task.kind);
  reader.text("task", "instruction", task.instruction);
  reader.texts("task", "labels", task.labels);
  reader.text("task", "positive", task.positive);
  reader.flag("task", "abstain", task.abstain);
  reader.flag("task", "ordered", task.ordered);
  reader.flag("task", "list_labels", task.list_labels);
  read_schema(reader, task);
  reader.flag("task", "constrain", task.constrain);
  reader.text("task", "metric", task.metric);
  task.target = reader.number("task", "target");
  task.margin = reader.number("task", "margin").value_or(task.margin);
  read_data(reader, task);
  task.circumstances.requests_per_month = reader.number("circumstances", "requests_per_month");
  task.circumstances.latency_ms = reader.number("circumstances", "latency_ms");
  reader.flag("circumstances", "private", task.circumstances.is_private);
  reader.text("circumstances", "changes", task.circumstances.changes);
  reader.text("circumstances", "compare_price", task.circumstances.compare_price);
  reader.text("model", "base", task.model);
  reader.seed("run", "seed", task.seed);
  return task;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string path_text(const Path& path, const Path& folder) { return toml_text(path_in_folder(path, folder)); }

}  // namespace

Result<Task> parse_task(std::string_view toml_text, const Path& file) {
  const std::string name = printable(file.string());
  std::size_t bad_at = 0;
  if (!is_utf8(toml_text, &bad_at)) return bad_input("{}: not UTF-8 (byte {}); save the file as UTF-8", name, bad_at);
  toml::table document;
  try {
    document = toml::parse(toml_text, file.string());
  } catch (const toml::parse_error& error) {
    return bad_input("{}:{}: not valid TOML: {}", name, error.source().begin.line, printable(error.description()));
  }
  Reader reader(document, name);
  reader.check_names();
  Task task = read_task(reader, file);
  if (const Result<void> valid = validate(task); !valid) {
    std::istringstream lines(valid.error().message);
    for (std::string line; std::getline(lines, line);) reader.add_found(line);
  }
  const std::string problems = reader.problems();
  if (!problems.empty()) return tl::unexpected<Error>(Error{ErrorCode::bad_input, problems});
  return task;
}

Result<Task> load_task(const Path& file_or_folder) {
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(file_or_folder, ignored);
  const Path file = is_folder ? file_or_folder / "hone.toml" : file_or_folder;
  if (!std::filesystem::exists(file, ignored)) {
    return bad_input("{}: no task file there; `hone init FILE.csv` writes one from your data",
                     printable(file.string()));
  }
  const Result<std::string> bytes = read_file(file);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  Result<Task> task = parse_task(*bytes, std::filesystem::absolute(file).lexically_normal());
  if (task && !task->data.patch && std::filesystem::exists(task->folder / beside_patch, ignored)) {
    task->data.patch = task->folder / beside_patch;
  }
  return task;
}

std::string task_text(const Task& task) {
  std::string out = "[task]\n";
  const auto line = [&out](const char* key, const std::string& value) { out += fmt::format("{} = {}\n", key, value); };
  line("name", toml_text(task.name));
  line("kind", toml_text(name_of(task.kind)));
  line("instruction", toml_text(task.instruction));
  if (!task.labels.empty()) {
    std::string labels;
    for (const std::string& label : task.labels) labels += (labels.empty() ? "" : ", ") + toml_text(label);
    line("labels", "[" + labels + "]");
  }
  if (!task.positive.empty()) line("positive", toml_text(task.positive));
  if (task.abstain) line("abstain", "true");
  if (task.ordered) line("ordered", "true");
  if (!task.list_labels) line("list_labels", "false");
  if (!task.schema.empty()) line("schema", toml_text(task.schema));
  if (!task.constrain) line("constrain", "false");
  line("metric", toml_text(task.metric));
  if (task.target) line("target", number_text(*task.target));
  line("margin", number_text(task.margin));
  out += "\n[data]\n";
  line("train", path_text(task.data.train, task.folder));
  if (task.data.validation) line("validation", path_text(*task.data.validation, task.folder));
  if (task.data.test) line("test", path_text(*task.data.test, task.folder));
  if (task.data.patch) line("patch", path_text(*task.data.patch, task.folder));
  if (task.data.generated) line("generated", path_text(*task.data.generated, task.folder));
  line("input", toml_text(task.data.input));
  line("output", toml_text(task.data.output));
  if (!task.data.id.empty()) line("id", toml_text(task.data.id));
  if (!task.data.group.empty()) line("group", toml_text(task.data.group));
  line("source", toml_text(task.data.source));
  if (task.data.date != DataFiles().date) line("date", toml_text(task.data.date));
  out += "\n[circumstances]\n";
  const Circumstances& around = task.circumstances;
  if (around.requests_per_month) line("requests_per_month", number_text(*around.requests_per_month));
  if (around.latency_ms) line("latency_ms", number_text(*around.latency_ms));
  line("private", around.is_private ? "true" : "false");
  line("changes", toml_text(around.changes));
  line("compare_price", toml_text(around.compare_price));
  if (!task.model.empty()) out += fmt::format("\n[model]\nbase = {}\n", toml_text(task.model));
  out += fmt::format("\n[run]\nseed = {}\n", task.seed);
  return out;
}

}  // namespace hone::data
