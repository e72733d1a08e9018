// Rows far longer or shorter than the others, answers that are too long or look cut off, rationale on one side only.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/normal_text.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;
constexpr std::size_t fewest_rows = 50;
constexpr double outlying_spreads = 3;     // quartile distances beyond a quartile, in logarithms
constexpr double largest_outlying = 0.02;  // of the rows: more are no outliers but another kind of row

std::size_t words_in(const std::string& text) { return words_of(text).size(); }

struct Lengths {
  double low = 0;  // in words; outside lies what is unusual
  double high = 0;
  double median = 0;
};

Lengths usual_lengths(std::vector<double> words) {
  std::sort(words.begin(), words.end());
  const auto at = [&](double share) {
    return words[static_cast<std::size_t>(share * static_cast<double>(words.size() - 1))];
  };
  const double low = std::log(std::max(1.0, at(0.25)));
  const double high = std::log(std::max(1.0, at(0.75)));
  const double spread = std::max(high - low, std::log(2.0));
  return {std::exp(low - outlying_spreads * spread), std::exp(high + outlying_spreads * spread), at(0.5)};
}

struct Outlier {
  const Row* row;
  std::size_t words;
};

// `part`: "input" or "output".
void check_outliers(const CheckInput& input, const std::string Row::*part, const char* name, Findings& findings) {
  std::vector<double> words;
  std::vector<Outlier> rows;
  for (const Row& row : input.train) {
    rows.push_back({&row, words_in(row.*part)});
    words.push_back(static_cast<double>(rows.back().words));
  }
  if (rows.size() < fewest_rows) return;
  const Lengths usual = usual_lengths(std::move(words));
  std::erase_if(rows, [&](const Outlier& row) {
    const auto n = static_cast<double>(row.words);
    return n >= usual.low && n <= usual.high;
  });
  if (rows.empty() || share(rows.size(), input.train.size()) > largest_outlying) return;
  std::stable_sort(rows.begin(), rows.end(), [](const Outlier& a, const Outlier& b) { return a.words > b.words; });
  Finding finding;
  finding.id = "length-outlier";
  finding.title =
      fmt::format("{} {} far from the usual length (half of them have {:.0f} words or fewer).",
                  count_of(rows.size(), "training row has an", "training rows have an"), name, usual.median);
  finding.evidence = Json{{"part", name},           {"rows", rows.size()},      {"median_words", usual.median},
                          {"usual_low", usual.low}, {"usual_high", usual.high}, {"examples", Json::array()}};
  std::vector<const Row*> listed;
  for (const Outlier& row : rows) {
    listed.push_back(row.row);
    finding.rows.push_back(row.row->id);
    if (finding.evidence["examples"].size() == most_examples) continue;
    finding.evidence["examples"].push_back(
        {{"line", row.row->line},
         {"why", fmt::format("{}: \"{}\"", count_of(row.words, "word", "words"), clipped(row.row->*part, 60))},
         {"id", row.row->id},
         {"words", row.words}});
  }
  finding.suggestion = "Look whether they are whole and belong here; then nothing has to be done.";
  finding.command = show_rows_command(input, listed);
  findings.push_back(std::move(finding));
}

bool ends_a_sentence(const std::string& text) {
  static const std::vector<std::string> ends = {".", "!", "?",  "\"", "'",  ")",  "]",  "}",  ":",  ";", "`", "…",
                                                "”", "»", "。", "！", "？", "」", "』", "）", "\n", "*", ">"};
  return std::any_of(ends.begin(), ends.end(), [&](const std::string& end) { return text.ends_with(end); });
}

// Texts of one greatest length, none of which ends a sentence where most others do: a tool has cut them.
void check_cut_answers(const CheckInput& input, Findings& findings) {
  constexpr std::size_t least_characters = 100;
  constexpr std::size_t fewest_cut = 3;
  std::size_t longest = 0;
  std::size_t ended = 0;
  for (const Row& row : input.train) {
    longest = std::max(longest, row.output.size());
    ended += ends_a_sentence(row.output) ? 1 : 0;
  }
  if (longest < least_characters || share(ended, input.train.size()) < 0.5) return;
  std::vector<const Row*> cut;
  for (const Row& row : input.train) {
    if (row.output.size() + 4 >= longest && !ends_a_sentence(row.output)) cut.push_back(&row);
  }
  if (cut.size() < fewest_cut) return;
  Finding finding;
  finding.id = "answers-cut";
  finding.severity = Severity::warning;
  finding.title = fmt::format("{} answers are {} bytes long and end within a sentence: something has cut them.",
                              cut.size(), longest);
  finding.evidence = Json{{"rows", cut.size()}, {"bytes", longest}, {"examples", Json::array()}};
  for (const Row* row : cut) {
    finding.rows.push_back(row->id);
    if (finding.evidence["examples"].size() == most_examples) continue;
    const std::string end = row->output.substr(row->output.size() - 50);
    finding.evidence["examples"].push_back(
        {{"line", row->line}, {"why", fmt::format("ends \"...{}\"", printable(end))}, {"id", row->id}});
  }
  finding.suggestion = "Take the whole answers from where these come from: a model learns to stop within a sentence.";
  finding.command = show_rows_command(input, cut);
  findings.push_back(std::move(finding));
}

void check_answer_tokens(const CheckInput& input, Findings& findings) {
  if (!input.answer_tokens || input.max_tokens <= 0) return;
  // A token has a byte or more, and the end of a turn few tokens: short answers need no counting, but that a template
  // closes no answer shows on any.
  constexpr std::size_t most_end_tokens = 16;
  std::vector<const Row*> long_rows;
  std::vector<const Row*> endless;
  int longest = 0;
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) {
      const bool is_first = longest == 0 && endless.empty();
      const bool may_be_long = row.output.size() + most_end_tokens >= static_cast<std::size_t>(input.max_tokens);
      if (!is_first && !may_be_long && endless.empty()) continue;
      const std::optional<int> tokens = input.answer_tokens(row);
      if (!tokens) endless.push_back(&row);
      longest = std::max(longest, tokens.value_or(0));
      if (tokens.value_or(0) >= input.max_tokens) long_rows.push_back(&row);
    }
  }
  const auto add = [&](const std::vector<const Row*>& rows, Finding finding) {
    if (rows.empty()) return;
    finding.severity = Severity::error;
    for (const Row* row : rows) finding.rows.push_back(row->id);
    finding.evidence["rows"] = rows.size();
    finding.command = show_rows_command(input, rows);
    findings.push_back(std::move(finding));
  };
  Finding cut;
  cut.id = "answer-too-long";
  cut.title = fmt::format("{} alone longer than {} tokens: no prompt fits beside {}, so {} not learnt.",
                          count_of(long_rows.size(), "answer is", "answers are"), input.max_tokens,
                          long_rows.size() == 1 ? "it" : "them", long_rows.size() == 1 ? "it is" : "they are");
  cut.evidence = Json{{"max_tokens", input.max_tokens}, {"longest", longest}};
  cut.suggestion = "Shorten these answers, or ask for a part of them a row.";
  add(long_rows, std::move(cut));
  Finding end;
  end.id = "missing-end";
  end.title = fmt::format("{} no end: the model's chat template closes no answer, so a tuned model would not stop.",
                          count_of(endless.size(), "answer has", "answers have"));
  end.evidence = Json::object();
  end.suggestion = "Take another base model (model in hone.toml), or one with its chat template.";
  add(endless, std::move(end));
}

struct Reasoned {
  std::size_t rows = 0;
  std::vector<std::size_t> words;  // of the rationales there are
  double median() const {
    std::vector<std::size_t> sorted = words;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : static_cast<double>(sorted[sorted.size() / 2]);
  }
};

}  // namespace

// A rationale that comes with one label only, or is longer with it, gives the label away before the answer.
void check_rationale(const CheckInput& input, Findings& findings) {
  constexpr std::size_t fewest_of_label = 10;
  std::map<std::string, Reasoned> by_label;
  for (const Row& row : input.train) {
    Reasoned& label = by_label[row.output];
    ++label.rows;
    if (!row.rationale.empty()) label.words.push_back(words_in(row.rationale));
  }
  std::erase_if(by_label, [](const auto& label) { return label.second.rows < fewest_of_label; });
  if (by_label.size() < 2) return;
  const auto present = [](const Reasoned& label) { return share(label.words.size(), label.rows); };
  const auto [least, most] = std::minmax_element(by_label.begin(), by_label.end(), [&](const auto& a, const auto& b) {
    return present(a.second) < present(b.second);
  });
  const auto [brief, wordy] = std::minmax_element(by_label.begin(), by_label.end(), [](const auto& a, const auto& b) {
    return a.second.median() < b.second.median();
  });
  const bool one_sided = present(most->second) - present(least->second) >= 0.3;
  const bool longer = !one_sided && brief->second.words.size() >= fewest_of_label &&
                      wordy->second.median() >= 1.5 * brief->second.median() &&
                      wordy->second.median() - brief->second.median() >= 5;
  if (!one_sided && !longer) return;
  Json labels = Json::object();
  for (const auto& [name, label] : by_label)
    labels[name] = {{"rows", label.rows}, {"with_rationale", label.words.size()}, {"median_words", label.median()}};
  const std::string& given = one_sided ? most->first : wordy->first;
  Finding finding;
  finding.id = "rationale-one-sided";
  finding.severity = Severity::warning;
  finding.title = one_sided ? fmt::format("{:.0f} % of the rows of {} come with reasoning, {:.0f} % of those of {}.",
                                          100 * present(most->second), clipped(most->first, 40),
                                          100 * present(least->second), clipped(least->first, 40))
                            : fmt::format("The reasoning of {} has {:.0f} words in the middle, that of {} {:.0f}.",
                                          clipped(wordy->first, 40), wordy->second.median(), clipped(brief->first, 40),
                                          brief->second.median());
  finding.evidence = Json{{"labels", std::move(labels)}, {"one_sided", one_sided}};
  std::vector<const Row*> rows;
  for (const Row& row : input.train) {
    if (row.output != given || row.rationale.empty()) continue;
    rows.push_back(&row);
    finding.rows.push_back(row.id);
  }
  finding.suggestion =
      "Write reasoning of the same kind for every label: a model may learn that it reasons for one only.";
  finding.command = show_rows_command(input, rows);
  findings.push_back(std::move(finding));
}

void check_lengths(const CheckInput& input, Findings& findings) {
  check_outliers(input, &Row::input, "input", findings);
  if (input.task->kind == Kind::text) {
    check_outliers(input, &Row::output, "answer", findings);
    check_cut_answers(input, findings);
  }
  check_answer_tokens(input, findings);
}

}  // namespace hone::data
