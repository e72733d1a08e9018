#include "text/tokenizer.h"

#include <algorithm>

#include "base/terminal.h"
#include "text/byte_alphabet.h"
#include "text/token_table.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace hone::text {
namespace {

// Spellings that end a turn in the chat formats of the models Hone runs.
constexpr std::string_view turn_ends[] = {"<|im_end|>",    "<|eot_id|>", "<|eom_id|>",
                                          "<end_of_turn>", "<|end|>",    "<|endoftext|>"};

Result<void> check_id(const std::optional<TokenId>& id, std::size_t size, std::string_view name) {
  if (id && (*id < 0 || static_cast<std::size_t>(*id) >= size)) {
    return bad_input("the tokenizer's {} token is {}, outside its vocabulary of {}", name, *id, size);
  }
  return {};
}

Result<void> check_ids(const TokenizerParts& parts) {
  const std::pair<std::string_view, std::optional<TokenId>> named[] = {
      {"bos", parts.bos}, {"eos", parts.eos}, {"eot", parts.eot}, {"unknown", parts.unknown}};
  for (const auto& [name, id] : named) {
    if (Result<void> checked = check_id(id, parts.spellings.size(), name); !checked) return checked;
  }
  return {};
}

// The bytes that token `id` stands for; marks in `is_plain` whether text may become it.
std::string bytes_of(const TokenizerParts& parts, std::size_t id, std::vector<bool>& is_plain) {
  const std::string& spelling = parts.spellings[id];
  const TokenKind kind = parts.kinds[id];
  if (parts.alphabet == Alphabet::letters) {
    if (kind == TokenKind::byte) return {static_cast<char>(*byte_of_spelling(spelling))};
    is_plain[id] = kind == TokenKind::plain && spelling.find(' ') == std::string::npos;
    return kind == TokenKind::control ? spelling : with_spaces_for_marks(spelling);
  }
  if (kind != TokenKind::plain) return spelling;
  std::optional<std::string> bytes = bytes_of_spelling(spelling);
  is_plain[id] = bytes.has_value();
  return bytes ? std::move(*bytes) : spelling;
}

LetterPairs::Spec letter_spec(const TokenizerParts& parts, std::vector<std::pair<std::uint32_t, TokenId>> letters) {
  LetterPairs::Spec spec;
  spec.letters = std::move(letters);
  spec.byte_ids.fill(no_token);
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
    if (parts.kinds[id] != TokenKind::byte) continue;
    spec.byte_ids[*byte_of_spelling(parts.spellings[id])] = static_cast<TokenId>(id);
  }
  spec.unknown = parts.unknown.value_or(no_token);
  spec.fuses_unknown = parts.fuses_unknown;
  spec.splits_at_spaces = parts.splits_at_spaces;
  return spec;
}

}  // namespace

struct Tokenizer::State {
  TokenTable tokens;
  std::vector<TokenKind> kinds;
  // One of the two, by the alphabet; they refer to `tokens`.
  std::optional<BytePairs> byte_pairs;
  std::optional<LetterPairs> letter_pairs;
  SpecialTokens specials{{}};
  std::optional<PreTokenizer> pre_tokenizer;
  Normalizer normalizer;
  SpacePrefix prefix = SpacePrefix::never;
  std::optional<TokenId> bos, eos;
  std::vector<TokenId> end_of_turn;
  bool add_bos = false;

  struct Buffers {
    PairScratch scratch;
    std::vector<std::size_t> ends;
    std::string normalized;
    std::string spaced;
  };
  void encode_pieces(std::string_view valid, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_bytes(std::string_view text, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_letters(std::string_view text, Behind behind, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_normalized(std::string_view text, Behind behind, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_marked(const MarkedText& section, Behind behind, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_plain(std::string_view text, Behind behind, Buffers& buffers, std::vector<TokenId>& out) const;
  std::vector<TokenId> encode(std::string_view plain, Behind behind) const;
  std::vector<TokenId> encode(const MarkedText& text, Behind behind) const;
};

// `valid` UTF-8.
void Tokenizer::State::encode_pieces(std::string_view valid, Buffers& buffers, std::vector<TokenId>& out) const {
  buffers.ends.clear();
  pre_tokenizer->split(valid, buffers.ends);
  std::size_t begin = 0;
  for (const std::size_t end : buffers.ends) {
    byte_pairs->encode(valid.substr(begin, end - begin), buffers.scratch, out);
    begin = end;
  }
}

void Tokenizer::State::encode_bytes(std::string_view text, Buffers& buffers, std::vector<TokenId>& out) const {
  while (!text.empty()) {
    const std::size_t valid = valid_utf8_prefix(text);
    encode_pieces(text.substr(0, valid), buffers, out);
    // Bytes that are no UTF-8 stand in no regex class: each run of them is a piece of its own.
    std::size_t end = valid;
    while (end < text.size() && !code_point_at(text, end).valid) ++end;
    if (end > valid) byte_pairs->encode(text.substr(valid, end - valid), buffers.scratch, out);
    text.remove_prefix(end);
  }
}

void Tokenizer::State::encode_letters(std::string_view text, Behind behind, Buffers& buffers,
                                      std::vector<TokenId>& out) const {
  if (!normalizer.reads_marks && text.find(space_mark) != std::string_view::npos) {
    text = buffers.spaced = with_spaces_for_marks(text);
  }
  const bool here = prefix == SpacePrefix::always || prefix == SpacePrefix::missing
                        ? behind != Behind::text
                        : prefix == SpacePrefix::missing_at_start && behind == Behind::nothing;
  if (here && !text.empty() && (prefix == SpacePrefix::always || text.front() != ' ')) {
    std::string spaced(" ");
    spaced.append(text);
    text = buffers.spaced = std::move(spaced);
  }
  letter_pairs->encode(text, buffers.scratch, out);
}

void Tokenizer::State::encode_normalized(std::string_view text, Behind behind, Buffers& buffers,
                                         std::vector<TokenId>& out) const {
  if (letter_pairs) {
    encode_letters(text, behind, buffers, out);
  } else {
    encode_bytes(text, buffers, out);
  }
}

void Tokenizer::State::encode_plain(std::string_view text, Behind behind, Buffers& buffers,
                                    std::vector<TokenId>& out) const {
  Normalizer here = normalizer;
  here.prepends = normalizer.prepends && behind != Behind::text;
  encode_normalized(here.apply(text, buffers.normalized), behind, buffers, out);
}

// Text between the special tokens that are looked for before it is normalised; it may hold some that are looked for
// after.
void Tokenizer::State::encode_marked(const MarkedText& section, Behind behind, Buffers& buffers,
                                     std::vector<TokenId>& out) const {
  Normalizer here = normalizer;
  here.prepends = normalizer.prepends && behind != Behind::text;
  const MarkedText normalized = here.apply(section);
  const std::string_view text = normalized.text();
  std::size_t done = 0;
  for (const SpecialTokens::Match& match : specials.find_normalized(normalized)) {
    if (match.begin > done) encode_normalized(text.substr(done, match.begin - done), behind, buffers, out);
    out.push_back(match.id);
    done = match.end;
    behind = Behind::special;
  }
  if (done < text.size()) encode_normalized(text.substr(done), behind, buffers, out);
}

std::vector<TokenId> Tokenizer::State::encode(std::string_view plain, Behind behind) const {
  if (specials.match_anywhere()) return encode(MarkedText(plain, Origin::from_user), behind);
  std::vector<TokenId> ids;
  Buffers buffers;
  encode_plain(plain, behind, buffers, ids);
  return ids;
}

std::vector<TokenId> Tokenizer::State::encode(const MarkedText& text, Behind behind) const {
  std::vector<TokenId> ids;
  Buffers buffers;
  const auto encode_section = [&](std::size_t begin, std::size_t end) {
    if (begin >= end) return;
    if (specials.has_normalized()) {
      encode_marked(text.slice(begin, end), behind, buffers, ids);
    } else {
      encode_plain(std::string_view(text.text()).substr(begin, end - begin), behind, buffers, ids);
    }
  };
  std::size_t done = 0;
  for (const SpecialTokens::Match& match : specials.find(text)) {
    encode_section(done, match.begin);
    ids.push_back(match.id);
    done = match.end;
    behind = Behind::special;
  }
  encode_section(done, text.size());
  return ids;
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> TokenizerParts::build(TokenizerParts parts) {
  const bool letters = parts.alphabet == Alphabet::letters;
  HONE_CHECK(parts.spellings.size() == parts.kinds.size() && (letters || parts.pre_tokenizer));
  if (Result<void> checked = check_ids(parts); !checked) return tl::unexpected(checked.error());
  Result<ResolvedMerges> resolved = resolve_merges(parts);
  if (!resolved) return tl::unexpected(resolved.error());

  auto state = std::make_unique<Tokenizer::State>();
  const std::size_t size = parts.spellings.size();
  std::vector<bool> plain(size, false);
  for (std::size_t id = 0; id < size; ++id) state->tokens.add(bytes_of(parts, id, plain));
  if (letters) {
    LetterPairs::Spec spec = letter_spec(parts, std::move(resolved->letters));
    state->letter_pairs.emplace(state->tokens, plain, resolved->merges, std::move(spec));
  } else {
    state->byte_pairs.emplace(state->tokens, plain, resolved->merges, parts.whole_pieces);
  }
  std::string buffer;
  for (AddedToken& token : parts.added) {
    if (token.normalized) token.pattern = parts.normalizer.apply(token.spelling, buffer);
  }
  state->specials = SpecialTokens(std::move(parts.added));
  state->kinds = std::move(parts.kinds);
  state->pre_tokenizer = std::move(parts.pre_tokenizer);
  state->normalizer = parts.normalizer;
  state->prefix = parts.prefix;
  state->bos = parts.bos;
  state->eos = parts.eos;
  state->add_bos = parts.add_bos && parts.bos;
  const auto ends_turn = [&](std::optional<TokenId> id) {
    auto& ends = state->end_of_turn;
    if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  };
  ends_turn(parts.eos);
  ends_turn(parts.eot);
  for (const std::string_view spelling : turn_ends) ends_turn(state->specials.id_of(spelling));
  return Tokenizer(std::move(state));
}

std::vector<TokenId> Tokenizer::encode(std::string_view plain) const { return state_->encode(plain, Behind::nothing); }

std::vector<TokenId> Tokenizer::encode_behind(std::string_view plain, Behind behind) const {
  return state_->encode(plain, behind);
}

std::vector<TokenId> Tokenizer::encode(const MarkedText& rendered) const {
  return state_->encode(rendered, Behind::nothing);
}

std::vector<TokenId> Tokenizer::encode_behind(const MarkedText& rendered, Behind behind) const {
  return state_->encode(rendered, behind);
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) text.append(token_bytes(id));
  if (spaces_lead() && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string_view Tokenizer::token_bytes(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= state_->tokens.size()) return {};
  return state_->tokens[static_cast<std::size_t>(id)];
}

bool Tokenizer::is_special(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= state_->kinds.size()) return false;
  const TokenKind kind = state_->kinds[static_cast<std::size_t>(id)];
  return kind == TokenKind::added || kind == TokenKind::control;
}

std::optional<TokenId> Tokenizer::special_id(std::string_view spelling) const {
  return state_->specials.id_of(spelling);
}
std::size_t Tokenizer::vocabulary_size() const { return state_->tokens.size(); }
std::optional<TokenId> Tokenizer::bos() const { return state_->bos; }
std::optional<TokenId> Tokenizer::eos() const { return state_->eos; }
const std::vector<TokenId>& Tokenizer::end_of_turn() const { return state_->end_of_turn; }
void Tokenizer::add_end_of_turn(std::span<const TokenId> ids) {
  auto& ends = state_->end_of_turn;
  for (const TokenId id : ids) {
    const bool known = id >= 0 && static_cast<std::size_t>(id) < vocabulary_size();
    if (known && std::find(ends.begin(), ends.end(), id) == ends.end()) ends.push_back(id);
  }
}
bool Tokenizer::add_bos() const { return state_->add_bos; }
bool Tokenizer::spaces_lead() const { return state_->normalizer.prepends || state_->prefix != SpacePrefix::never; }

}  // namespace hone::text
