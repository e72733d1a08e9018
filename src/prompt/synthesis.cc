#include "prompt/synthesis.h"

#include <algorithm>
#include <array>

#include "base/terminal.h"
#include "data/encode.h"
#include "data/normal_text.h"
#include "prompt/api_answer.h"
#include "prompt/prompted.h"

namespace hone::prompt {
namespace {

constexpr std::size_t most_rationale_words = 60;
constexpr int tokens_a_line = 96;
constexpr int document_tokens = 400;
constexpr int rationale_tokens = 96;

constexpr std::array kinds = {SynthesisKind::paraphrase, SynthesisKind::negatives, SynthesisKind::missing,
                              SynthesisKind::document};

std::string quoted(const std::string& text) { return "<<<\n" + text + "\n>>>"; }

std::string form_of(const SynthesisPlea& plea) {
  if (plea.rows == 1) return "Write nothing but the new input, on one line.";
  return fmt::format("Write {} of them, different from each other, one a line, without numbers and nothing else.",
                     plea.rows);
}

std::string examples_of(const SynthesisPlea& plea) {
  if (plea.examples.empty()) return {};
  std::string text = "\nSuch inputs are, for instance:";
  for (const data::Row* row : plea.examples) text += "\n" + quoted(row->input);
  return text + "\n";
}

std::string wish(SynthesisKind kind, const SynthesisPlea& plea) {
  switch (kind) {
    case SynthesisKind::paraphrase:
      return fmt::format(
          "The right answer to this input is \"{}\":\n{}\nSay the same in other words, so that the right answer stays "
          "the "
          "same. {}",
          plea.output, quoted(plea.made_from->input), form_of(plea));
    case SynthesisKind::negatives:
      return fmt::format(
          "Make up inputs that hold the word \"{}\" and to which the right answer is all the same \"{}\".\n{}{}",
          plea.word, plea.output, examples_of(plea), form_of(plea));
    case SynthesisKind::missing:
      return fmt::format("Make up inputs to which the right answer is \"{}\".\n{}{}", plea.output, examples_of(plea),
                         form_of(plea));
    case SynthesisKind::document:
      return fmt::format(
          "Write a text of 80 to 150 words, such as a mail, a page or a report, that holds the following word for word "
          "somewhere in its middle, and is otherwise about ordinary things:\n{}\nWrite nothing but the text.",
          quoted(plea.made_from->input));
  }
  HONE_CHECK(false);
}

// Without what stands before and around a line of a list: "3. ", "- ", quotes.
std::string bare_line(std::string_view line) {
  std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  const std::size_t digits = line.find_first_not_of("0123456789", begin);
  if (digits != begin && digits != std::string_view::npos && (line[digits] == '.' || line[digits] == ')')) {
    begin = line.find_first_not_of(" \t", digits + 1);
  } else if ((line[begin] == '-' || line[begin] == '*') && begin + 1 < line.size() && line[begin + 1] == ' ') {
    begin = line.find_first_not_of(" \t", begin + 1);
  }
  if (begin == std::string_view::npos) return {};
  std::string text = data::canonical_text(line.substr(begin));
  const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  if (is_quoted) text = text.substr(1, text.size() - 2);
  return text;
}

bool keeps_to(SynthesisKind kind, const SynthesisPlea& plea, const std::string& text) {
  const std::string folded = data::folded_text(text);
  if (folded.empty() || text.size() >= data::too_long_bytes || text.find('\0') != std::string::npos) return false;
  if (text.starts_with("<<<") || text.starts_with(">>>")) return false;
  const std::string spaced = " " + folded + " ";
  switch (kind) {
    case SynthesisKind::paraphrase:
      return folded != data::folded_text(plea.made_from->input);
    case SynthesisKind::negatives:
      return spaced.find(" " + data::folded_text(plea.word) + " ") != std::string::npos;
    case SynthesisKind::missing:
      return true;
    case SynthesisKind::document: {
      const std::string held = data::folded_text(plea.made_from->input);
      return folded != held && spaced.find(" " + held + " ") != std::string::npos;
    }
  }
  HONE_CHECK(false);
}

text::Request request_of(const data::Task& task, std::string id, std::string question, int max_tokens) {
  text::Request request;
  request.id = std::move(id);
  request.messages = {{"system", "The task:\n" + task.instruction}, {"user", std::move(question)}};
  request.answer.max_tokens = max_tokens;
  return request;
}

}  // namespace

const char* name_of(SynthesisKind kind) {
  switch (kind) {
    case SynthesisKind::paraphrase:
      return "paraphrase";
    case SynthesisKind::negatives:
      return "negatives";
    case SynthesisKind::missing:
      return "missing";
    case SynthesisKind::document:
      return "document";
  }
  HONE_CHECK(false);
}

Result<SynthesisKind> synthesis_named(const std::string& name) {
  for (const SynthesisKind kind : kinds) {
    if (name == name_of(kind)) return kind;
  }
  return make_error(ErrorCode::usage, "expected paraphrase, negatives, missing or document; found \"{}\"",
                    printable(name));
}

text::Request synthesis_request(const data::Task& task, SynthesisKind kind, const SynthesisPlea& plea) {
  const bool is_document = kind == SynthesisKind::document;
  const int tokens = is_document ? document_tokens : tokens_a_line * static_cast<int>(plea.rows);
  text::Request request = request_of(task, fmt::format("{}-{}", name_of(kind), plea.draw), wish(kind, plea), tokens);
  request.answer.temperature = 0.8;
  request.answer.top_p = 0.95;
  request.answer.seed = task.seed + plea.draw;
  return request;
}

std::vector<std::string> synthesised_texts(SynthesisKind kind, const SynthesisPlea& plea, const std::string& answer) {
  const std::string_view bare = without_fence(without_thinking(answer));
  std::vector<std::string> texts;
  if (kind == SynthesisKind::document) {
    const std::size_t begin = bare.find_first_not_of(" \t\r\n");
    if (begin != std::string_view::npos)
      texts.emplace_back(bare.substr(begin, bare.find_last_not_of(" \t\r\n") + 1 - begin));
  } else {
    for (std::size_t begin = 0; begin < bare.size() && texts.size() < plea.rows;) {
      const std::size_t end = std::min(bare.find('\n', begin), bare.size());
      if (std::string line = bare_line(bare.substr(begin, end - begin)); !line.empty())
        texts.push_back(std::move(line));
      begin = end + 1;
    }
  }
  std::erase_if(texts, [&](const std::string& text) { return !keeps_to(kind, plea, text); });
  return texts;
}

text::Request rationale_request(const data::Task& task, const data::Row& row) {
  return request_of(
      task, row.id,
      fmt::format("The right answer to this input is \"{}\":\n{}\nSay in one sentence what in the input "
                  "decides that, without naming the answer before the reason. Write nothing but the sentence.",
                  row.output, quoted(row.input)),
      rationale_tokens);
}

std::optional<std::string> rationale_in(const std::string& answer) {
  const std::string sentence = bare_line(data::canonical_text(without_fence(without_thinking(answer))));
  const std::size_t words = data::words_of(sentence).size();
  if (words < 3 || words > most_rationale_words) return std::nullopt;
  const std::string folded = data::folded_text(sentence);
  for (const char* refusal : {"i m sorry", "i am sorry", "sorry", "i cannot", "i can t", "as an ai"}) {
    if (folded.starts_with(refusal)) return std::nullopt;
  }
  return sentence;
}

text::Request reasoned_request(const data::Task& task, const data::Row& row, const std::string& rationale) {
  text::Request request{.id = row.id, .messages = data::messages_for(task, row.input), .answer = answer_spec(task)};
  request.messages.back().content += "\n\nWhat decides it: " + rationale;
  return request;
}

}  // namespace hone::prompt
