#include "cli/review_items.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/terminal.h"
#include "cli/label_scores.h"
#include "data/suspect_labels.h"

namespace hone::cli {
namespace {

constexpr std::uint64_t sample_stream = 0x7e57;  // apart from the hashes that made the split

void remember_originals(const data::SplitInput& sides, ReviewedTask& reviewed) {
  for (const auto* rows : {&sides.rows, &sides.validation_rows, &sides.test_rows, &sides.generated_rows}) {
    for (const data::Row& row : *rows) reviewed.originals[{row.id, row.line}] = {data::content_hash(row), row.output};
  }
}

std::string file_of(const data::Task& task, const std::string& side, const data::Row& row) {
  if (data::is_generated(row) && task.data.generated) return task.data.generated->filename().string();
  if (side == "test" && task.data.test) return task.data.test->filename().string();
  if (side == "validation" && task.data.validation) return task.data.validation->filename().string();
  return task.data.train.filename().string();
}

struct Sided {
  const data::Row* row;
  const char* side;
};

void add_side(const std::vector<data::Row>& side, const char* name, std::vector<Sided>& rows) {
  for (const data::Row& row : side) rows.push_back({&row, name});
}

std::vector<Sided> test_rows(const data::Split& split) {
  std::vector<Sided> rows;
  add_side(split.test, "test", rows);
  return rows;
}

std::vector<Sided> other_rows(const data::Split& split) {
  std::vector<Sided> rows;
  add_side(split.train, "train", rows);
  add_side(split.validation, "validation", rows);
  return rows;
}

ReviewItem item_of(const ReviewedTask& reviewed, const Sided& sided) {
  ReviewItem item;
  item.row = *sided.row;
  item.side = sided.side;
  item.file = file_of(reviewed.task, item.side, item.row);
  const auto& original = reviewed.originals.at({item.row.id, item.row.line});
  item.content = original.content;
  item.given = original.output;
  return item;
}

const data::Decision* last_about(const ReviewedTask& reviewed, const ReviewItem& item,
                                 std::initializer_list<data::Action> actions) {
  const auto found = std::find_if(reviewed.decisions.rbegin(), reviewed.decisions.rend(), [&](const auto& decision) {
    return decision.id == item.row.id && decision.content == item.content &&
           std::find(actions.begin(), actions.end(), decision.action) != actions.end();
  });
  return found == reviewed.decisions.rend() ? nullptr : &*found;
}

// Why each row is shown, and what looks right, in the order in which rows are shown.
struct Reason {
  std::string id;
  std::string why;
  std::string suggested;
};

std::vector<Reason> reasons_in(const ItemSpec& spec) {
  const std::string text = value_or_throw(read_file(spec.findings_file));
  const Json document = value_or_throw(parse_json(text, printable(spec.findings_file)));
  std::vector<Reason> reasons;
  try {
    for (const Json& finding : document.at("findings")) {
      const auto id = finding.at("id").get<std::string>();
      if (!spec.finding.empty() && id != spec.finding) continue;
      for (const Json& row : finding.at("rows")) {
        reasons.push_back({row.get<std::string>(), finding.at("title").get<std::string>(), {}});
      }
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::bad_input, "{}: expected what `hone data check --json` or `hone data task --json` prints: {}",
         printable(spec.findings_file), printable(error.what()));
  }
  return reasons;
}

std::vector<Reason> suspects(const ReviewedTask& reviewed) {
  const auto answers = label_answers(reviewed.task, reviewed.split);
  std::vector<Reason> reasons;
  if (!answers) return reasons;
  for (const data::Suspect& suspect : data::suspect_labels(answers->probabilities, answers->given)) {
    const auto& p = answers->probabilities[suspect.row];
    const std::string& label = answers->labels[suspect.suggested];
    reasons.push_back({answers->rows[suspect.row].id,
                       fmt::format("a classifier that never saw it says {} ({:.2f} against {:.2f})", clipped(label, 40),
                                   p[suspect.suggested], p[answers->given[suspect.row]]),
                       label});
  }
  return reasons;
}

std::vector<Reason> judged_otherwise(const ReviewedTask& reviewed) {
  std::vector<Reason> reasons;
  for (const Sided& sided : test_rows(reviewed.split)) {
    const ReviewItem item = item_of(reviewed, sided);
    const data::Decision* judged = judgement_about(reviewed, item);
    if (judged == nullptr || judged->value.empty() || judged->value == item.row.output) continue;
    reasons.push_back({item.row.id,
                       fmt::format("{} judged it {} without seeing this answer", clipped(judged->who, 30),
                                   clipped(judged->value, 40)),
                       judged->value});
  }
  return reasons;
}

}  // namespace

ReviewedTask open_reviewed(const std::string& folder) {
  ReviewedTask reviewed;
  reviewed.task = value_or_throw(data::load_task(folder));
  const Path file = data::review_file(reviewed.task);
  reviewed.decisions = value_or_throw(data::read_decisions(file));
  data::Task bare = reviewed.task;
  bare.data.patch.reset();
  data::TaskRows rows = value_or_throw(data::read_task_rows(bare));
  remember_originals(rows.sides, reviewed);
  data::PatchReport report = data::apply_decisions(reviewed.decisions, reviewed.task, rows.sides);
  report.file = file.filename().string();
  const Path memory = reviewed.task.folder / ".hone" / "split.json";
  data::RememberedSplit remembered = data::split_remembered(std::move(rows.sides), reviewed.task, memory);
  if (remembered.is_changed) write_file(memory, to_pretty_text(remembered.memory));
  reviewed.split = std::move(remembered.split);
  reviewed.notices = data::patch_notices(report, reviewed.split);
  return reviewed;
}

const data::Decision* decision_about(const ReviewedTask& reviewed, const ReviewItem& item) {
  return last_about(reviewed, item, {data::Action::keep, data::Action::relabel, data::Action::drop});
}

const data::Decision* judgement_about(const ReviewedTask& reviewed, const ReviewItem& item) {
  return last_about(reviewed, item, {data::Action::judge});
}

std::vector<ReviewItem> suspect_items(const ReviewedTask& reviewed, const ItemSpec& spec) {
  std::vector<Reason> reasons;
  if (spec.of_test && spec.finding.empty()) reasons = judged_otherwise(reviewed);
  auto more = spec.findings_file.empty() ? suspects(reviewed) : reasons_in(spec);
  std::move(more.begin(), more.end(), std::back_inserter(reasons));
  std::map<std::string, Sided> rows;
  for (const Sided& sided : spec.of_test ? test_rows(reviewed.split) : other_rows(reviewed.split))
    rows.emplace(sided.row->id, sided);
  std::set<std::string> shown;
  std::vector<ReviewItem> items;
  for (const Reason& reason : reasons) {
    const auto found = rows.find(reason.id);
    if (found == rows.end() || !shown.insert(reason.id).second) continue;
    ReviewItem item = item_of(reviewed, found->second);
    if (!spec.decided_too && decision_about(reviewed, item) != nullptr) continue;
    item.why = reason.why;
    item.suggested = reason.suggested == item.row.output ? std::string() : reason.suggested;
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<ReviewItem> blind_sample(const ReviewedTask& reviewed, std::size_t most) {
  std::vector<std::pair<std::uint64_t, Sided>> order;
  for (const Sided& sided : test_rows(reviewed.split)) {
    order.emplace_back(hash64(sided.row->id, reviewed.task.seed ^ sample_stream), sided);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ReviewItem> items;
  for (std::size_t i = 0; i < std::min(most, order.size()); ++i) items.push_back(item_of(reviewed, order[i].second));
  return items;
}

}  // namespace hone::cli
