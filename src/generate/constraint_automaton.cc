#include "generate/constraint_automaton.h"

#include <algorithm>
#include <unordered_map>

#include "base/terminal.h"
#include "generate/constraint_reader.h"

namespace hone::generate {

namespace {

constexpr std::int32_t dead = text::ByteAutomaton::dead;
constexpr std::size_t most_masks = 4096;  // kept

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

// A byte of the vocabulary's own for each class of bytes that the automaton tells apart; -1: it has none.
std::vector<int> class_bytes(const ConstraintVocabulary& vocabulary, const text::ByteAutomaton& automaton) {
  std::vector<int> bytes(at(automaton.classes), -1);
  for (int byte = 255; byte >= 0; --byte) {
    const char alone = static_cast<char>(byte);
    if (vocabulary.all().longest_in({&alone, 1}) != text::no_token) bytes[automaton.class_of[at(byte)]] = byte;
  }
  return bytes;
}

}  // namespace

class AutomatonMasks {
 public:
  AutomatonMasks(const ConstraintVocabulary& vocabulary, text::Automaton automaton)
      : vocabulary_(vocabulary), automaton_(std::move(automaton)), bytes_(class_bytes(vocabulary, *automaton_)) {
    find_ways();
  }

  const ConstraintVocabulary& vocabulary() const { return vocabulary_; }
  const text::ByteAutomaton& automaton() const { return *automaton_; }
  // Whether an answer can be completed from here by tokens of one byte. In a vocabulary that has all bytes: always.
  bool can_end(std::int32_t state) const { return to_end_[at(state)] >= 0; }

  const TokenMask& at_state(std::int32_t state) {
    const auto known = masks_.find(state);
    if (known != masks_.end()) return known->second;
    if (masks_.size() >= most_masks) masks_.clear();
    TokenMask mask(vocabulary_.words(), 0);
    vocabulary_.all().visit(*automaton_, state, [&](text::TokenId token, std::int32_t after) {
      if (can_end(after)) allow(mask, token);
    });
    if (automaton_->accepts(state)) vocabulary_.allow_ends(mask);
    return masks_.emplace(state, std::move(mask)).first->second;
  }

  bool ended(std::int32_t state) const {
    if (!automaton_->accepts(state)) return false;
    const auto* edges = &automaton_->next[at(state * automaton_->classes)];
    return std::all_of(edges, edges + automaton_->classes, [](std::int32_t to) { return to == dead; });
  }

  std::string closing(std::int32_t state) const {
    std::string text;
    while (to_end_[at(state)] > 0) {
      int c = 0;
      while (!leads_on(state, c)) ++c;
      text += static_cast<char>(bytes_[at(c)]);
      state = next(state, c);
    }
    return text;
  }

 private:
  std::int32_t next(std::int32_t state, int c) const { return automaton_->next[at(state * automaton_->classes + c)]; }
  bool leads_on(std::int32_t state, int c) const {
    const std::int32_t to = next(state, c);
    return bytes_[at(c)] >= 0 && to != dead && to_end_[at(to)] == to_end_[at(state)] - 1;
  }

  // to_end_: fewest bytes from each state to an accepting one, by bytes that are tokens; -1 where there is no way.
  void find_ways() {
    const int states = automaton_->states();
    std::vector<std::vector<std::int32_t>> before(at(states));
    std::vector<std::int32_t> queue;
    to_end_.assign(at(states), -1);
    for (std::int32_t state = 0; state < states; ++state) {
      for (int c = 0; c < automaton_->classes; ++c) {
        if (bytes_[at(c)] >= 0 && next(state, c) != dead) before[at(next(state, c))].push_back(state);
      }
      if (!automaton_->accepts(state)) continue;
      to_end_[at(state)] = 0;
      queue.push_back(state);
    }
    for (std::size_t i = 0; i < queue.size(); ++i) {
      for (const std::int32_t from : before[at(queue[i])]) {
        if (to_end_[at(from)] >= 0) continue;
        to_end_[at(from)] = to_end_[at(queue[i])] + 1;
        queue.push_back(from);
      }
    }
  }

  const ConstraintVocabulary& vocabulary_;
  text::Automaton automaton_;
  std::vector<int> bytes_;
  std::vector<std::int32_t> to_end_;
  std::unordered_map<std::int32_t, TokenMask> masks_;
};

Result<MakeConstraint> AutomatonConstraint::maker(const ConstraintVocabulary& vocabulary, text::Automaton automaton) {
  if (automaton->is_empty()) return bad_input("no text at all is accepted");
  auto masks = std::make_shared<AutomatonMasks>(vocabulary, std::move(automaton));
  if (!masks->can_end(0)) {
    return tl::unexpected(Error{ErrorCode::unsupported,
                                "the vocabulary lacks bytes that the answer needs; use a model with a byte-level or "
                                "byte-fallback tokenizer"});
  }
  return [masks] { return std::make_unique<AutomatonConstraint>(masks); };
}

Result<MakeConstraint> AutomatonConstraint::of_texts(const ConstraintVocabulary& vocabulary,
                                                     std::span<const std::string> texts) {
  for (const std::string& text : texts) {
    const auto missing = vocabulary.lacks(text);
    if (!missing) continue;
    return tl::unexpected(
        Error{ErrorCode::unsupported,
              fmt::format("\"{}\" can't be answered: the model's vocabulary has no token for its byte "
                          "0x{:02x}; choose another text, or a model with a byte-level or "
                          "byte-fallback tokenizer",
                          printable(text), *missing)});
  }
  return maker(vocabulary, text::literal_texts(std::vector<std::string>(texts.begin(), texts.end())));
}

AutomatonConstraint::AutomatonConstraint(std::shared_ptr<AutomatonMasks> masks) : masks_(std::move(masks)) {}

std::span<const std::uint64_t> AutomatonConstraint::allowed() { return masks_->at_state(state_); }

void AutomatonConstraint::take(text::TokenId token) {
  for (const char c : masks_->vocabulary().tokenizer().token_bytes(token)) {
    HONE_CHECK(state_ != dead);
    state_ = masks_->automaton().step(state_, static_cast<unsigned char>(c));
  }
  HONE_CHECK(state_ != dead && masks_->can_end(state_));
}

bool AutomatonConstraint::may_end() { return masks_->automaton().accepts(state_); }
bool AutomatonConstraint::must_end() { return masks_->ended(state_); }

std::string AutomatonConstraint::forced() { return forced_bytes(masks_->automaton(), state_); }

std::vector<text::TokenId> AutomatonConstraint::closing() {
  return masks_->vocabulary().all().spelled(masks_->closing(state_));
}

}  // namespace hone::generate
