// Rows whose label a classifier that never saw them is sure is another.
#include <algorithm>
#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/out_of_fold.h"
#include "data/suspect_labels.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;
constexpr std::size_t most_pairs = 5;

double accuracy_of(const OutOfFold& oof) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < oof.given.size(); ++i) right += best_label(oof.probabilities[i]) == oof.given[i] ? 1 : 0;
  return share(right, oof.given.size());
}

// Which label is taken for which, most frequent first.
Json pairs_of(const OutOfFold& oof, const std::vector<Suspect>& suspects) {
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> counts;
  for (const Suspect& suspect : suspects) ++counts[{oof.given[suspect.row], suspect.suggested}];
  std::vector<std::pair<std::size_t, std::pair<std::size_t, std::size_t>>> order;
  for (const auto& [pair, count] : counts) order.emplace_back(count, pair);
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  Json pairs = Json::array();
  for (const auto& [count, pair] : order) {
    if (pairs.size() == most_pairs) break;
    pairs.push_back({{"given", oof.labels[pair.first]}, {"suggested", oof.labels[pair.second]}, {"rows", count}});
  }
  return pairs;
}

Json example_of(const CheckInput& input, const OutOfFold& oof, const Suspect& suspect) {
  const Row& row = oof.rows[suspect.row];
  const auto& p = oof.probabilities[suspect.row];
  Json example = {
      {"line", row.line},
      {"why", fmt::format("\"{}\" is labelled {}; {} looks right ({:.2f} against {:.2f})", clipped(row.input, 60),
                          clipped(row.output, 40), clipped(oof.labels[suspect.suggested], 40), p[suspect.suggested],
                          p[oof.given[suspect.row]])},
      {"id", row.id},
      {"given", row.output},
      {"suggested", oof.labels[suspect.suggested]},
      {"quality", suspect.quality}};
  const Path file = file_of(input, row);
  if (file != input.task->data.train) example["file"] = file.filename().string();
  return example;
}

}  // namespace

void check_suspects(const CheckInput& input, Findings& findings) {
  if (input.out_of_fold == nullptr) return;
  const OutOfFold& oof = *input.out_of_fold;
  const std::vector<Suspect> suspects = suspect_labels(oof.probabilities, oof.given);
  if (suspects.empty()) return;
  Finding finding;
  finding.id = "suspect-labels";
  const double part = share(suspects.size(), oof.rows.size());
  finding.severity = part > 0.05 ? Severity::warning : Severity::note;
  finding.title =
      fmt::format("{} of {} labels may be wrong: a classifier that never saw these rows is sure of another label.",
                  suspects.size(), oof.rows.size());
  finding.evidence = Json{{"rows", suspects.size()},
                          {"checked", oof.rows.size()},
                          {"left_out", oof.left_out},
                          {"share", part},
                          {"classifier_accuracy", accuracy_of(oof)},
                          {"pairs", pairs_of(oof, suspects)},
                          {"examples", Json::array()}};
  std::vector<const Row*> rows;
  for (const Suspect& suspect : suspects) {
    rows.push_back(&oof.rows[suspect.row]);
    finding.rows.push_back(rows.back()->id);
    if (finding.evidence["examples"].size() < most_examples)
      finding.evidence["examples"].push_back(example_of(input, oof, suspect));
  }
  finding.suggestion =
      "Read them, the likeliest first, and correct those that are wrong. Some will only be hard: change no label "
      "unread.";
  finding.command = show_rows_command(input, rows);
  findings.push_back(std::move(finding));
}

}  // namespace hone::data
