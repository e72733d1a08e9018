#include <unordered_map>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/normal_text.h"
#include "data/output_schema.h"
#include "data/raw_rows.h"
#include "data/row.h"

namespace hone::data {
namespace {

using Checked = tl::expected<std::string, Rejected>;

tl::unexpected<Rejected> reject(std::string reason, std::string why) {
  return tl::unexpected<Rejected>(Rejected{0, std::move(why), std::move(reason), {}});
}

bool is_blank(std::string_view text) { return canonical_text(text).empty(); }

// A text's bounds, whichever column it stands in. NUL may come from a JSON escape, so it is looked for here again.
Checked checked_text(const std::string& column, std::string text) {
  if (is_blank(text)) return reject("empty", fmt::format("empty: \"{}\" holds no text", printable(column)));
  if (text.size() >= too_long_bytes) {
    return reject("too-long", fmt::format("\"{}\" is {} bytes long; texts of {} bytes and more are refused; shorten it",
                                          printable(column), text.size(), too_long_bytes));
  }
  if (text.find('\0') != std::string::npos) {
    return reject("nul", fmt::format("\"{}\" holds a NUL character; remove it", printable(column)));
  }
  return text;
}

class RowBuilder {
 public:
  explicit RowBuilder(const Task& task) : task_(task) {
    if (!task.schema.empty()) schema_.emplace(value_or_throw(OutputSchema::compile(task.schema)));
  }

  tl::expected<Row, Rejected> build(const RawRow& raw) {
    if (!raw.why.empty()) return reject(raw.reason, raw.why);
    Row row;
    row.line = raw.line;
    Checked input = column(raw, task_.data.input);
    if (!input) return tl::unexpected<Rejected>(input.error());
    row.input = std::move(*input);
    Checked output = output_of(raw);
    if (!output) return tl::unexpected<Rejected>(output.error());
    row.output = std::move(*output);
    row.rationale = optional_column(raw, "rationale");
    row.group = optional_column(raw, task_.data.group);
    row.source = optional_column(raw, task_.data.source);
    if (!task_.data.id.empty()) {
      Checked id = column(raw, task_.data.id);
      if (!id) return tl::unexpected<Rejected>(id.error());
      row.id = canonical_text(*id);
    } else {
      const std::string hash = sha256_hex(canonical_text(row.input)).substr(0, 16);
      row.id = fmt::format("{}-{}", hash, ++equals_[hash]);
    }
    return row;
  }

 private:
  static Checked column(const RawRow& raw, const std::string& name) {
    const RawValue* value = raw.find(name);
    if (value == nullptr) return reject("missing-column", fmt::format("\"{}\" is missing", printable(name)));
    if (value->type == ValueType::null) return reject("empty", fmt::format("empty: \"{}\" is null", printable(name)));
    return checked_text(name, value->text);
  }

  static std::string optional_column(const RawRow& raw, const std::string& name) {
    const RawValue* value = name.empty() ? nullptr : raw.find(name);
    return value == nullptr || is_blank(value->text) ? std::string() : value->text;
  }

  Checked output_of(const RawRow& raw) {
    const std::string& name = task_.data.output;
    Checked text = column(raw, name);
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
  std::optional<OutputSchema> schema_;
  std::unordered_map<std::string, std::size_t> equals_;  // accepted rows of each hash
};

// A named column that stands in no row is a mistake in the task or the wrong file.
Result<void> check_columns(const Path& file, const Task& task, const std::vector<std::string>& columns) {
  const std::pair<const char*, const std::string*> named[] = {
      {"input", &task.data.input}, {"output", &task.data.output}, {"id", &task.data.id}, {"group", &task.data.group}};
  for (const auto& [key, name] : named) {
    if (name->empty() || std::find(columns.begin(), columns.end(), *name) != columns.end()) continue;
    const std::string near = nearest_name(*name, columns);
    return bad_input("{}: no column \"{}\" in any row (data.{} of the task); found {}{}", printable(file.string()),
                     printable(*name), key, name_list(columns, 12),
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
