#include "data/review.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/normal_text.h"
#include "data/output_schema.h"
#include "data/row_values.h"

namespace hone::data {
namespace {

constexpr int version = 1;
constexpr const char* header_key = "hone_review";
constexpr std::size_t hash_digits = 32;
constexpr std::array actions = {Action::keep, Action::relabel, Action::drop, Action::note, Action::judge};

Json to_json(const Decision& decision) {
  return {{"id", decision.id},       {"content", decision.content}, {"action", name_of(decision.action)},
          {"value", decision.value}, {"note", decision.note},       {"side", decision.side},
          {"who", decision.who},     {"when", decision.when}};
}

Result<Decision> decision_from(const Json& json, const std::string& where) {
  try {
    Decision decision;
    decision.id = json.at("id").get<std::string>();
    decision.content = json.at("content").get<std::string>();
    const auto action = json.at("action").get<std::string>();
    const auto* known = std::find_if(actions.begin(), actions.end(), [&](Action a) { return action == name_of(a); });
    if (known == actions.end()) {
      return bad_input("{}: action: expected keep, relabel, drop, note or judge; found \"{}\"", where,
                       clipped(action, 40));
    }
    decision.action = *known;
    decision.value = json.value("value", std::string());
    decision.note = json.value("note", std::string());
    decision.side = json.value("side", std::string());
    decision.who = json.value("who", std::string());
    decision.when = json.value("when", std::string());
    return decision;
  } catch (const nlohmann::json::exception& error) {
    return bad_input("{}: expected a decision {{id, content, action, ...}}: {}", where, printable(error.what()));
  }
}

Result<void> check_header(const Json& json, const std::string& where) {
  const bool has_version = json.is_object() && json.contains(header_key) && json.at(header_key).is_number_integer();
  if (!has_version) {
    return bad_input("{}: expected {{\"{}\": {}}}, the first line of a review; is this another file?", where,
                     header_key, version);
  }
  if (json.at(header_key).get<int>() == version) return {};
  return bad_input("{}: a review of version {}; this Hone reads version {}: take a newer Hone", where,
                   to_text(json.at(header_key)), version);
}

bool changes_rows(Action action) {
  return action == Action::keep || action == Action::relabel || action == Action::drop;
}

struct Target {
  std::vector<Row>* rows;
  std::size_t index;
  bool is_own_test;
};

std::multimap<std::string, Target> rows_by_id(const Task& task, SplitInput& sides) {
  std::multimap<std::string, Target> by_id;
  const auto add = [&](std::vector<Row>& rows, bool is_own_test) {
    for (std::size_t i = 0; i < rows.size(); ++i) by_id.emplace(rows[i].id, Target{&rows, i, is_own_test});
  };
  add(sides.rows, false);
  add(sides.validation_rows, false);
  add(sides.test_rows, task.data.test.has_value());
  add(sides.generated_rows, false);
  return by_id;
}

// The answer as the task writes it, or why it allows none such.
Result<std::string> allowed_answer(const Task& task, const std::string& value) {
  if (is_blank(value)) return bad_input("the new answer is empty");
  if (task.kind == Kind::classify) {
    const std::string label = canonical_text(value);
    if (std::find(task.labels.begin(), task.labels.end(), label) != task.labels.end()) return label;
    return bad_input("\"{}\" is none of the labels", clipped(label, 40));
  }
  if (task.kind == Kind::json) {
    if (const auto json = parse_json(value, "the new answer"); !json) return tl::unexpected<Error>(json.error());
    if (!task.schema.empty() && !value_or_throw(OutputSchema::compile(task.schema)).allows(value)) {
      return bad_input("the new answer breaks the task's schema");
    }
  }
  return value;
}

class Patching {
 public:
  Patching(const Task& task, SplitInput& sides) : task_(task), sides_(sides), by_id_(rows_by_id(task, sides)) {}

  PatchReport run(const std::vector<Decision>& decisions) {
    report_.decisions = decisions.size();
    std::map<std::string, const Decision*> last;
    for (const Decision& decision : decisions) {
      if (changes_rows(decision.action)) last[decision.id] = &decision;
    }
    for (const auto& [id, decision] : last) apply(*decision);
    for (auto* rows : {&sides_.rows, &sides_.validation_rows, &sides_.test_rows, &sides_.generated_rows}) erase(*rows);
    return std::move(report_);
  }

 private:
  // The same id in several files is the same input; the content tells which is meant.
  void apply(const Decision& decision) {
    const auto [first, end] = by_id_.equal_range(decision.id);
    if (first == end) return leave(decision, "no row has this id any more");
    bool is_changed = true;
    for (auto found = first; found != end; ++found) {
      const Target& target = found->second;
      Row& row = (*target.rows)[target.index];
      if (content_hash(row) != decision.content) continue;
      is_changed = false;
      if (target.is_own_test && decision.side != name_of_test) {
        leave(decision, "it is about a row of the test file and was not made with --test");
      } else {
        apply_to(decision, target, row);
      }
    }
    if (is_changed) leave(decision, "the row holds something else now than when it was decided");
  }

  void apply_to(const Decision& decision, const Target& target, Row& row) {
    if (decision.action == Action::keep) {
      ++report_.kept;
      return;
    }
    if (decision.action == Action::relabel) {
      Result<std::string> answer = allowed_answer(task_, decision.value);
      if (!answer) return leave(decision, answer.error().message);
      row.output = std::move(*answer);
      row.labels_by = decision.who;
      ++report_.relabelled;
    } else {
      dropped_.emplace(target.rows, target.index);
      ++report_.dropped;
    }
    (decision.side == name_of_test ? report_.test_rows : report_.other_rows).push_back(decision.id);
  }

  void leave(const Decision& decision, std::string why) { report_.unapplied.push_back({decision, std::move(why)}); }

  void erase(std::vector<Row>& rows) {
    std::vector<Row> kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!dropped_.contains({&rows, i})) kept.push_back(std::move(rows[i]));
    }
    rows = std::move(kept);
  }

  static constexpr const char* name_of_test = "test";
  const Task& task_;
  SplitInput& sides_;
  std::multimap<std::string, Target> by_id_;
  std::set<std::pair<std::vector<Row>*, std::size_t>> dropped_;
  PatchReport report_;
};

std::string counted(std::size_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

const char* name_of(Action action) {
  switch (action) {
    case Action::keep:
      return "keep";
    case Action::relabel:
      return "relabel";
    case Action::drop:
      return "drop";
    case Action::note:
      return "note";
    case Action::judge:
      return "judge";
  }
  HONE_CHECK(false);
}

std::string content_hash(const Row& row) {
  return sha256_hex(to_text(Json::array({row.input, row.output}))).substr(0, hash_digits);
}

Result<std::vector<Decision>> read_decisions(const Path& file) {
  std::vector<Decision> decisions;
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) return decisions;
  const Result<std::string> text = read_file(file);
  if (!text) return tl::unexpected<Error>(text.error());
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    const std::string_view part = std::string_view(*text).substr(begin, end - begin);
    begin = end + 1;
    ++line;
    if (part.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", printable(file.string()), line);
    const Result<Json> json = parse_json(part, where);
    if (!json) return tl::unexpected<Error>(json.error());
    if (line == 1) {
      if (const Result<void> header = check_header(*json, where); !header) return tl::unexpected<Error>(header.error());
      continue;
    }
    Result<Decision> decision = decision_from(*json, where);
    if (!decision) return tl::unexpected<Error>(decision.error());
    decisions.push_back(std::move(*decision));
  }
  return decisions;
}

std::string decisions_text(const std::vector<Decision>& decisions) {
  std::string text = to_text(Json{{header_key, version}}) + "\n";
  for (const Decision& decision : decisions) text += to_text(to_json(decision)) + "\n";
  return text;
}

void write_decisions(const Path& file, const std::vector<Decision>& decisions) {
  write_file(file, decisions_text(decisions));
}

Path review_file(const Task& task) { return task.data.patch.value_or(task.folder / "review.jsonl"); }

PatchReport apply_decisions(const std::vector<Decision>& decisions, const Task& task, SplitInput& sides) {
  return Patching(task, sides).run(decisions);
}

Result<PatchReport> patch_rows(const Task& task, SplitInput& sides) {
  if (!task.data.patch) return PatchReport();
  const Path& file = *task.data.patch;
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) {
    return bad_input(
        "{}: the patch that data.patch names is not there: without it rows have the answers that were found "
        "wrong; put it back, or take the line out of the task",
        printable(file.string()));
  }
  const Result<std::vector<Decision>> decisions = read_decisions(file);
  if (!decisions) return tl::unexpected<Error>(decisions.error());
  PatchReport report = apply_decisions(*decisions, task, sides);
  report.file = file.filename().string();
  const Result<std::string> sha256 = sha256_file(file);
  if (!sha256) return tl::unexpected<Error>(sha256.error());
  report.sha256 = *sha256;
  return report;
}

std::vector<std::string> patch_notices(const PatchReport& report, const Split& split) {
  std::vector<std::string> notices;
  if (report.file.empty() || report.decisions == 0) return notices;
  if (report.relabelled + report.dropped > 0) {
    notices.push_back(fmt::format(
        "{}: {} changed and {} left out as reviewed{}", printable(report.file),
        counted(report.relabelled, "answer", "answers"), counted(report.dropped, "row", "rows"),
        report.test_rows.empty() ? std::string() : fmt::format(", {} of them of the test", report.test_rows.size())));
  }
  if (!report.unapplied.empty()) {
    const Unapplied& first = report.unapplied.front();
    notices.push_back(fmt::format("{}: {} not applied; the first, about {}: {}", printable(report.file),
                                  counted(report.unapplied.size(), "decision was", "decisions were"),
                                  clipped(first.decision.id, 40), first.why));
  }
  const std::set<std::string> others(report.other_rows.begin(), report.other_rows.end());
  std::size_t strays = 0;
  for (const auto* rows : {&split.test, &split.unscored}) {
    for (const Row& row : *rows) strays += others.contains(row.id) ? 1 : 0;
  }
  if (strays > 0) {
    notices.push_back(fmt::format("{}: {} changed by decisions made when the rows were not yet test rows",
                                  printable(report.file), counted(strays, "test label was", "test labels were")));
  }
  return notices;
}

}  // namespace hone::data
