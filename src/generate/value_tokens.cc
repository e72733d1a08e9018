#include "generate/value_tokens.h"

#include <algorithm>

namespace hone::generate {

namespace {

using State = text::JsonMatcher::State;
using TokenIds = ValueTokens::TokenIds;

constexpr std::size_t entry_bytes = 64;  // of a map, about

bool is_blank_byte(unsigned char byte) { return byte == ' ' || byte == '\n' || byte == '\t'; }

// As the tokenizer would write it in the middle of a text; by the longest tokens where it rewrites what it reads.
TokenIds written(const ConstraintVocabulary& vocabulary, const std::string& bytes) {
  TokenIds tokens = vocabulary.tokenizer().encode_behind(bytes, text::Behind::text);
  std::string_view left = bytes;
  for (const text::TokenId token : tokens) {
    const std::string_view spelled = vocabulary.tokenizer().token_bytes(token);
    if (!left.starts_with(spelled)) return vocabulary.all().spelled(bytes);
    left.remove_prefix(spelled.size());
  }
  return left.empty() ? tokens : vocabulary.all().spelled(bytes);
}

// Reads as the matcher does, but into no member's value of which there are few.
struct OutsideValues {
  static constexpr State dead = text::JsonMatcher::dead;
  text::JsonMatcher& matcher;
  ValuePlaces& places;

  State step(State state, unsigned char byte) {
    if (state != dead && !is_blank_byte(byte) && places.few(state) != nullptr) return dead;
    return matcher.step(state, byte);
  }
};

}  // namespace

class ValueTokensBuilder {
 public:
  ValueTokensBuilder(text::JsonMatcher& matcher, ValuePlaces& places, const ConstraintVocabulary& vocabulary)
      : matcher_(matcher), places_(places), vocabulary_(vocabulary) {}

  ValueTokens build(State state, const std::string& before, const text::FewValues& few) {
    for (std::size_t i = 0; i < few.values.size(); ++i) {
      State end = state;
      for (const char c : few.values[i]) end = matcher_.step(end, static_cast<unsigned char>(c));
      const std::string text = before + vocabulary_.spellable(few.values[i]);
      const Value value = {static_cast<int>(i), end, few.behind[i]};
      add(value, written(vocabulary_, text), "");
      for (const char c : few.behind[i]) {
        TokenIds tokens = written(vocabulary_, text + c);
        std::string last(vocabulary_.tokenizer().token_bytes(tokens.back()));
        tokens.pop_back();
        last.pop_back();
        add(value, tokens, last);
      }
    }
    return std::move(result_);
  }

 private:
  struct Value {
    int index;
    State end;  // behind it
    const std::string& behind;
  };

  // A spelling: tokens that lie in the value, then one that begins with its last bytes.
  void add(const Value& value, const TokenIds& tokens, const std::string& last) {
    std::vector<ValueTokens::Node>& nodes = result_.nodes_;
    int node = 0;
    touch(node, value.index);
    for (const text::TokenId token : tokens) {
      auto& children = nodes[static_cast<std::size_t>(node)].children;
      const auto known =
          std::find_if(children.begin(), children.end(), [&](const auto& c) { return c.first == token; });
      if (known != children.end()) {
        node = known->second;
      } else {
        const int added = static_cast<int>(nodes.size());
        children.emplace_back(token, added);
        nodes.emplace_back();
        node = added;
      }
      touch(node, value.index);
    }
    // The bytes read up to the node say how the last token begins, so an ending of the same value is the same.
    auto& endings = nodes[static_cast<std::size_t>(node)].endings;
    const bool known =
        std::any_of(endings.begin(), endings.end(), [&](const auto& e) { return e.value == value.index; });
    if (!known) endings.push_back({value.index, tokens_behind(value, last)});
  }

  void touch(int node, int value) {
    if (touched_.size() <= static_cast<std::size_t>(node)) touched_.resize(static_cast<std::size_t>(node) + 1, false);
    int& only = result_.nodes_[static_cast<std::size_t>(node)].value;
    only = !touched_[static_cast<std::size_t>(node)] || only == value ? value : ValueTokens::several;
    touched_[static_cast<std::size_t>(node)] = true;
  }

  std::shared_ptr<const TokenIds> tokens_behind(const Value& value, const std::string& last) {
    auto& known = endings_[{value.end, last}];
    if (known) return known;
    TokenIds tokens;
    OutsideValues reader{matcher_, places_};
    vocabulary_.all().visit_behind(last, reader, value.end, [&](text::TokenId token, State) {
      const char first = vocabulary_.tokenizer().token_bytes(token)[last.size()];
      if (value.behind.find(first) != std::string::npos) tokens.push_back(token);
    });
    HONE_CHECK(!tokens.empty());
    std::sort(tokens.begin(), tokens.end());
    known = std::make_shared<const TokenIds>(std::move(tokens));
    return known;
  }

  text::JsonMatcher& matcher_;
  ValuePlaces& places_;
  const ConstraintVocabulary& vocabulary_;
  ValueTokens result_;
  std::vector<bool> touched_;
  std::map<std::pair<State, std::string>, std::shared_ptr<const TokenIds>> endings_;
};

int ValueTokens::next(int node, text::TokenId token) const {
  const Node& from = nodes_[static_cast<std::size_t>(node)];
  for (const auto& [child_token, child] : from.children) {
    if (child_token == token) return child;
  }
  const bool ends = std::any_of(from.endings.begin(), from.endings.end(), [&](const Ending& ending) {
    return std::binary_search(ending.tokens->begin(), ending.tokens->end(), token);
  });
  return ends ? ended : elsewhere;
}

void ValueTokens::mark(int node, std::size_t bytes, const text::Tokenizer& tokenizer, TokenMask& mask) const {
  const auto add = [&](text::TokenId token) {
    if (tokenizer.token_bytes(token).size() > bytes) allow(mask, token);
  };
  const Node& from = nodes_[static_cast<std::size_t>(node)];
  for (const auto& [token, child] : from.children) add(token);
  for (const Ending& ending : from.endings) std::for_each(ending.tokens->begin(), ending.tokens->end(), add);
}

std::vector<std::pair<TokenIds, int>> ValueTokens::sequences() const {
  std::vector<std::pair<TokenIds, int>> all;
  TokenIds path;
  if (nodes_[0].value == several) add_sequences(0, path, all);
  return all;
}

void ValueTokens::add_sequences(int node, TokenIds& path, std::vector<std::pair<TokenIds, int>>& all) const {
  const Node& here = nodes_[static_cast<std::size_t>(node)];
  for (const auto& [token, child] : here.children) {
    path.push_back(token);
    const int value = nodes_[static_cast<std::size_t>(child)].value;
    if (value == several) {
      add_sequences(child, path, all);
    } else {
      all.emplace_back(path, value);
    }
    path.pop_back();
  }
  for (const Ending& ending : here.endings) {
    for (const text::TokenId token : *ending.tokens) {
      all.emplace_back(path, ending.value);
      all.back().first.push_back(token);
    }
  }
}

std::size_t ValueTokens::bytes() const {
  std::size_t all = nodes_.size() * (sizeof(Node) + entry_bytes);
  for (const Node& node : nodes_) {
    for (const Ending& ending : node.endings) all += sizeof ending + ending.tokens->size() * sizeof(text::TokenId);
  }
  return all;
}

const text::FewValues* ValuePlaces::few(State state) {
  if (!matcher_.at_member_value(state)) return nullptr;
  const auto known = few_.find(state);
  if (known != few_.end()) return known->second ? &*known->second : nullptr;
  auto found = text::few_values(matcher_, state, most_field_values);
  bytes_ += entry_bytes + sizeof(text::FewValues);
  if (found) {
    for (const std::string& value : found->values) bytes_ += value.size() + entry_bytes;
  }
  const auto& added = few_.emplace(state, std::move(found)).first->second;
  return added ? &*added : nullptr;
}

std::optional<ValuePlaces::Entry> ValuePlaces::entry(State state, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size() && state != text::JsonMatcher::dead; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (!is_blank_byte(byte) && few(state) != nullptr) return Entry{state, i};
    state = matcher_.step(state, byte);
  }
  return std::nullopt;
}

std::shared_ptr<const ValueTokens> ValuePlaces::tokens(State state, const std::string& before) {
  const auto known = tokens_.find({state, before});
  if (known != tokens_.end()) return known->second;
  const text::FewValues* values = few(state);
  HONE_CHECK(values != nullptr);
  auto built = std::make_shared<const ValueTokens>(
      ValueTokensBuilder(matcher_, *this, vocabulary_).build(state, before, *values));
  bytes_ += built->bytes() + entry_bytes + before.size();
  tokens_.emplace(std::pair(state, before), built);
  return built;
}

}  // namespace hone::generate
