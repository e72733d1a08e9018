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

Result<EncodedPrompt> encode_once(std::span<const Message> messages, const Tokenizer& tokenizer,
                                  const ChatTemplate& chat_template, const PromptSpec& spec) {
  RenderOptions options;
  options.add_generation_prompt = true;
  options.bos_token = spelled(tokenizer, tokenizer.bos());
  options.eos_token = spelled(tokenizer, tokenizer.eos());
  options.today = spec.today;
  options.extra = spec.extra;
  const auto rendered = chat_template.render(messages, options);
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

}  // namespace

Result<EncodedPrompt> encode_prompt(std::span<const Message> messages, const Tokenizer& tokenizer,
                                    const ChatTemplate& chat_template, const PromptSpec& spec) {
  auto encoded = encode_once(messages, tokenizer, chat_template, spec);
  if (!encoded || static_cast<int>(encoded->ids.size()) <= spec.max_tokens) return encoded;
  std::vector<Message> shorter(messages.begin(), messages.end());
  const auto last = std::find_if(shorter.rbegin(), shorter.rend(), [](const Message& m) { return m.role == "user"; });
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

Result<TokenId> turn_end(const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  const auto& ends = tokenizer.end_of_turn();
  if (ends.empty()) {
    return make_error(ErrorCode::unsupported, "the tokenizer names no end-of-turn token, so an answer could never end");
  }
  RenderOptions options;
  options.add_generation_prompt = false;
  options.bos_token = spelled(tokenizer, tokenizer.bos());
  options.eos_token = spelled(tokenizer, tokenizer.eos());
  options.today = "2000-01-01";  // some templates print a date; which one does not matter here
  const std::vector<Message> turn = {{"user", "u"}, {"assistant", "a"}};
  const auto rendered = chat_template.render(turn, options);
  if (!rendered) return tl::unexpected(rendered.error());
  std::size_t answer_ends = rendered->size();
  for (const auto& stretch : rendered->stretches()) {
    if (stretch.origin == Origin::from_answer) answer_ends = stretch.end;
  }
  for (const TokenId id : tokenizer.encode(rendered->slice(answer_ends, rendered->size()))) {
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) return id;
  }
  return ends.front();
}

Result<std::vector<TokenId>> encode_answer(std::string_view answer, const Tokenizer& tokenizer,
                                           const ChatTemplate& chat_template) {
  const auto end = turn_end(tokenizer, chat_template);
  if (!end) return tl::unexpected(end.error());
  std::vector<TokenId> ids = tokenizer.encode(answer);
  ids.push_back(*end);
  return ids;
}

}  // namespace hone::text
