#include "data/label_file.h"

#include <algorithm>
#include <unordered_set>

#include "base/json.h"
#include "base/terminal.h"
#include "data/column_template.h"
#include "data/guess_table.h"
#include "data/normal_text.h"
#include "data/row_values.h"

namespace hone::data {
namespace {

// The usual name, else the column with the most text.
Result<std::string> input_column(const Path& file) {
  const Result<Table> table = read_table(file, {.most_rows = 2000});
  if (!table) return tl::unexpected<Error>(table.error());
  if (const Column* named =
          named_column(*table, {"input", "text", "message", "prompt", "question", "content", "body"})) {
    return named->name;
  }
  const Column* longest = nullptr;
  for (const Column& column : table->columns) {
    if (column.filled > 0 && (longest == nullptr || column.bytes > longest->bytes)) longest = &column;
  }
  if (longest == nullptr) return bad_input("{}: no row with a text", printable(file.string()));
  return longest->name;
}

Result<PersonLabel> label_from(std::string_view line, const std::string& where) {
  const Result<Json> json = parse_json(line, where);
  if (!json) return tl::unexpected<Error>(json.error());
  try {
    PersonLabel label;
    label.input = json->at("input").get<std::string>();
    label.output = json->value("output", std::string());
    label.labels_by = json->value("labels_by", std::string());
    label.labelled_on = json->value("labelled_on", std::string());
    label.seconds = json->value("seconds", 0.0);
    return label;
  } catch (const nlohmann::json::exception& error) {
    return bad_input("{}: expected {{input, output, labels_by, labelled_on}}: {}", where, printable(error.what()));
  }
}

Result<void> read_part(const Path& file, std::vector<PersonLabel>& labels) {
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) return {};
  const Result<std::string> text = read_file(file);
  if (!text) return tl::unexpected<Error>(text.error());
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    const std::string_view line = std::string_view(*text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (is_blank(line)) continue;
    Result<PersonLabel> label = label_from(line, fmt::format("{}:{}", printable(file.string()), number));
    if (!label) return tl::unexpected<Error>(label.error());
    labels.push_back(std::move(*label));
  }
  return {};
}

}  // namespace

Path unsure_file_of(const Path& file) { return file.parent_path() / (file.stem().string() + ".unsure.jsonl"); }

Result<std::vector<PersonLabel>> read_labels(const Path& file) {
  std::vector<PersonLabel> labels;
  for (const Path& part : {file, unsure_file_of(file)}) {
    if (const Result<void> read = read_part(part, labels); !read) return tl::unexpected<Error>(read.error());
  }
  return labels;
}

void write_labels(const Path& file, const std::vector<PersonLabel>& labels) {
  std::string sure;
  std::string unsure;
  for (const PersonLabel& label : labels) {
    Json json = {{"input", label.input}};
    if (!label.output.empty()) json["output"] = label.output;
    json["labels_by"] = label.labels_by;
    json["labelled_on"] = label.labelled_on;
    json["seconds"] = label.seconds;
    (label.output.empty() ? unsure : sure) += to_text(json) + "\n";
  }
  std::error_code missing;
  if (!sure.empty() || std::filesystem::exists(file, missing)) write_file(file, sure);
  if (!unsure.empty() || std::filesystem::exists(unsure_file_of(file), missing)) {
    write_file(unsure_file_of(file), unsure);
  }
}

Result<std::vector<std::string>> unlabelled_inputs(const Path& file, const std::string& input) {
  std::string column = input;
  if (column.empty()) {
    const Result<std::string> guessed = input_column(file);
    if (!guessed) return tl::unexpected<Error>(guessed.error());
    column = *guessed;
  }
  const Result<ColumnTemplate> columns = ColumnTemplate::parse(column);
  if (!columns) return tl::unexpected<Error>(columns.error());
  std::vector<std::string> inputs;
  std::unordered_set<std::string> seen;
  std::string first_why;
  const auto read = read_raw_rows(file, [&](RawRow&& row) {
    if (!row.why.empty()) return;
    Checked text = template_text(row, *columns);
    if (!text) {
      if (first_why.empty()) first_why = fmt::format("line {}: {}", row.line, text.error().why);
    } else if (seen.insert(canonical_text(*text)).second) {
      inputs.push_back(std::move(*text));
    }
  });
  if (!read) return tl::unexpected<Error>(read.error());
  if (!inputs.empty()) return inputs;
  return bad_input("{}: no row with a text in \"{}\"{}; name the column with --input", printable(file.string()),
                   printable(column), first_why.empty() ? "" : fmt::format(" ({})", first_why));
}

}  // namespace hone::data
