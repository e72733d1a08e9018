#include "data/export_file.h"

#include <algorithm>

#include "base/file_writer.h"
#include "base/terminal.h"
#include "data/json_write.h"
#include "data/normal_text.h"
#include "data/row_values.h"
#include "data/row_writer.h"

namespace hone::data {
namespace {

bool is_table(FileFormat format) {
  return format == FileFormat::csv || format == FileFormat::tsv || format == FileFormat::xlsx;
}

bool is_number(std::string_view text) {
  const bool has_digit = text.find_first_of("0123456789") != std::string_view::npos;
  return has_digit && text.find_first_not_of("0123456789.,+-eE%") == std::string_view::npos;
}

// One message of a chat, or one member of an object: {"role": ..., "content": ...}.
void append_member(const char* before, const char* key, std::string_view text, std::string& out) {
  out += before;
  append_json_string(key, out);
  out += ':';
  append_json_string(text, out);
}

void append_turn(const char* keys[2], const char* role, std::string_view text, std::string& out) {
  append_member(out.ends_with('[') ? "{" : ",{", keys[0], role, out);
  append_member(",", keys[1], text, out);
  out += '}';
}

struct Case {
  std::string system;
  std::string input;
  std::string output;
};

std::string chat_text(FileFormat format, const Case& one) {
  const bool is_sharegpt = format == FileFormat::sharegpt;
  const char* openai[2] = {"role", "content"};
  const char* sharegpt[2] = {"from", "value"};
  const char** keys = is_sharegpt ? sharegpt : openai;
  std::string out = is_sharegpt ? "{\"conversations\":[" : "{\"messages\":[";
  if (!one.system.empty()) append_turn(keys, "system", one.system, out);
  append_turn(keys, is_sharegpt ? "human" : "user", one.input, out);
  append_turn(keys, is_sharegpt ? "gpt" : "assistant", one.output, out);
  return out + "]}";
}

std::string case_text(FileFormat format, const Case& one) {
  if (format == FileFormat::openai_chat || format == FileFormat::sharegpt) return chat_text(format, one);
  std::string out;
  if (format == FileFormat::alpaca) {
    const bool has_system = !one.system.empty();
    append_member("{", "instruction", has_system ? one.system : one.input, out);
    append_member(",", "input", has_system ? one.input : "", out);
    append_member(",", "output", one.output, out);
  } else {
    append_member("{", "prompt", one.input, out);
    append_member(",", "completion", one.output, out);
  }
  return out + "}";
}

std::string object_text(const RawRow& row) {
  std::string out = "{";
  for (const auto& [name, value] : row.values) {
    if (out.size() > 1) out += ',';
    append_json_string(name, out);
    out += ':';
    if (value.type == ValueType::text) {
      append_json_string(value.text, out);
    } else {
      out += value.type == ValueType::null ? "null" : value.text;
    }
  }
  return out + "}";
}

// Writes rows as `spec.format` asks for.
class Export {
 public:
  Export(const ExportSpec& spec, std::vector<std::string> columns, ExportReport& report)
      : spec_(spec),
        input_(value_or_throw(ColumnTemplate::parse(spec.input))),
        columns_(std::move(columns)),
        report_(report) {
    if (spec.format == FileFormat::xlsx) {
      sheet_.emplace(spec.out, columns_);
    } else {
      file_.emplace(spec.out);
    }
    if (spec.format == FileFormat::json) file_->write("[");
    if (spec.format == FileFormat::csv || spec.format == FileFormat::tsv) write_header();
  }

  void take(const RawRow& row) {
    const Checked line = row.why.empty() ? written(row) : Checked(reject(row.reason, row.why));
    if (line) {
      ++report_.rows;
      return;
    }
    if (report_.left_out++ > 0) return;
    report_.first_left_out = line.error();
    report_.first_left_out->line = row.line;
  }

  void commit() {
    if (spec_.format == FileFormat::json) file_->write("\n]\n");
    if (sheet_) sheet_->commit();
    if (file_) file_->commit();
  }

 private:
  Checked written(const RawRow& row) {
    if (sheet_) {
      const std::string why = sheet_->write(row);
      if (!why.empty()) return reject("too-long", why);
      return std::string();
    }
    if (is_table(spec_.format)) {
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const RawValue* value = row.find(columns_[i]);
        write_field(i, value == nullptr ? std::string_view() : std::string_view(value->text));
      }
      file_->write("\n");
      return std::string();
    }
    Checked text = spec_.format == FileFormat::jsonl || spec_.format == FileFormat::json ? Checked(object_text(row))
                                                                                         : case_of(row);
    if (!text) return text;
    if (spec_.format == FileFormat::json) file_->write(report_.rows == 0 ? "\n" : ",\n");
    file_->write(*text);
    if (spec_.format != FileFormat::json) file_->write("\n");
    return text;
  }

  Checked case_of(const RawRow& row) const {
    Checked input = template_text(row, input_);
    if (!input) return input;
    Checked output = column_text(row, spec_.output);
    if (!output) return output;
    std::string system = optional_text(row, "system");
    if (system.empty()) system = spec_.system;
    return case_text(spec_.format, {std::move(system), std::move(*input), std::move(*output)});
  }

  void write_header() {
    for (std::size_t i = 0; i < columns_.size(); ++i) write_field(i, columns_[i]);
    file_->write("\n");
  }

  void write_field(std::size_t column, std::string_view text) {
    const char delimiter = spec_.format == FileFormat::tsv ? '\t' : ',';
    if (column > 0) file_->write({&delimiter, 1});
    std::string field;
    if (looks_like_formula(text)) {
      field = "'";
      ++report_.escaped;
    }
    field += text;
    const bool needs_quotes = field.find_first_of("\"\r\n") != std::string::npos ||
                              field.find(delimiter) != std::string::npos || (columns_.size() == 1 && field.empty());
    if (!needs_quotes) return file_->write(field);
    std::string quoted = "\"";
    for (const char c : field) quoted += c == '"' ? std::string(2, c) : std::string(1, c);
    file_->write(quoted + '"');
  }

  const ExportSpec& spec_;
  ColumnTemplate input_;
  std::vector<std::string> columns_;
  ExportReport& report_;
  std::optional<FileWriter> file_;
  std::optional<XlsxWriter> sheet_;
};

// All columns of the file: a table's first line names them before any row is written.
Result<std::vector<std::string>> columns_in(const ExportSpec& spec) {
  ReadSpec reading = spec.read;
  reading.on_progress = nullptr;
  Result<RawFile> read = read_raw_file(spec.file, reading, [](RawRow&&) {});
  if (!read) return tl::unexpected<Error>(read.error());
  return std::move(read->columns);
}

}  // namespace

bool looks_like_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos && !is_number(text);
}

Result<ExportReport> export_file(const ExportSpec& spec) {
  if (spec.format == FileFormat::promptfoo || spec.format == FileFormat::lm_eval) {
    return make_error(ErrorCode::usage, "--format: {} is read, but not written", name_of(spec.format));
  }
  if (const auto input = ColumnTemplate::parse(spec.input); !input) {
    return make_error(ErrorCode::usage, "--input: {}", input.error().message);
  }
  std::vector<std::string> columns;
  if (is_table(spec.format)) {
    Result<std::vector<std::string>> found = columns_in(spec);
    if (!found) return tl::unexpected<Error>(found.error());
    columns = std::move(*found);
  }
  ExportReport report;
  Export out(spec, std::move(columns), report);
  ReadSpec reading = spec.read;
  reading.on_progress = [&](std::uint64_t done) {
    report.is_stopped = spec.read.on_progress && !spec.read.on_progress(done);
    return !report.is_stopped;
  };
  const Result<RawFile> read = read_raw_file(spec.file, reading, [&](RawRow&& row) { out.take(row); });
  if (!read) return tl::unexpected<Error>(read.error());
  if (report.is_stopped) return report;
  if (report.rows == 0) {
    return bad_input("{}: no row to write; {}", printable(spec.file.string()),
                     report.first_left_out ? fmt::format("the first: line {}: {}", report.first_left_out->line,
                                                         report.first_left_out->why)
                                           : "it holds none at all");
  }
  out.commit();
  return report;
}

}  // namespace hone::data
