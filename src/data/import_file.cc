#include "data/import_file.h"

#include <algorithm>

#include "base/file_writer.h"
#include "base/json.h"
#include "base/terminal.h"
#include "data/column_template.h"
#include "data/guess_table.h"
#include "data/json_write.h"
#include "data/normal_text.h"
#include "data/row_values.h"

namespace hone::data {
namespace {

constexpr std::size_t rows_to_guess_from = 2000;
constexpr std::size_t kept_of_a_rejected_row = 100'000;  // bytes

// The texts between separators, trimmed, each once.
std::vector<std::string> labels_in(std::string_view text, const std::string& separator) {
  std::vector<std::string> labels;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string label = canonical_text(text.substr(begin, end - begin));
    const bool is_new = std::find(labels.begin(), labels.end(), label) == labels.end();
    if (!label.empty() && is_new) labels.push_back(std::move(label));
    begin = end + separator.size();
  }
  return labels;
}

class RowImport {
 public:
  RowImport(const ImportSpec& spec, ColumnTemplate input, std::vector<std::string> outputs)
      : spec_(spec), input_(std::move(input)), outputs_(std::move(outputs)) {
    others_ = {{"id", spec.id},         {"rationale", spec.rationale}, {"group", spec.group},
               {"source", spec.source}, {"date", spec.date},           {"labels_by", "labels_by"}};
  }

  // The line to write for a row.
  Checked line(const RawRow& row) const {
    if (!row.why.empty()) return reject(row.reason, row.why);
    const Checked input = template_text(row, input_);
    if (!input) return input;
    std::string text = "{\"input\":";
    append_json_string(*input, text);
    text += ",\"output\":";
    if (const Checked output = append_output(row, text); !output) return output;
    for (const auto& [name, column] : others_) append_other(row, name, column, text);
    text += "}\n";
    return text;
  }

 private:
  // Numbers and texts are labels or texts alike; structures stay JSON.
  static void append_value(const RawValue& value, std::string& text) {
    if (value.type == ValueType::structure) {
      text += value.text;
    } else {
      append_json_string(value.text, text);
    }
  }

  Checked append_output(const RawRow& row, std::string& text) const {
    if (outputs_.size() > 1) return append_object(row, text);
    Checked output = column_text(row, outputs_.front());
    if (!output) return output;
    const RawValue& value = *row.find(outputs_.front());
    if (spec_.label_separator.empty() || value.type == ValueType::structure) {
      append_value(value, text);
      return output;
    }
    text += '[';
    const char* comma = "";
    for (const std::string& label : labels_in(*output, spec_.label_separator)) {
      text += comma;
      append_json_string(label, text);
      comma = ",";
    }
    text += ']';
    return output;
  }

  Checked append_object(const RawRow& row, std::string& text) const {
    const char* before = "{";
    bool is_any_filled = false;
    for (const std::string& name : outputs_) {
      const RawValue* value = row.find(name);
      if (value == nullptr) return reject("missing-column", fmt::format("\"{}\" is missing", printable(name)));
      text += before;
      append_json_string(name, text);
      text += ':';
      // A document keeps its numbers and flags.
      const bool is_plain = value->type == ValueType::number || value->type == ValueType::flag;
      if (value->type == ValueType::null || (!is_plain && is_blank(value->text))) {
        text += "null";
      } else if (is_plain) {
        text += value->text;
      } else {
        append_value(*value, text);
      }
      is_any_filled = is_any_filled || !is_blank(value->text);
      before = ",";
    }
    text += '}';
    if (!is_any_filled) return reject("empty", "empty: none of the output columns holds anything");
    return std::string();
  }

  void append_other(const RawRow& row, const char* name, const std::string& column, std::string& text) const {
    std::string value = optional_text(row, column);
    if (value.empty() && column == "labels_by") value = spec_.labels_by;
    if (value.empty()) return;
    text += fmt::format(",\"{}\":", name);
    append_json_string(value, text);
  }

  const ImportSpec& spec_;
  ColumnTemplate input_;
  std::vector<std::string> outputs_;
  std::vector<std::pair<const char*, std::string>> others_;
};

// Rows that cannot be used, with line and reason, in a file made when the first one comes.
class RejectedRows {
 public:
  RejectedRows(Path path, ImportReport& report) : path_(std::move(path)), report_(report) {}

  void add(const RawRow& row, Rejected rejected) {
    rejected.line = row.line;
    if (!writer_) writer_.emplace(path_);
    std::string text = fmt::format("{{\"line\":{},\"reason\":", row.line);
    append_json_string(rejected.reason, text);
    text += ",\"why\":";
    append_json_string(rejected.why, text);
    if (!row.bytes.empty()) {
      text += ",\"row\":";
      append_json_string(row.bytes.substr(0, kept_of_a_rejected_row), text);
      if (row.bytes.size() > kept_of_a_rejected_row) text += fmt::format(",\"row_bytes\":{}", row.bytes.size());
    }
    text += "}\n";
    writer_->write(text);
    ++report_.rejected;
    ++report_.reasons[rejected.reason];
    if (!report_.first_rejected) report_.first_rejected = std::move(rejected);
  }

  void commit() {
    if (writer_) {
      writer_->commit();
      report_.rejected_file = path_;
    } else {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);  // of an import before this one
    }
  }

 private:
  Path path_;
  ImportReport& report_;
  std::optional<FileWriter> writer_;
};

Error no_columns(const ImportSpec& spec, const Table& table) {
  std::string why = "expected two columns with text, an input and its answer; found " +
                    (table.columns.empty() ? "none" : name_list(table.names(), 12));
  if (table.columns.empty() && table.unreadable > 0) {
    why = fmt::format("no usable row; the first: line {}: {}", table.first_unreadable.line, table.first_unreadable.why);
  } else if (!table.columns.empty()) {
    why += "; name them with --input and --output";
  }
  return {ErrorCode::bad_input, fmt::format("{}: {}", printable(spec.file.string()), why)};
}

// Fills in what the spec leaves open.
Result<void> choose_columns(const ImportSpec& spec, ImportReport& report) {
  report.input = spec.input;
  report.outputs = spec.outputs;
  if (!spec.input.empty() && !spec.outputs.empty()) return {};
  ReadSpec head = spec.read;
  head.most_rows = rows_to_guess_from;
  head.on_progress = nullptr;
  const Result<Table> table = read_table(spec.file, head);
  if (!table) return tl::unexpected<Error>(table.error());
  const ColumnGuess guess = guess_columns(*table);
  if (report.input.empty()) {
    report.input = guess.input;
    report.notes.push_back("input: " + guess.input_why);
  }
  if (report.outputs.empty() && !guess.output.empty()) {
    report.outputs = {guess.output};
    report.notes.push_back("output: " + guess.output_why);
  }
  if (report.input.empty() || report.outputs.empty()) return tl::unexpected<Error>(no_columns(spec, *table));
  return {};
}

// What a named column that stands in no row is most likely meant to be.
Result<void> check_named(const ImportSpec& spec, const ImportReport& report, const std::vector<std::string>& columns) {
  std::vector<std::string> named = report.outputs;
  const ColumnTemplate input = value_or_throw(ColumnTemplate::parse(report.input));
  named.insert(named.end(), input.columns().begin(), input.columns().end());
  for (const std::string& name : named) {
    if (columns.empty() || std::find(columns.begin(), columns.end(), name) != columns.end()) continue;
    const std::string near = nearest_name(name, columns);
    return bad_input("{}: no column \"{}\" in any row; found {}{}", printable(spec.file.string()), printable(name),
                     name_list(columns, 12),
                     near.empty() ? "" : fmt::format("; did you mean \"{}\"?", printable(near)));
  }
  return {};
}

}  // namespace

Path rejected_file_of(const Path& out) {
  Path file = out;
  return file.replace_extension(".rejected.jsonl");
}

Result<ImportReport> import_file(const ImportSpec& spec) {
  ImportReport report;
  if (const Result<void> chosen = choose_columns(spec, report); !chosen) return tl::unexpected<Error>(chosen.error());
  Result<ColumnTemplate> input = ColumnTemplate::parse(report.input);
  if (!input) return make_error(ErrorCode::usage, "--input: {}", input.error().message);
  const RowImport import(spec, std::move(*input), report.outputs);
  RejectedRows rejected(rejected_file_of(spec.out), report);
  FileWriter writer(spec.out);
  ReadSpec reading = spec.read;
  reading.on_progress = [&](std::uint64_t done) {
    report.is_stopped = spec.read.on_progress && !spec.read.on_progress(done);
    return !report.is_stopped;
  };
  const Result<RawFile> read = read_raw_file(spec.file, reading, [&](RawRow&& row) {
    Checked line = import.line(row);
    if (line) {
      writer.write(*line);
      ++report.rows;
    } else {
      rejected.add(row, std::move(line.error()));
    }
  });
  if (!read) return tl::unexpected<Error>(read.error());
  if (report.is_stopped) return report;
  report.format = read->format;
  report.bytes = read->bytes;
  report.notes.insert(report.notes.end(), read->notes.begin(), read->notes.end());
  if (const auto named = check_named(spec, report, read->columns); !named) return tl::unexpected<Error>(named.error());
  rejected.commit();
  if (report.rows == 0) {
    return bad_input("{}: no usable row; {}", printable(spec.file.string()),
                     report.first_rejected ? fmt::format("the first: line {}: {}", report.first_rejected->line,
                                                         report.first_rejected->why)
                                           : "it holds none at all");
  }
  writer.commit();
  return report;
}

}  // namespace hone::data
