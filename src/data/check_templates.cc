// Made by a machine from a few patterns: template collapse.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t fewest_rows = 100;  // of a source
constexpr std::size_t few_skeletons = 5;
constexpr double covered_share = 0.5;
constexpr double frequent_share = 0.02;  // of a source's rows: words in fewer are what the pattern is filled with
constexpr std::size_t least_fixed_words = 4;
constexpr std::size_t most_examples = 5;
constexpr std::size_t most_rows = 20'000;  // of a source that are looked at, evenly through the file

struct Skeleton {
  std::string text;  // "please book a _ for _ in _"
  std::size_t fixed = 0;
  std::vector<const Row*> rows;
};

// The row's words, each run of words that few rows hold as one "_".
Skeleton skeleton_of(const std::string& folded, const std::unordered_map<std::uint64_t, std::size_t>& counts,
                     std::size_t frequent) {
  Skeleton skeleton;
  bool in_gap = false;
  for (const std::string_view word : words_of(folded)) {
    const bool is_fixed = !has_digit(word) && counts.at(hash64(word)) >= frequent;
    if (!is_fixed && in_gap) continue;
    if (!skeleton.text.empty()) skeleton.text += ' ';
    skeleton.text += is_fixed ? word : std::string_view("_");
    skeleton.fixed += is_fixed ? 1 : 0;
    in_gap = !is_fixed;
  }
  return skeleton;
}

std::vector<Skeleton> skeletons_of(const std::vector<const Row*>& rows) {
  std::unordered_map<std::uint64_t, std::size_t> counts;  // rows that hold a word
  std::vector<std::string> folded;
  for (const Row* row : rows) {
    folded.push_back(folded_text(row->input));
    std::vector<std::uint64_t> words;
    for (const std::string_view word : words_of(folded.back())) words.push_back(hash64(word));
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    for (const std::uint64_t word : words) ++counts[word];
  }
  const auto frequent =
      std::max<std::size_t>(3, static_cast<std::size_t>(frequent_share * static_cast<double>(rows.size())));
  std::map<std::string, Skeleton> by_text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Skeleton skeleton = skeleton_of(folded[i], counts, frequent);
    if (skeleton.fixed < least_fixed_words) continue;
    Skeleton& known = by_text.emplace(skeleton.text, skeleton).first->second;
    known.rows.push_back(rows[i]);
  }
  std::vector<Skeleton> all;
  for (auto& [text, skeleton] : by_text) all.push_back(std::move(skeleton));
  std::stable_sort(all.begin(), all.end(),
                   [](const Skeleton& a, const Skeleton& b) { return a.rows.size() > b.rows.size(); });
  return all;
}

void check_source(const CheckInput& input, const std::string& source, const std::vector<const Row*>& rows,
                  Findings& findings) {
  std::vector<Skeleton> skeletons = skeletons_of(rows);
  if (skeletons.size() > few_skeletons) skeletons.resize(few_skeletons);
  std::size_t covered = 0;
  for (const Skeleton& skeleton : skeletons) covered += skeleton.rows.size();
  if (share(covered, rows.size()) < covered_share) return;
  Finding finding;
  finding.id = "template-collapse";
  finding.severity = Severity::warning;
  finding.title =
      fmt::format("{} of {} training rows{} are {} filled in: a model learns the pattern, not the task.", covered,
                  rows.size(), source.empty() ? "" : fmt::format(" of the source {}", clipped(source, 40)),
                  count_of(skeletons.size(), "pattern", "patterns"));
  finding.evidence = Json{{"source", source},          {"rows", rows.size()},
                          {"covered", covered},        {"share", share(covered, rows.size())},
                          {"patterns", Json::array()}, {"examples", Json::array()}};
  std::vector<const Row*> shown;
  for (const Skeleton& skeleton : skeletons) {
    finding.evidence["patterns"].push_back({{"pattern", skeleton.text}, {"rows", skeleton.rows.size()}});
    if (finding.evidence["examples"].size() < most_examples)
      finding.evidence["examples"].push_back({{"pattern", fmt::format("{} ({})", clipped(skeleton.text, 80),
                                                                      count_of(skeleton.rows.size(), "row", "rows"))}});
    for (const Row* row : skeleton.rows) finding.rows.push_back(row->id);
    shown.insert(
        shown.end(), skeleton.rows.begin(),
        skeleton.rows.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(skeleton.rows.size())));
  }
  finding.suggestion = "Have them written in more ways, or collect real ones: keep a few rows of each pattern.";
  finding.command = show_rows_command(input, shown);
  findings.push_back(std::move(finding));
}

}  // namespace

void check_templates(const CheckInput& input, Findings& findings) {
  std::map<std::string, std::vector<const Row*>> by_source;
  for (const Row& row : input.train) by_source[row.source].push_back(&row);
  for (const auto& [source, rows] : by_source) {
    if (rows.size() < fewest_rows) continue;
    const std::size_t step = (rows.size() + most_rows - 1) / most_rows;
    std::vector<const Row*> looked_at;
    for (std::size_t i = 0; i < rows.size(); i += step) looked_at.push_back(rows[i]);
    check_source(input, source, looked_at, findings);
  }
}

}  // namespace hone::data
