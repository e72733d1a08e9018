#include "data/label_names.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "data/normal_text.h"

namespace hone::data {
namespace {

// Words that stand before a number or letter where nobody thought of a name.
constexpr std::array empty_words = {"class",   "label",  "category", "cat",    "type", "group",
                                    "cluster", "topic",  "option",   "choice", "tag",  "target",
                                    "output",  "answer", "value",    "item",   "kind"};
constexpr std::array denials = {"not", "no", "non", "never", "without", "none"};
// Words that labels of different people's making mean the same by.
const std::vector<std::vector<std::string_view>>& synonyms() {
  static const std::vector<std::vector<std::string_view>> groups = {
      {"bug", "defect", "error", "fault", "failure"},
      {"question", "query", "inquiry", "enquiry"},
      {"request", "ask", "demand"},
      {"other", "misc", "miscellaneous", "else", "rest", "unknown", "general"},
      {"positive", "good", "favourable", "favorable"},
      {"negative", "bad", "unfavourable", "unfavorable"},
      {"spam", "junk"},
      {"toxic", "abusive", "offensive", "hateful"},
      {"urgent", "critical", "pressing"},
      {"cancel", "terminate", "end"},
      {"complaint", "grievance"},
      {"bill", "invoice"},
      {"buy", "purchase", "order"},
      {"deliver", "delivery", "shipping", "shipment"},
      {"money", "cash"},
      {"person", "human", "people"},
      {"place", "location"},
      {"thing", "entity", "object"},
      {"number", "count", "amount", "quantity"},
      {"malicious", "harmful", "attack"},
      {"benign", "harmless", "safe"},
      {"true", "yes"},
      {"false", "no"},
  };
  return groups;
}

bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_word(char c) { return is_small(c) || is_capital(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; }

std::vector<std::string> name_words(const std::string& label) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(folded_text(word));
    word.clear();
  };
  for (std::size_t i = 0; i < label.size(); ++i) {
    if (!is_of_word(label[i])) {
      end_word();
      continue;
    }
    if (i > 0 && is_capital(label[i]) && is_small(label[i - 1])) end_word();
    word += label[i];
  }
  end_word();
  return words;
}

std::string stem(std::string word) {
  for (const std::string_view ending : {"ing", "ed", "es", "s"}) {
    if (word.size() < ending.size() + 4 || !word.ends_with(ending)) continue;
    if (ending == "s" && word.ends_with("ss")) continue;
    word.erase(word.size() - ending.size());
    break;
  }
  if (word.size() > 4 && word.ends_with('e')) word.pop_back();
  return word;
}

std::string head_of(const std::string& word) {
  for (const auto& group : synonyms()) {
    if (std::any_of(group.begin(), group.end(), [&](std::string_view w) { return stem(std::string(w)) == word; })) {
      return std::string(group.front());
    }
  }
  return word;
}

struct Name {
  std::string folded;
  std::set<std::string> stems;
  std::set<std::string> heads;
};

Name name_of_label(const std::string& label) {
  Name name;
  for (const std::string& word : name_words(label)) {
    name.folded += word;
    name.stems.insert(stem(word));
    name.heads.insert(head_of(stem(word)));
  }
  return name;
}

// Whether what the larger has beyond the smaller only denies it.
bool only_denies(const std::set<std::string>& smaller, const std::set<std::string>& larger) {
  return std::all_of(larger.begin(), larger.end(), [&](const std::string& word) {
    return smaller.contains(word) || std::find(denials.begin(), denials.end(), word) != denials.end();
  });
}

bool contains_properly(const std::set<std::string>& larger, const std::set<std::string>& smaller) {
  return smaller.size() < larger.size() &&
         std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end()) && !only_denies(smaller, larger);
}

// A digit that differs is a different name, not a slip.
bool nearly_spelled(const std::string& a, const std::string& b) {
  if (std::min(a.size(), b.size()) < 6 || has_digit(a) || has_digit(b)) return false;
  if (a.ends_with(b) || b.ends_with(a)) return false;  // "relevant", "irrelevant": the beginning denies
  return edit_distance(a, b) == 1;
}

std::string overlap_of(const Name& a, const Name& b) {
  if (a.stems.empty() || b.stems.empty()) return {};
  if (a.stems == b.stems) return "same-words";
  if (contains_properly(a.stems, b.stems) || contains_properly(b.stems, a.stems)) return "one-in-the-other";
  if (nearly_spelled(a.folded, b.folded)) return "nearly-the-same-spelling";
  if (a.heads == b.heads) return "synonyms";
  return {};
}

bool is_silent(const std::string& label) {
  std::string letters;
  std::size_t digits = 0;
  for (const char c : folded_text(label)) {
    if (is_digit(c)) ++digits;
    if (is_of_word(c) && !is_digit(c)) letters += c;
  }
  if (letters.size() <= 1) return true;  // "A", "0", "c3", "?"
  if (std::find(empty_words.begin(), empty_words.end(), letters) != empty_words.end()) return true;
  const std::vector<std::string> words = name_words(label);
  const bool begins_empty =
      words.size() == 2 && std::find(empty_words.begin(), empty_words.end(), words[0]) != empty_words.end();
  return begins_empty && (words[1].size() == 1 || (digits > 0 && words[1].size() == digits));
}

}  // namespace

bool names_label(const std::string& folded_instruction, const std::string& label) {
  const std::string wanted = folded_text(label);
  return !wanted.empty() && (" " + folded_instruction + " ").find(" " + wanted + " ") != std::string::npos;
}

bool explains_label(const std::string& instruction, const std::string& label) {
  const std::string text = lowered_text(instruction);
  const std::string wanted = lowered_text(label);
  if (wanted.empty()) return false;
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    if ((at > 0 && is_of_word(text[at - 1])) || (end < text.size() && is_of_word(text[end]))) continue;
    std::size_t next = end;
    while (next < text.size() && (text[next] == ' ' || text[next] == '"' || text[next] == '\'' || text[next] == '`'))
      ++next;
    const std::string_view rest = std::string_view(text).substr(next);
    for (const std::string_view sign :
         {":", "=", "(", "- ", "\u2013", "\u2014", "means ", "for ", "if ", "when ", "is "}) {
      if (rest.starts_with(sign)) return true;
    }
  }
  return false;
}

std::vector<std::size_t> silent_labels(const Task& task) {
  std::vector<std::size_t> silent;
  for (std::size_t i = 0; i < task.labels.size(); ++i) {
    if (is_silent(task.labels[i]) && !explains_label(task.instruction, task.labels[i])) silent.push_back(i);
  }
  return silent;
}

std::vector<std::size_t> unnamed_labels(const Task& task) {
  const std::string instruction = folded_text(task.instruction);
  std::vector<std::size_t> unnamed;
  for (std::size_t i = 0; i < task.labels.size(); ++i) {
    if (!names_label(instruction, task.labels[i])) unnamed.push_back(i);
  }
  return unnamed;
}

std::vector<NamePair> overlapping_labels(const std::vector<std::string>& labels) {
  std::vector<Name> names;
  for (const std::string& label : labels) names.push_back(name_of_label(label));
  std::vector<NamePair> pairs;
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (std::size_t b = a + 1; b < names.size(); ++b) {
      if (std::string why = overlap_of(names[a], names[b]); !why.empty()) pairs.push_back({a, b, std::move(why)});
    }
  }
  return pairs;
}

}  // namespace hone::data
