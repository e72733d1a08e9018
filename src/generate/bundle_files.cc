#include "generate/bundle_files.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/json.h"
#include "base/terminal.h"
#include "data/task_json.h"

namespace hone::generate {

namespace {

constexpr int format_version = 1;
constexpr std::array all_kinds = {BundleKind::majority, BundleKind::knn,   BundleKind::ngram,    BundleKind::copy,
                                  BundleKind::nearest,  BundleKind::probe, BundleKind::prompted, BundleKind::tuned};

constexpr const char* write_again = "Write the bundle again with `hone solve`, or copy it again from where it came.";

// What the JSON library says, without its "[json.exception.type_error.302] ".
std::string without_code(const std::string& message) {
  const std::size_t end = message.find("] ");
  return message.starts_with('[') && end != std::string::npos ? message.substr(end + 2) : message;
}

// A path inside the bundle: relative, no "..", written as hash_files() writes it.
bool is_inside(const std::string& name) {
  const Path path(name);
  if (name.empty() || path.is_absolute() || path.lexically_normal().generic_string() != name) return false;
  return std::none_of(path.begin(), path.end(), [](const Path& part) { return part == ".." || part == "."; });
}

Json record_json(const BundleRecord& record) {
  Json shots = Json::array();
  for (const text::Message& shot : record.shots) shots.push_back({{"role", shot.role}, {"content", shot.content}});
  Json json = {{"format", format_version},
               {"kind", name_of(record.kind)},
               {"contender", record.contender},
               {"task", data::to_json(record.task)},
               {"base_model", record.base_model},
               {"base_sha256", record.base_sha256},
               {"shots", shots},
               {"knn_shots", record.knn_shots},
               {"neighbours", record.neighbours},
               {"today", record.today},
               {"max_prompt_tokens", record.max_prompt_tokens},
               {"max_answer_tokens", record.max_answer_tokens},
               {"manifest", record.manifest},
               {"hashes", record.hashes}};
  model::record_precision(json, record.precision);
  return json;
}

int whole_number(const Json& json, const char* key, int low, int high) {
  const Json& value = json.at(key);
  if (!value.is_number_integer() || value < low || value > high) {
    fail(ErrorCode::bad_input, "its {} is {}, expected a whole number from {} to {}", key, clipped(to_text(value), 40),
         low, high);
  }
  return value.get<int>();
}

BundleRecord record_from(const Json& json) {
  BundleRecord record;
  const auto kind =
      std::find_if(all_kinds.begin(), all_kinds.end(), [&](BundleKind k) { return json.at("kind") == name_of(k); });
  if (kind == all_kinds.end()) {
    fail(ErrorCode::unsupported, "its kind is {}, which this version of Hone doesn't know", to_text(json.at("kind")));
  }
  record.kind = *kind;
  record.contender = json.at("contender").get<std::string>();
  record.task = value_or_throw(data::task_from_json(json.at("task")));
  record.base_model = json.at("base_model").get<std::string>();
  record.base_sha256 = json.at("base_sha256").get<std::string>();
  record.precision = model::recorded_precision(json);
  for (const Json& shot : json.at("shots")) {
    record.shots.push_back({shot.at("role").get<std::string>(), shot.at("content").get<std::string>()});
  }
  constexpr int most_rows = 100'000;
  constexpr int most_tokens = 100'000'000;
  record.knn_shots = whole_number(json, "knn_shots", 0, most_rows);
  record.neighbours = whole_number(json, "neighbours", 1, most_rows);
  record.today = json.at("today").get<std::string>();
  record.max_prompt_tokens = whole_number(json, "max_prompt_tokens", 1, most_tokens);
  if (json.contains("max_answer_tokens"))
    record.max_answer_tokens = whole_number(json, "max_answer_tokens", 0, most_tokens);
  record.manifest = json.at("manifest");
  record.hashes = json.at("hashes").get<std::map<std::string, std::string>>();
  return record;
}

void check_file(const Path& folder, const std::string& name, const std::string& hash) {
  if (!is_inside(name)) {
    fail(ErrorCode::bad_input, "it names the file \"{}\", which is not a plain path inside the bundle",
         printable(name));
  }
  Path path = folder;
  for (const Path& part : Path(name)) {
    path /= part;
    if (std::filesystem::is_symlink(path)) {
      fail(ErrorCode::bad_input, "{} is a link; a bundle holds plain files only", path.string());
    }
  }
  const Result<std::string> found = sha256_file(path);
  if (!found) fail(ErrorCode::bad_input, "{}", found.error().message);
  if (*found != hash) {
    fail(ErrorCode::bad_input, "{} was changed after the bundle was written: SHA-256 {} expected, {} found", name, hash,
         *found);
  }
}

// The record's text without its own hash, and that hash.
std::pair<std::string, std::string> sealed(Json json) {
  json.erase("record_sha256");
  std::string text = to_text(json);
  std::string hash = sha256_hex(text);
  return {std::move(text), std::move(hash)};
}

}  // namespace

const char* name_of(BundleKind kind) {
  switch (kind) {
    case BundleKind::majority:
      return "majority";
    case BundleKind::knn:
      return "knn";
    case BundleKind::ngram:
      return "ngram";
    case BundleKind::copy:
      return "copy";
    case BundleKind::nearest:
      return "nearest";
    case BundleKind::probe:
      return "probe";
    case BundleKind::prompted:
      return "prompted";
    case BundleKind::tuned:
      return "tuned";
  }
  return "";
}

bool is_bundle(const Path& folder) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(folder / record_file, ignored);
}

std::string record_text(const BundleRecord& record) {
  // Through text and back: what is hashed is what a reader will have after parsing.
  const Json json = value_or_throw(parse_json(to_text(record_json(record)), record_file));
  Json whole = json;
  whole["record_sha256"] = sealed(json).second;
  return to_pretty_text(whole);
}

BundleRecord read_record(const Path& folder) {
  const Path path = folder / record_file;
  const std::string text = value_or_throw(read_file(path));
  try {
    const Json json = value_or_throw(parse_json(text, "its text"));
    if (!json.is_object() || !json.contains("record_sha256")) {
      fail(ErrorCode::bad_input, "this is not the record of a bundle");
    }
    if (json.at("record_sha256") != sealed(json).second) {
      fail(ErrorCode::bad_input, "it was changed after the bundle was written");
    }
    if (json.at("format") != format_version) {
      fail(ErrorCode::unsupported, "it has format {}, this version of Hone reads {}", to_text(json.at("format")),
           format_version);
    }
    BundleRecord record = record_from(json);
    for (const auto& [name, hash] : record.hashes) check_file(folder, name, hash);
    return record;
  } catch (const Failure& failure) {
    fail(failure.code(), "{}: {}. {}", path.string(), failure.what(), write_again);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::bad_input, "{}: {}. {}", path.string(), without_code(error.what()), write_again);
  }
}

std::map<std::string, std::string> hash_files(const Path& folder) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (name != record_file) hashes[name] = value_or_throw(sha256_file(entry.path()));
  }
  return hashes;
}

std::string rows_text(const std::vector<data::Row>& rows) {
  std::string text;
  for (const data::Row& row : rows) {
    text += to_text(Json{{"id", row.id}, {"input", row.input}, {"output", row.output}}) + "\n";
  }
  return text;
}

std::vector<data::Row> read_rows(const Path& folder) {
  const Path path = folder / rows_file;
  const std::string text = value_or_throw(read_file(path));
  std::vector<data::Row> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string where = fmt::format("{}:{}", path.string(), rows.size() + 1);
    const Json json = value_or_throw(parse_json(std::string_view(text).substr(begin, end - begin), where));
    data::Row row;
    try {
      row.id = json.at("id").get<std::string>();
      row.input = json.at("input").get<std::string>();
      row.output = json.at("output").get<std::string>();
    } catch (const nlohmann::json::exception&) {
      fail(ErrorCode::bad_input, "{}: expected an object with \"id\", \"input\" and \"output\" as texts. {}", where,
           write_again);
    }
    row.line = rows.size() + 1;
    rows.push_back(std::move(row));
    begin = end + 1;
  }
  return rows;
}

}  // namespace hone::generate
