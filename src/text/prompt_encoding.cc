#include "text/prompt_encoding.h"

#include <algorithm>

#include "base/terminal.h"

namespace hone::text {
namespace {

constexpr std::string_view cut_mark = " [...] ";
constexpr int most_attempts = 12;

std::string spelled(const Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? std::string(tokenizer.token_bytes(*id)) : std::string();
}

RenderOptions render_options(const Tokenizer& tokenizer, const PromptSpec& spec) {
  RenderOptions options;
  options.bos_token = spelled(tokenizer, tokenizer.bos());
  options.eos_token = spelled(tokenizer, tokenizer.eos());
  options.today = spec.today;
  options.extra = spec.extra;
  return options;
}

Result<EncodedPrompt> encode_once(std::span<const Message> messages, const Tokenizer& tokenizer,
                                  const ChatTemplate& chat_template, const PromptSpec& spec) {
  const auto rendered = chat_template.render(messages, render_options(tokenizer, spec));
  if (!rendered) return tl::unexpected(rendered.error());
  EncodedPrompt encoded;
  encoded.ids = tokenizer.encode(*rendered);
  encoded.rendered = rendered->text();
  const auto bos = tokenizer.bos();
  if (tokenizer.add_bos() && bos && (encoded.ids.empty() || encoded.ids.front() != *bos)) {
    encoded.ids.insert(encoded.ids.begin(), *bos);
  }
  return encoded;
}

enum class Side { start, end };

// `text` without a character cut in half on one side.
std::string whole_characters(std::string text, Side side) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  for (int i = 0; i < 3 && !text.empty() && !is_utf8(text); ++i) {
    if (side == Side::end) {
      text.pop_back();
    } else if (is_continuation(text.front())) {
      text.erase(0, 1);
    }
  }
  return text;
}

// The first and last tokens of `ids`, `keep` in all, as text with the mark between.
std::string cut_middle(const Tokenizer& tokenizer, std::span<const TokenId> ids, std::size_t keep) {
  const std::size_t head = (keep + 1) / 2;
  return whole_characters(tokenizer.decode(ids.first(head)), Side::end) + std::string(cut_mark) +
         whole_characters(tokenizer.decode(ids.last(keep - head)), Side::start);
}

using Stretch = MarkedText::Stretch;

// Where the template wrote the answer last; the end of the text where it wrote none.
Stretch answer_in(const MarkedText& rendered) {
  Stretch answer{rendered.size(), rendered.size(), Origin::from_answer};
  for (const Stretch& stretch : rendered.stretches()) {
    if (stretch.origin == Origin::from_answer) answer = stretch;
  }
  return answer;
}

// What stands between the prompt and the answer, if that is white space. Anything more, such as an empty thought, is
// for the model to write.
std::string lead_between(const std::string& prompt, std::string before_answer) {
  if (!before_answer.starts_with(prompt)) return {};
  before_answer.erase(0, prompt.size());
  return before_answer.find_first_not_of(" \t\r\n") == std::string::npos ? before_answer : std::string();
}

Behind behind_of(const std::vector<TokenId>& prompt, const Tokenizer& tokenizer) {
  if (prompt.empty()) return Behind::nothing;
  return tokenizer.is_special(prompt.back()) ? Behind::special : Behind::text;
}

bool ends_turn(TokenId id, const Tokenizer& tokenizer) {
  const auto& ends = tokenizer.end_of_turn();
  return std::find(ends.begin(), ends.end(), id) != ends.end();
}

TokenId end_in(const MarkedText& after_answer, const Tokenizer& tokenizer) {
  for (const TokenId id : tokenizer.encode(after_answer)) {
    if (ends_turn(id, tokenizer)) return id;
  }
  return tokenizer.end_of_turn().front();
}

}  // namespace

Result<EncodedPrompt> encode_prompt(std::span<const Message> messages, const Tokenizer& tokenizer,
                                    const ChatTemplate& chat_template, const PromptSpec& spec) {
  auto encoded = encode_once(messages, tokenizer, chat_template, spec);
  if (!encoded || static_cast<int>(encoded->ids.size()) <= spec.max_tokens) return encoded;
  std::vector<Message> shorter(messages.begin(), messages.end());
  // Contents that are given in parts stand in the fields and are left as they are.
  const auto last = std::find_if(shorter.rbegin(), shorter.rend(), [](const Message& m) {
    return m.role == "user" && !(m.fields.is_object() && m.fields.contains("content"));
  });
  const auto whole = encoded->ids.size();
  if (last == shorter.rend()) {
    return bad_input("the prompt is {} tokens, {} fit, and there is no user message to cut", whole, spec.max_tokens);
  }
  const std::vector<TokenId> content = tokenizer.encode(std::string_view(last->content));
  std::size_t keep = content.size();
  for (int attempt = 0; attempt < most_attempts && keep > 0; ++attempt) {
    // The mark itself costs a few tokens, and pieces may merge differently at the cut.
    const std::size_t over =
        encoded->ids.size() - static_cast<std::size_t>(std::max(0, spec.max_tokens)) + (attempt == 0 ? 4 : 0);
    keep = attempt + 1 == most_attempts ? 0 : keep - std::min(keep, over);
    last->content = keep == 0 ? std::string() : cut_middle(tokenizer, content, keep);
    encoded = encode_once(shorter, tokenizer, chat_template, spec);
    if (!encoded) return encoded;
    if (static_cast<int>(encoded->ids.size()) <= spec.max_tokens) {
      encoded->cut_tokens = static_cast<int>(content.size() - keep);
      return encoded;
    }
  }
  return bad_input(
      "the prompt is {} tokens and {} fit: everything but the last user message is too long already; shorten the "
      "instruction or show fewer examples",
      whole, spec.max_tokens);
}

Result<AnswerForm> answer_form(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  if (tokenizer.end_of_turn().empty()) {
    return make_error(ErrorCode::unsupported, "the tokenizer names no end-of-turn token, so an answer could never end");
  }
  // Some templates print a date; which one does not matter here.
  RenderOptions options = render_options(tokenizer, {.today = "2000-01-01", .extra = nullptr});
  std::vector<Message> turns = {{"user", "u"}};
  const auto prompt = chat_template.render(turns, options);
  if (!prompt) return tl::unexpected(prompt.error());
  turns.push_back({"assistant", "a"});
  options.add_generation_prompt = false;
  const auto whole = chat_template.render(turns, options);
  if (!whole) return tl::unexpected(whole.error());
  const Stretch answer = answer_in(*whole);
  AnswerForm form;
  form.lead = lead_between(prompt->text(), whole->text().substr(0, answer.begin));
  form.behind = behind_of(tokenizer.encode(*prompt), tokenizer);
  form.end = end_in(whole->slice(answer.end, whole->size()), tokenizer);
  return form;
}

Result<TokenId> turn_end(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  return answer_form(tokenizer, chat_template).map([](const AnswerForm& form) { return form.end; });
}

std::vector<TokenId> encode_answer(std::string_view answer, const Tokenizer& tokenizer, const AnswerForm& form) {
  std::string text = form.lead;
  text.append(answer);
  std::vector<TokenId> ids = tokenizer.encode_behind(text, form.behind);
  ids.push_back(form.end);
  return ids;
}

Result<std::vector<TokenId>> encode_answer(std::string_view answer, const Tokenizer& tokenizer,
                                           const ChatTemplate& chat_template) {
  return answer_form(tokenizer, chat_template).map([&](const AnswerForm& form) {
    return encode_answer(answer, tokenizer, form);
  });
}

Result<EncodedTurn> encode_turn(std::span<const Message> messages, const EncodedPrompt& prompt,
                                const Tokenizer& tokenizer, const ChatTemplate& chat_template, const PromptSpec& spec) {
  const auto form = answer_form(tokenizer, chat_template);
  if (!form) return tl::unexpected(form.error());
  EncodedTurn turn;
  if (messages.back().fields.is_null()) {
    turn.ids = encode_answer(messages.back().content, tokenizer, *form);
  } else {
    RenderOptions options = render_options(tokenizer, spec);
    options.add_generation_prompt = false;
    const auto whole = chat_template.render(messages, options);
    if (!whole) return tl::unexpected(whole.error());
    if (!whole->text().starts_with(prompt.rendered)) {
      return bad_input(
          "the chat template writes the last turn in another way than the prompt for it begins, so no model is asked "
          "like that; leave its reasoning out, or switch thinking on or off");
    }
    turn.ids =
        tokenizer.encode_behind(whole->slice(prompt.rendered.size(), whole->size()), behind_of(prompt.ids, tokenizer));
    const auto end =
        std::find_if(turn.ids.begin(), turn.ids.end(), [&](TokenId id) { return ends_turn(id, tokenizer); });
    const TokenId last = end == turn.ids.end() ? form->end : *end;
    turn.ids.erase(end, turn.ids.end());
    turn.ids.push_back(last);
  }
  for (const TokenId id : turn.ids) turn.text += tokenizer.token_bytes(id);
  return turn;
}

}  // namespace hone::text
