#include "cli/redacted_rows.h"

#include "base/files.h"
#include "base/json.h"
#include "base/terminal.h"
#include "data/personal_data.h"

namespace hone::cli {
namespace {

Json redacted_row(const data::Row& row, const data::Task& task) {
  Json json = Json::object();
  if (!task.data.id.empty()) json["id"] = row.id;
  json["input"] = data::redacted(row.input);
  // Of a JSON answer the texts alone are touched, so that it stays JSON: what stands for something holds no quote.
  json["output"] = data::redacted(row.output);
  if (!row.rationale.empty()) json["rationale"] = data::redacted(row.rationale);
  if (!task.data.group.empty() && !row.group.empty()) json["group"] = row.group;
  if (!row.source.empty()) json["source"] = row.source;
  return json;
}

}  // namespace

void write_redacted(const std::string& folder, const data::CheckInput& input) {
  const Path out = folder;
  std::filesystem::create_directories(out);
  const std::pair<const char*, const std::vector<data::Row>*> files[] = {
      {"train.jsonl", &input.train}, {"validation.jsonl", &input.validation}, {"test.jsonl", &input.test}};
  for (const auto& [name, rows] : files) {
    if (!rows->empty() && std::filesystem::exists(out / name)) {
      fail(ErrorCode::bad_input, "{}: there is a file already; name a new folder for --redact",
           printable((out / name).string()));
    }
  }
  for (const auto& [name, rows] : files) {
    if (rows->empty()) continue;
    std::string lines;
    for (const data::Row& row : *rows) lines += to_text(redacted_row(row, *input.task)) + "\n";
    write_file(out / name, lines);
  }
}

}  // namespace hone::cli
