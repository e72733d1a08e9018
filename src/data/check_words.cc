// Words that give a label away: shortcuts, and those that carry it by right.
#include <algorithm>

#include "base/shell.h"
#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/shortcut_words.h"

namespace hone::data {
namespace {

constexpr std::size_t most_words = 8;
constexpr double telling_flip_rate = 0.2;  // below, the rest of a row says the same

Json word_json(const OutOfFold& oof, const TellingWord& word) {
  return {{"word", word.word},
          {"label", oof.labels[word.label]},
          {"rows", word.rows},
          {"precision", word.precision},
          {"coverage", word.coverage},
          {"log10_p", word.log10_p},
          {"masked", word.masked},
          {"flipped", word.flipped},
          {"flip_rate", share(word.flipped, word.masked)}};
}

std::string sentence(const OutOfFold& oof, const TellingWord& word) {
  return fmt::format(
      "\"{}\" stands in {:.0f} % of the rows of {} and {:.1f} % of its rows have that label; left out, "
      "{} of {} answers change",
      clipped(word.word, 30), 100 * word.coverage, clipped(oof.labels[word.label], 40), 100 * word.precision,
      word.flipped, word.masked);
}

Finding words_finding(const CheckInput& input, const std::vector<const TellingWord*>& words) {
  const OutOfFold& oof = *input.out_of_fold;
  Finding finding;
  finding.evidence = Json{{"words", Json::array()}, {"examples", Json::array()}};
  for (const TellingWord* word : words) {
    if (finding.evidence["words"].size() == most_words) break;
    finding.evidence["words"].push_back(word_json(oof, *word));
    finding.evidence["examples"].push_back({{"word", sentence(oof, *word)}});
    for (const std::size_t i : word->exceptions) finding.rows.push_back(oof.rows[i].id);
  }
  finding.command = fmt::format("grep -iwn -m 10 -e {} {}", shell_word(words.front()->word),
                                shell_word(input.task->data.train.string()));
  return finding;
}

}  // namespace

void check_words(const CheckInput& input, Findings& findings) {
  if (input.out_of_fold == nullptr) return;
  const std::vector<TellingWord> all = telling_words(*input.out_of_fold, input.task->instruction);
  std::vector<const TellingWord*> shortcuts;
  std::vector<const TellingWord*> telling;
  for (const TellingWord& word : all) {
    if (word.is_shortcut) shortcuts.push_back(&word);
    if (!word.is_shortcut && share(word.flipped, word.masked) >= telling_flip_rate) telling.push_back(&word);
  }
  if (!shortcuts.empty()) {
    const TellingWord& first = *shortcuts.front();
    Finding finding = words_finding(input, shortcuts);
    finding.id = "shortcut-words";
    finding.severity = Severity::warning;
    finding.title = fmt::format("The word \"{}\" gives the label {} away: a model may learn the word and nothing else.",
                                clipped(first.word, 30), clipped(input.out_of_fold->labels[first.label], 40));
    finding.suggestion = fmt::format(
        "If real inputs don't come with \"{0}\" so, take it out of the rows or add rows of the other labels that hold "
        "it.",
        clipped(first.word, 30));
    findings.push_back(std::move(finding));
  }
  if (!telling.empty()) {
    Finding finding = words_finding(input, telling);
    finding.id = "telling-words";
    finding.severity = Severity::note;
    finding.title = fmt::format("{} much of a label, by right as far as can be seen: without it many answers change.",
                                count_of(std::min(telling.size(), most_words), "word carries", "words carry"));
    finding.suggestion =
        "Nothing to do where these words mean the label; else add rows that hold them and have another.";
    findings.push_back(std::move(finding));
  }
}

}  // namespace hone::data
