#include <unordered_map>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/normal_text.h"
#include "data/output_schema.h"
#include "data/raw_rows.h"
#include "data/row.h"
#include "data/row_values.h"

namespace hone::data {
namespace {

class RowBuilder {
 public:
  explicit RowBuilder(const Task& task) : task_(task), input_(value_or_throw(ColumnTemplate::parse(task.data.input))) {
    if (!task.schema.empty()) schema_.emplace(value_or_throw(OutputSchema::compile(task.schema)));
  }

  tl::expected<Row, Rejected> build(const RawRow& raw) {
    if (!raw.why.empty()) return reject(raw.reason, raw.why);
    Row row;
    row.line = raw.line;
    Checked input = template_text(raw, input_);
    if (!input) return tl::unexpected<Rejected>(input.error());
    row.input = std::move(*input);
    Checked output = output_of(raw);
    if (!output) return tl::unexpected<Rejected>(output.error());
    row.output = std::move(*output);
    row.rationale = optional_text(raw, "rationale");
    row.group = optional_text(raw, task_.data.group);
    row.source = optional_text(raw, task_.data.source);
    row.date = optional_text(raw, task_.data.date);
    row.labels_by = optional_text(raw, "labels_by");
    row.made_from = optional_text(raw, "made_from");
    if (!task_.data.id.empty()) {
      Checked id = column_text(raw, task_.data.id);
      if (!id) return tl::unexpected<Rejected>(id.error());
      row.id = canonical_text(*id);
    } else {
      const std::string hash = sha256_hex(canonical_text(row.input)).substr(0, 16);
      row.id = fmt::format("{}-{}", hash, ++equals_[hash]);
    }
    return row;
  }

 private:
  Checked output_of(const RawRow& raw) {
    const std::string& name = task_.data.output;
    Checked text = column_text(raw, name);
    if (!text) return text;
    const ValueType type = raw.find(name)->type;
    if (task_.kind == Kind::json) {
      if (type == ValueType::text) {
        if (const Result<Json> json = parse_json(*text, "\"" + printable(name) + "\""); !json) {
          return reject("not-json", json.error().message);
        }
      }
      return in_schema(std::move(*text));
    }
    if (type == ValueType::structure) {
      return reject("wrong-type", fmt::format("\"{}\": expected {}, found {}", printable(name),
                                              task_.kind == Kind::classify ? "a label" : "a text", name_of(type)));
    }
    return task_.kind == Kind::classify ? label_of(*text) : text;
  }

  Checked in_schema(std::string output) {
    const std::optional<Breach> breach = schema_ ? schema_->breach(output) : std::nullopt;
    if (!breach) return output;
    tl::unexpected<Rejected> rejected = reject(
        "breaks-schema", fmt::format("\"{}\" breaks the task's schema at {}{}", printable(task_.data.output),
                                     breach->pointer.empty() ? "its top" : clipped(breach->pointer, 80),
                                     breach->keyword.empty() ? ""
                                                             : fmt::format(": {} ({})", printable(breach->keyword),
                                                                           clipped(breach->place, 80))));
    rejected.value().pointer = breach->pointer;
    rejected.value().keyword = breach->keyword;
    return rejected;
  }

  Checked label_of(const std::string& text) const {
    const std::string label = canonical_text(text);
    if (std::find(task_.labels.begin(), task_.labels.end(), label) != task_.labels.end()) return label;
    const std::string near = nearest_name(label, task_.labels);
    return reject("unknown-label",
                  fmt::format("unknown label \"{}\"; labels are {}{}", clipped(label, 60), name_list(task_.labels, 8),
                              near.empty() ? "" : fmt::format("; did you mean \"{}\"?", printable(near))));
  }

  const Task& task_;
  ColumnTemplate input_;
  std::optional<OutputSchema> schema_;
  std::unordered_map<std::string, std::size_t> equals_;  // accepted rows of each hash
};

// A named column that stands in no row is a mistake in the task or the wrong file.
Result<void> check_columns(const Path& file, const Task& task, const std::vector<std::string>& columns) {
  std::vector<std::pair<const char*, std::string>> named;
  const ColumnTemplate input = value_or_throw(ColumnTemplate::parse(task.data.input));
  for (const std::string& column : input.columns()) named.emplace_back("input", column);
  named.insert(named.end(), {{"output", task.data.output}, {"id", task.data.id}, {"group", task.data.group}});
  for (const auto& [key, name] : named) {
    if (name.empty() || std::find(columns.begin(), columns.end(), name) != columns.end()) continue;
    const std::string near = nearest_name(name, columns);
    return bad_input("{}: no column \"{}\" in any row (data.{} of the task); found {}{}", printable(file.string()),
                     printable(name), key, name_list(columns, 12),
                     near.empty() ? fmt::format("; set {} = \"...\" in [data]", key)
                                  : fmt::format("; did you mean {} = \"{}\"?", key, printable(near)));
  }
  return {};
}

Result<void> check_file_ids(const Path& file, const Task& task, const std::vector<Row>& rows) {
  if (task.data.id.empty()) return {};
  std::unordered_map<std::string_view, std::size_t> lines;
  for (const Row& row : rows) {
    const auto [found, is_new] = lines.emplace(row.id, row.line);
    if (is_new) continue;
    return bad_input(
        "{}: the id \"{}\" stands in line {} and in line {}; make ids unique, or remove data.id from the task "
        "and Hone makes its own",
        printable(file.string()), clipped(row.id, 60), found->second, row.line);
  }
  return {};
}

}  // namespace

bool is_generated(const Row& row) { return row.source.starts_with("generated") || !row.made_from.empty(); }

std::vector<std::string> inputs_of(const std::vector<Row>& rows) {
  std::vector<std::string> inputs;
  inputs.reserve(rows.size());
  for (const Row& row : rows) inputs.push_back(row.input);
  return inputs;
}

Result<Imported> import_rows(const Path& file, const Task& task) {
  Imported imported;
  RowBuilder builder(task);
  bool any_readable = false;
  const Result<std::vector<std::string>> columns = read_raw_rows(file, [&](RawRow&& raw) {
    any_readable = any_readable || raw.why.empty();
    tl::expected<Row, Rejected> row = builder.build(raw);
    if (row) {
      imported.rows.push_back(std::move(*row));
    } else {
      imported.rejected.push_back(std::move(row.error()));
      imported.rejected.back().line = raw.line;
      imported.rejected.back().file = file.filename().string();
    }
  });
  if (!columns) return tl::unexpected<Error>(columns.error());
  // Where no line of a JSONL file could be read its columns are not known; each line is rejected with its own reason.
  if (any_readable || !columns->empty()) {
    if (const Result<void> named = check_columns(file, task, *columns); !named) {
      return tl::unexpected<Error>(named.error());
    }
  }
  if (const Result<void> unique = check_file_ids(file, task, imported.rows); !unique) {
    return tl::unexpected<Error>(unique.error());
  }
  imported.columns = *columns;
  return imported;
}

Result<DataIdentity> identify(const Path& file, const Imported& imported) {
  const Result<std::string> hash = sha256_file(file);
  if (!hash) return tl::unexpected<Error>(hash.error());
  return DataIdentity{*hash, imported.rows.size()};
}

}  // namespace hone::data
