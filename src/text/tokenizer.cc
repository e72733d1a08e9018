#include "text/tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "base/terminal.h"
#include "text/byte_alphabet.h"
#include "text/token_table.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace hone::text {
namespace {

// Spellings that end a turn in the chat formats of the models Hone runs.
constexpr std::string_view turn_ends[] = {"<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>"};

using IdOfSpelling = std::unordered_map<std::string_view, TokenId>;

Result<std::vector<Merge>> resolve_merges(const TokenizerParts& parts) {
  IdOfSpelling ids;
  ids.reserve(parts.spellings.size());
  for (std::size_t id = 0; id < parts.spellings.size(); ++id) {
    if (parts.kinds[id] != TokenKind::unused) ids.emplace(parts.spellings[id], static_cast<TokenId>(id));
  }
  std::vector<Merge> merges;
  merges.reserve(parts.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const auto& [left, right] = parts.merges[rank];
    joined.assign(left).append(right);
    const auto a = ids.find(left);
    const auto b = ids.find(right);
    const auto ab = ids.find(joined);
    if (a == ids.end() || b == ids.end() || ab == ids.end()) {
      return bad_input("the tokenizer's merge {} ('{}' and '{}') names a token that its vocabulary does not hold", rank,
                       clipped(left, 60), clipped(right, 60));
    }
    if (parts.kinds[static_cast<std::size_t>(ab->second)] == TokenKind::control) {
      return bad_input(
          "the tokenizer's merge {} makes the control token '{}', so plain text could forge it; the model "
          "is refused",
          rank, clipped(joined, 60));
    }
    merges.push_back({a->second, b->second, ab->second});
  }
  return merges;
}

Result<void> check_id(const std::optional<TokenId>& id, std::size_t size, std::string_view name) {
  if (id && (*id < 0 || static_cast<std::size_t>(*id) >= size)) {
    return bad_input("the tokenizer's {} token is {}, outside its vocabulary of {}", name, *id, size);
  }
  return {};
}

}  // namespace

struct Tokenizer::State {
  TokenTable tokens;
  std::vector<TokenKind> kinds;
  std::unique_ptr<BytePairs> byte_pairs;  // refers to `tokens`
  SpecialTokens specials{{}};
  std::optional<PreTokenizer> pre_tokenizer;
  Normalization normalization = Normalization::none;
  std::optional<TokenId> bos, eos;
  std::vector<TokenId> end_of_turn;
  bool add_bos = false;

  struct Buffers {
    BytePairs::Scratch scratch;
    std::vector<std::size_t> ends;
  };
  void encode_pieces(std::string_view valid, Buffers& buffers, std::vector<TokenId>& out) const;
  void encode_plain(std::string_view text, Buffers& buffers, std::vector<TokenId>& out) const;
};

// The text between special tokens, `valid` UTF-8.
void Tokenizer::State::encode_pieces(std::string_view valid, Buffers& buffers, std::vector<TokenId>& out) const {
  std::string normalized;
  if (normalization == Normalization::nfc) {
    normalized = nfc(valid);
    valid = normalized;
  }
  buffers.ends.clear();
  pre_tokenizer->split(valid, buffers.ends);
  std::size_t begin = 0;
  for (const std::size_t end : buffers.ends) {
    byte_pairs->encode(valid.substr(begin, end - begin), buffers.scratch, out);
    begin = end;
  }
}

void Tokenizer::State::encode_plain(std::string_view text, Buffers& buffers, std::vector<TokenId>& out) const {
  while (!text.empty()) {
    std::size_t valid = text.size();
    is_utf8(text, &valid);
    encode_pieces(text.substr(0, valid), buffers, out);
    // Bytes that are no UTF-8 stand in no regex class: each run of them is a piece of its own.
    std::size_t end = valid;
    while (end < text.size() && !code_point_at(text, end).valid) ++end;
    if (end > valid) byte_pairs->encode(text.substr(valid, end - valid), buffers.scratch, out);
    text.remove_prefix(end);
  }
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> TokenizerParts::build(TokenizerParts parts) {
  HONE_CHECK(parts.spellings.size() == parts.kinds.size() && parts.pre_tokenizer);
  const std::size_t size = parts.spellings.size();
  const std::pair<std::string_view, std::optional<TokenId>> named[] = {
      {"bos", parts.bos}, {"eos", parts.eos}, {"eot", parts.eot}};
  for (const auto& [name, id] : named) {
    if (Result<void> checked = check_id(id, size, name); !checked) return tl::unexpected(checked.error());
  }
  const Result<std::vector<Merge>> merges = resolve_merges(parts);
  if (!merges) return tl::unexpected(merges.error());

  auto state = std::make_unique<Tokenizer::State>();
  std::vector<bool> plain(size, false);
  for (std::size_t id = 0; id < size; ++id) {
    std::optional<std::string> bytes;
    if (parts.kinds[id] == TokenKind::plain) bytes = bytes_of_spelling(parts.spellings[id]);
    plain[id] = bytes.has_value();
    state->tokens.add(bytes ? *bytes : parts.spellings[id]);
  }
  state->kinds = std::move(parts.kinds);
  state->byte_pairs = std::make_unique<BytePairs>(state->tokens, plain, *merges, parts.whole_pieces);
  state->specials = SpecialTokens(std::move(parts.added));
  state->pre_tokenizer = std::move(parts.pre_tokenizer);
  state->normalization = parts.normalization;
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

std::pair<std::string_view, std::string_view> split_merge(std::string_view merge) {
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos) return {};
  return {merge.substr(0, space), merge.substr(space + 1)};
}

Result<Tokenizer> Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  if (vocabulary.model != "gpt2") {
    return make_error(ErrorCode::unsupported,
                      "the model file's tokenizer is of kind '{}' (tokenizer.ggml.model); only byte-level BPE ('gpt2') "
                      "is supported, SentencePiece and unigram models are not",
                      printable(vocabulary.model));
  }
  if (vocabulary.tokens.empty() || (!vocabulary.types.empty() && vocabulary.types.size() != vocabulary.tokens.size())) {
    return bad_input("the model file's vocabulary holds {} tokens and {} token types; expected as many of each",
                     vocabulary.tokens.size(), vocabulary.types.size());
  }
  Result<PreTokenizer> pre = PreTokenizer::from_gguf_name(vocabulary.pre);
  if (!pre) return tl::unexpected(pre.error());
  TokenizerParts parts;
  parts.pre_tokenizer = std::move(*pre);
  if (vocabulary.pre == "qwen2" || vocabulary.pre == "deepseek-r1-qwen") parts.normalization = Normalization::nfc;
  if (vocabulary.pre.starts_with("llama")) parts.whole_pieces = WholePieces::direct;
  parts.spellings = vocabulary.tokens;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::int32_t type = vocabulary.types.empty() ? 1 : vocabulary.types[id];
    const bool spelled = type == 2 || type == 3 || type == 4;
    if (spelled) parts.added.push_back({.spelling = vocabulary.tokens[id], .id = static_cast<TokenId>(id)});
    parts.kinds.push_back(type == 5   ? TokenKind::unused
                          : type == 4 ? TokenKind::added
                          : spelled   ? TokenKind::control
                                      : TokenKind::plain);
  }
  for (const std::string& merge : vocabulary.merges) parts.merges.push_back(split_merge(merge));
  parts.bos = vocabulary.bos;
  parts.eos = vocabulary.eos;
  parts.eot = vocabulary.eot;
  parts.add_bos = vocabulary.add_bos;
  return TokenizerParts::build(std::move(parts));
}

std::vector<TokenId> Tokenizer::encode(std::string_view plain) const {
  std::vector<TokenId> ids;
  State::Buffers buffers;
  state_->encode_plain(plain, buffers, ids);
  return ids;
}

std::vector<TokenId> Tokenizer::encode(const MarkedText& rendered) const {
  const std::string_view text = rendered.text();
  std::vector<TokenId> ids;
  State::Buffers buffers;
  std::size_t done = 0;
  for (const SpecialTokens::Match& match : state_->specials.find(rendered)) {
    state_->encode_plain(text.substr(done, match.begin - done), buffers, ids);
    ids.push_back(match.id);
    done = match.end;
  }
  state_->encode_plain(text.substr(done), buffers, ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) text.append(token_bytes(id));
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
bool Tokenizer::add_bos() const { return state_->add_bos; }

}  // namespace hone::text
