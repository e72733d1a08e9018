// What a JSON answer says that its input does not.
#include <algorithm>
#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t fewest_values = 20;
constexpr double copied_share = 0.9;  // of a key's values: from here on the key is one that copies
constexpr std::size_t most_examples = 5;

struct Value {
  const Row* row;
  std::string text;
};

struct KeyValues {
  std::size_t all = 0;
  std::vector<Value> absent;  // from the row's input
};

// Every text in `json` under its path, array places left out ("slots/artist").
void collect(const Json& json, const std::string& path, const Row& row, std::map<std::string, KeyValues>& keys) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) collect(value, path.empty() ? key : path + "/" + key, row, keys);
    return;
  }
  if (json.is_array()) {
    for (const Json& value : json) collect(value, path, row, keys);
    return;
  }
  if (!json.is_string()) return;
  const std::string value = folded_text(json.get<std::string>());
  if (value.empty()) return;
  KeyValues& known = keys[path];
  ++known.all;
  if ((" " + folded_text(row.input) + " ").find(value) == std::string::npos)
    known.absent.push_back({&row, json.get<std::string>()});
}

}  // namespace

void check_values(const CheckInput& input, Findings& findings) {
  std::map<std::string, KeyValues> keys;
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) {
      if (const Json json = Json::parse(row.output, nullptr, false); !json.is_discarded()) collect(json, "", row, keys);
    }
  }
  std::vector<const Row*> rows;
  Json counts = Json::object();
  Json examples = Json::array();
  for (const auto& [path, values] : keys) {
    if (values.all < fewest_values || values.absent.empty()) continue;
    if (share(values.all - values.absent.size(), values.all) < copied_share) continue;
    counts[path] = {{"values", values.all}, {"absent", values.absent.size()}};
    for (const Value& value : values.absent) {
      rows.push_back(value.row);
      if (examples.size() == most_examples) continue;
      examples.push_back({{"line", value.row->line},
                          {"why", fmt::format("{} is \"{}\", which \"{}\" does not hold", clipped(path, 40),
                                              clipped(value.text, 40), clipped(value.row->input, 60))},
                          {"id", value.row->id}});
      if (const Path file = file_of(input, *value.row); file != input.task->data.train)
        examples.back()["file"] = file.filename().string();
    }
  }
  if (rows.empty()) return;
  Finding finding;
  finding.id = "value-not-in-input";
  finding.severity = Severity::warning;
  finding.title = fmt::format("{} not in the input, though other rows copy from there: it would have to be made up.",
                              count_of(rows.size(), "value is", "values are"));
  finding.evidence = Json{{"values", rows.size()}, {"keys", std::move(counts)}, {"examples", std::move(examples)}};
  for (const Row* row : rows) finding.rows.push_back(row->id);
  finding.suggestion = "Write each value as the input has it, or leave it out.";
  finding.command = show_rows_command(input, rows);
  findings.push_back(std::move(finding));
}

// Answers of a text task that are JSON nearly always: those that are not are broken.
void check_unparsable(const CheckInput& input, Findings& findings) {
  constexpr double usual_share = 0.9;
  std::vector<const Row*> broken;
  std::size_t structures = 0;
  for (const Row& row : input.train) {
    const Json json = Json::parse(row.output, nullptr, false);
    if (!json.is_discarded() && json.is_structured()) {
      ++structures;
    } else {
      broken.push_back(&row);
    }
  }
  if (broken.empty() || share(structures, input.train.size()) < usual_share) return;
  Finding finding;
  finding.id = "unparsable";
  finding.severity = Severity::warning;
  finding.title = fmt::format("{} of {} answers are not JSON, and the others are.", broken.size(), input.train.size());
  finding.evidence = Json{{"rows", broken.size()}, {"json", structures}, {"examples", Json::array()}};
  for (const Row* row : broken) {
    finding.rows.push_back(row->id);
    if (finding.evidence["examples"].size() < most_examples)
      finding.evidence["examples"].push_back({{"line", row->line}, {"why", clipped(row->output, 80)}, {"id", row->id}});
  }
  finding.suggestion = "Correct them, and set kind = \"json\" in hone.toml, with a schema if there is one.";
  finding.command = show_rows_command(input, broken);
  findings.push_back(std::move(finding));
}

}  // namespace hone::data
