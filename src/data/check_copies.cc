// What stands in the data more than once: in one file, on two sides, or set aside because of it.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "base/hash.h"
#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/copy_search.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;

const char* said_of(Side side) { return side == Side::train ? "training" : name_of(side); }

Json pair_json(const CopyPair& pair) {
  return {{"id", pair.row->id},
          {"line", pair.row->line},
          {"repeats", pair.of->id},
          {"of_line", pair.of->line},
          {"likeness", name_of(pair.likeness)},
          {"jaccard", pair.jaccard}};
}

// Rows of one side that nearly duplicate a row of the side they are judged on.
struct Leak {
  std::string what;  // "training"
  std::string of;    // "test"
  std::vector<std::string> ids;
  std::size_t exact = 0;      // of these rows, equal to one but for white space
  std::size_t identical = 0;  // but for case, punctuation and white space
  std::size_t copied = 0;     // different rows of `of`
  std::size_t of_rows = 0;
  Json examples = Json::array();
};

// `leaking`: pairs of near-duplicates whose row stands on one side and whose other row on the side that judges.
Leak leak_of(const std::vector<const CopyPair*>& leaking, std::size_t of_rows) {
  Leak leak;
  leak.of_rows = of_rows;
  std::set<const Row*> copied;
  std::map<const Row*, Likeness> rows;
  std::set<const Row*> exact;
  for (const CopyPair* pair : leaking) {
    copied.insert(pair->of);
    const auto [seen, is_new] = rows.emplace(pair->row, pair->likeness);
    seen->second = std::max(seen->second, pair->likeness);
    if (is_new) leak.ids.push_back(pair->row->id);
    if (pair->is_exact()) exact.insert(pair->row);
  }
  leak.exact = exact.size();
  leak.identical = static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.second == Likeness::identical; }));
  leak.copied = copied.size();
  return leak;
}

struct SidePair {
  Side what;
  Side of;
};
constexpr std::array side_pairs = {SidePair{Side::train, Side::test}, SidePair{Side::train, Side::validation},
                                   SidePair{Side::validation, Side::test}};

void describe(Leak& leak, SidePair sides, const std::vector<const CopyPair*>& leaking) {
  leak.what = said_of(sides.what);
  leak.of = said_of(sides.of);
  for (const CopyPair* pair : leaking) {
    if (leak.examples.size() == most_examples) break;
    Json example = pair_json(*pair);
    example[leak.what] = clipped(pair->row->input, 80);
    example[leak.of] = clipped(pair->of->input, 80);
    leak.examples.push_back(std::move(example));
  }
}

std::vector<Leak> between_files(const CheckInput& input, const Copies& copies) {
  const std::array of_rows = {input.train.size(), input.validation.size(), input.test.size()};
  std::vector<Leak> leaks;
  for (const SidePair sides : side_pairs) {
    std::vector<const CopyPair*> leaking;
    for (const CopyPair& pair : copies.pairs) {
      if (pair.side == sides.what && pair.of_side == sides.of && pair.likeness != Likeness::one_word)
        leaking.push_back(&pair);
    }
    leaks.push_back(leak_of(leaking, of_rows[static_cast<std::size_t>(sides.of)]));
    describe(leaks.back(), sides, leaking);
  }
  return leaks;
}

// What grouping could not keep together.
std::vector<Leak> across_split(const CheckInput& input, const Copies& copies) {
  if (input.split == nullptr) return {};
  const Split& split = *input.split;
  const SplitSides known(&split);
  const std::array of_rows = {split.train.size(), split.validation.size(), split.test.size()};
  std::vector<Leak> leaks;
  for (const SidePair sides : side_pairs) {
    std::vector<CopyPair> turned;  // so that `of` judges
    for (CopyPair pair : copies.pairs) {
      if (pair.likeness == Likeness::one_word) continue;
      if (known.side_of(*pair.row) == sides.of) std::swap(pair.row, pair.of);
      if (known.side_of(*pair.row) == sides.what && known.side_of(*pair.of) == sides.of) turned.push_back(pair);
    }
    std::vector<const CopyPair*> leaking;
    for (const CopyPair& pair : turned) leaking.push_back(&pair);
    leaks.push_back(leak_of(leaking, of_rows[static_cast<std::size_t>(sides.of)]));
    describe(leaks.back(), sides, leaking);
  }
  return leaks;
}

Finding leakage(const Leak& leak, const std::string& title, const std::string& suggestion) {
  const double part = share(leak.copied, leak.of_rows);
  Finding finding;
  finding.id = "leakage";
  finding.severity = part > 0.01 ? Severity::error : Severity::warning;
  finding.title = title;
  finding.evidence = Json{{"of", leak.of},       {"among", leak.what},          {"rows", leak.ids.size()},
                          {"exact", leak.exact}, {"identical", leak.identical}, {"copied", leak.copied},
                          {"share", part},       {"examples", leak.examples}};
  finding.rows = leak.ids;
  finding.suggestion = suggestion;
  return finding;
}

// A training row and the earlier one that it repeats.
struct Repeat {
  std::size_t row = 0;
  std::size_t of = 0;
  bool is_exact = false;
};

std::vector<Repeat> repeats_in(const std::vector<Row>& rows, const Copies& copies) {
  std::unordered_map<std::uint64_t, std::size_t> first;
  std::vector<Repeat> repeats;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [earlier, is_new] = first.emplace(hash64(canonical_text(rows[i].input)), i);
    if (!is_new) repeats.push_back({i, earlier->second, true});
    if (is_new && copies.chain[i] != i) repeats.push_back({i, copies.chain[i], false});
  }
  return repeats;
}

Json repeat_example(const Repeat& repeat, const std::vector<Row>& rows) {
  const Row& row = rows[repeat.row];
  const Row& earlier = rows[repeat.of];
  const std::string text = clipped(row.input, 60);
  return {{"line", row.line},
          {"why", repeat.is_exact ? fmt::format("repeats line {}: \"{}\"", earlier.line, text)
                                  : fmt::format("\"{}\" nearly repeats line {}: \"{}\"", text, earlier.line,
                                                clipped(earlier.input, 60))},
          {"id", row.id},
          {"repeats", earlier.id}};
}

void check_duplicates(const CheckInput& input, const Copies& copies, const std::vector<Leak>& across,
                      Findings& findings) {
  const std::vector<Repeat> repeats = repeats_in(input.train, copies);
  if (repeats.empty()) return;
  const auto exact = static_cast<std::size_t>(
      std::count_if(repeats.begin(), repeats.end(), [](const Repeat& r) { return r.is_exact; }));
  std::vector<std::string> rows;
  std::vector<std::size_t> lines;  // both of each pair
  Json examples = Json::array();
  for (const Repeat& repeat : repeats) {
    rows.push_back(input.train[repeat.row].id);
    for (const std::size_t line : {input.train[repeat.of].line, input.train[repeat.row].line}) {
      if (std::find(lines.begin(), lines.end(), line) == lines.end() && lines.size() < 2 * most_examples)
        lines.push_back(line);
    }
    if (examples.size() < most_examples) examples.push_back(repeat_example(repeat, input.train));
  }
  const bool kept_together = input.split != nullptr && std::all_of(across.begin(), across.end(),
                                                                   [](const Leak& leak) { return leak.ids.empty(); });
  const double part = share(rows.size(), input.train.size());
  findings.push_back(
      {"duplicate", part > 0.1 ? Severity::warning : Severity::note,
       fmt::format("{} of {} training rows repeat an earlier one ({} word for word, {} nearly).", rows.size(),
                   input.train.size(), exact, rows.size() - exact),
       Json{{"exact", exact}, {"near", rows.size() - exact}, {"share", part}, {"examples", std::move(examples)}}, rows,
       fmt::format("Keep one of each unless real traffic repeats so: copies count double in training.{}",
                   kept_together ? " The split keeps them on one side." : ""),
       show_command(input.task->data.train, lines)});
}

void check_leakage(const CheckInput& input, const std::vector<Leak>& between, const std::vector<Leak>& across,
                   Findings& findings) {
  for (const Leak& copies : between) {
    if (copies.ids.empty()) continue;
    findings.push_back(leakage(
        copies,
        fmt::format(
            "{} of {} {} rows also stand among the {} rows ({} word for word, {} but for case and punctuation).",
            copies.copied, copies.of_rows, copies.of, copies.what, copies.exact, copies.identical - copies.exact),
        fmt::format("Delete these {} rows: a score on rows seen before says nothing. Until then the split sets them "
                    "aside.",
                    copies.what)));
    findings.back().command = check_command(*input.task);
  }
  for (const Leak& copies : across) {
    if (copies.ids.empty()) continue;
    findings.push_back(leakage(
        copies,
        fmt::format("{} of {} {} rows nearly repeat {} rows ({} word for word), and the split could not keep them on "
                    "one side.",
                    copies.copied, copies.of_rows, copies.of, copies.what, copies.exact),
        fmt::format("Delete these {} rows: a score on rows seen before says nothing.", copies.what)));
    findings.back().command = check_command(*input.task);
  }
}

void check_set_aside(const CheckInput& input, Findings& findings) {
  if (input.split == nullptr || input.split->set_aside.empty()) return;
  const auto& aside = input.split->set_aside;
  const std::string train = input.task->data.train.filename().string();
  Finding finding;
  finding.id = "set-aside";
  const double part = share(aside.size(), all_rows(input));
  finding.severity = part > 0.05 ? Severity::warning : Severity::note;
  finding.title =
      fmt::format("{} used nowhere: {} what stands on another side.", count_of(aside.size(), "row is", "rows are"),
                  aside.size() == 1 ? "it nearly repeats" : "they nearly repeat");
  finding.evidence = Json{{"rows", aside.size()}, {"share", part}, {"examples", Json::array()}};
  std::vector<std::size_t> lines;
  for (const SetAside& row : aside) {
    finding.rows.push_back(row.row.id);
    if (row.file == aside.front().file) lines.push_back(row.row.line);
    if (finding.evidence["examples"].size() >= most_examples) continue;
    Json example = {{"line", row.row.line}, {"why", why_set_aside(row)}, {"id", row.row.id}};
    if (row.file != train) example["file"] = row.file;
    finding.evidence["examples"].push_back(std::move(example));
  }
  finding.suggestion = "Nothing has to be done; delete the rows to be rid of this.";
  const bool of_train = aside.front().file == train;
  finding.command =
      show_command(of_train ? input.task->data.train : input.task->data.validation.value_or(train), lines);
  findings.push_back(std::move(finding));
}

// Rows of which one word alone differs: copies that were edited, or cases that the word decides. Nothing is set aside
// for it.
void check_one_word(const CheckInput& input, const Copies& copies, Findings& findings) {
  std::set<const Row*> of_test;
  std::set<const Row*> of_train;
  std::vector<const CopyPair*> pairs;
  for (const CopyPair& pair : copies.pairs) {
    if (pair.likeness != Likeness::one_word) continue;
    if (pair.side == Side::train && pair.of_side == Side::test) of_test.insert(pair.of);
    if (pair.side == Side::train && pair.of_side == Side::train) of_train.insert(pair.row);
    pairs.push_back(&pair);
  }
  if (pairs.empty()) return;
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const CopyPair* a, const CopyPair* b) { return a->jaccard > b->jaccard; });
  Finding finding;
  finding.id = "one-word-apart";
  finding.title = fmt::format(
      "{} another training row but for one word{}.", count_of(of_train.size(), "training row is", "training rows are"),
      of_test.empty()
          ? ""
          : fmt::format(", and {} a training row", count_of(of_test.size(), "test row is", "test rows are")));
  finding.evidence = Json{{"pairs", pairs.size()},
                          {"training_rows", of_train.size()},
                          {"test_rows", of_test.size()},
                          {"examples", Json::array()}};
  for (const CopyPair* pair : pairs) {
    if (finding.rows.size() < 50) finding.rows.push_back(pair->row->id);
    if (finding.evidence["examples"].size() == most_examples) continue;
    Json example = pair_json(*pair);
    example["why"] =
        fmt::format("\"{}\" is one word from {} line {}: \"{}\" (Jaccard {:.2f})", clipped(pair->row->input, 60),
                    said_of(pair->of_side), pair->of->line, clipped(pair->of->input, 60), pair->jaccard);
    finding.evidence["examples"].push_back(std::move(example));
  }
  finding.suggestion = "Nothing to do where the word decides the answer; else keep one of each.";
  finding.command = fmt::format("{} --pairs pairs.jsonl", check_command(*input.task));
  findings.push_back(std::move(finding));
}

}  // namespace

void check_copies(const CheckInput& input, const Copies& copies, Findings& findings) {
  const std::vector<Leak> across = across_split(input, copies);
  check_duplicates(input, copies, across, findings);
  check_leakage(input, between_files(input, copies), across, findings);
  check_set_aside(input, findings);
  check_one_word(input, copies, findings);
}

}  // namespace hone::data
