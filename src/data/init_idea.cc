#include "data/init_idea.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/normal_text.h"
#include "data/task.h"

namespace hone::data {
namespace {

// What the first ten cases are for. Most failures of a task that nobody has measured lie in one of these.
constexpr std::array<const char*, 10> first_cases = {
    "the most ordinary case there is",
    "another ordinary one, in other words",
    "an ordinary one with the other answer, or another kind of answer",
    "the shortest input that comes",
    "the longest input that comes",
    "one full of slips of the keyboard, or in another language",
    "one where two answers could be right: write down which one is, and why in the instruction",
    "one that looks like the first but has another answer",
    "one to which no answer fits: what should be said then?",
    "one that tries to talk the model out of its task",
};

bool has_word(const std::vector<std::string_view>& words, std::initializer_list<const char*> wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const char* word) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view one) { return one.starts_with(word); });
  });
}

Kind kind_of(const std::string& idea) {
  const std::string lowered = lowered_text(idea);
  const std::vector<std::string_view> words = words_of(lowered);
  if (has_word(words, {"json", "extract", "field", "parse", "slot"})) return Kind::json;
  const bool is_choice = has_word(words, {"classif", "categor", "label", "sort", "rout", "detect", "whether", "decide",
                                          "spam", "sentiment", "which", "triage", "is", "does"});
  return is_choice ? Kind::classify : Kind::text;
}

const char* why(Kind kind) {
  switch (kind) {
    case Kind::classify:
      return "kind: classify, because the idea sounds like a choice; write your own labels";
    case Kind::json:
      return "kind: json, because the idea sounds like fields to fill";
    case Kind::text:
      return "kind: text, because the idea names neither labels nor fields";
  }
  HONE_CHECK(false);
}

std::string csv_field(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

IdeaResult init_idea(const std::string& idea) {
  Task task;
  task.file = "hone.toml";
  task.name = "idea";
  task.kind = kind_of(idea);
  task.instruction = canonical_text(idea);
  if (task.kind == Kind::classify) task.labels = {"yes", "no"};
  task.metric = default_metric(task.kind);
  task.data.train = "cases.csv";
  IdeaResult result;
  result.toml =
      "# What a good answer is, for Hone. Written from an idea, without data: the instruction is the idea itself.\n"
      "# Say in it what a good answer is, as you would tell a new colleague; write the cases in cases.csv; then:\n"
      "# hone data check\n";
  if (task.kind == Kind::classify) result.toml += "# labels: put your own in place of yes and no.\n";
  result.toml += task_text(task);
  result.cases = "input,output,case\n";
  for (const char* one : first_cases) result.cases += ",," + csv_field(one) + "\n";
  result.notes = {why(task.kind), "instruction: the idea; say what a good answer is, and what to do in doubtful cases",
                  "train: cases.csv, ten cases to write first"};
  result.verdict = "prompt for now";
  result.reason = "there are no examples yet, so there is nothing to learn from and nothing to measure with";
  result.would_change = {
      "some 50 real inputs with right answers: then it can be measured how well a prompt does",
      "a few hundred: then a plain classifier or a small fine-tuned model can be weighed against it",
      "many requests a month, a limit on latency, or inputs that may not leave the machine: say so in "
      "[circumstances], they speak for a small model",
  };
  return result;
}

}  // namespace hone::data
