#include "generate/constraint_json.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <set>
#include <unordered_map>

#include "generate/constraint_reader.h"

namespace hone::generate {

namespace {

using State = text::JsonMatcher::State;

}  // namespace

class JsonMasks {
 public:
  JsonMasks(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema, text::JsonSpelling spelling,
            ConstraintMemory memory)
      : vocabulary_(vocabulary), schema_(schema), spelling_(spelling), memory_(memory) {
    vocabulary_.require_json();
    begin_anew();
  }

  const ConstraintVocabulary& vocabulary() const { return vocabulary_; }
  text::JsonMatcher& matcher() { return *matcher_; }
  ValuePlaces& places() { return *places_; }

  // States are valid as long as this stays.
  std::uint64_t generation() const { return generation_; }
  std::size_t bytes() const {
    return matcher_->bytes() + places_->bytes() +
           (masks_.size() + inside_.size()) * (vocabulary_.words() * sizeof(std::uint64_t) + 128);
  }
  // Called before states are used, never while.
  void forget_if_full() {
    if (bytes() <= memory_.bytes) return;
    ++generation_;
    masks_.clear();
    inside_.clear();
    begin_anew();
  }

  std::shared_ptr<const TokenMask> at(State state) {
    const auto known = masks_.find(state);
    if (known != masks_.end()) return known->second;
    TokenMask mask(vocabulary_.words(), 0);
    // Inside a string most of the vocabulary may follow, and which tokens doesn't depend on where the string stands,
    // but for those that hold its end.
    const Place place = matcher_->text_place(state, vocabulary_.longest());
    if (place.kind == Place::Kind::outside) {
      vocabulary_.all().mark(*matcher_, state, mask);
    } else {
      mask = place.kind == Place::Kind::any ? vocabulary_.inside_strings(place.characters)
             : place.name.empty()           ? read_inside(state)
                                            : inside(place.name, state);
      vocabulary_.quoted().mark(*matcher_, state, mask);
    }
    keep_written(state, place.kind, mask);
    if (matcher_->accepts(state)) vocabulary_.allow_ends(mask);
    return masks_.emplace(state, std::make_shared<const TokenMask>(std::move(mask))).first->second;
  }

  bool ended(State state) {
    if (!matcher_->accepts(state)) return false;
    for (int byte = 0; byte < 256; ++byte) {
      if (matcher_->step(state, static_cast<unsigned char>(byte)) != text::JsonMatcher::dead) return false;
    }
    return true;
  }

 private:
  using Place = text::JsonMatcher::TextPlace;

  void begin_anew() {
    places_.reset();
    matcher_.emplace(schema_, spelling_);
    places_.emplace(*matcher_, vocabulary_);
  }

  // Of the tokens that reach into a member's value of which there are few, keeps those that begin as the tokenizer
  // writes it.
  void keep_written(State state, Place::Kind kind, TokenMask& mask) {
    std::set<std::pair<State, std::string>> entries;
    const auto leave_out = [&](text::TokenId token) {
      if (!allows(mask, token)) return;
      const std::string_view bytes = vocabulary_.tokenizer().token_bytes(token);
      const auto entry = places_->entry(state, bytes);
      if (!entry) return;
      mask[static_cast<std::size_t>(token) / 64] &= ~(std::uint64_t{1} << (token % 64));
      entries.emplace(entry->state, bytes.substr(0, entry->bytes));
    };
    if (places_->few(state) != nullptr) {
      for (std::size_t word = 0; word < mask.size(); ++word) {
        for (std::uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) {
          leave_out(static_cast<text::TokenId>(64 * word + static_cast<std::size_t>(std::countr_zero(bits))));
        }
      }
    } else {
      std::for_each(vocabulary_.quote_colons().begin(), vocabulary_.quote_colons().end(), leave_out);
      if (kind == Place::Kind::outside) {
        std::for_each(vocabulary_.colons().begin(), vocabulary_.colons().end(), leave_out);
      }
    }
    for (const auto& [before, bytes] : entries) {
      places_->tokens(before, bytes)->mark(0, bytes.size(), vocabulary_.tokenizer(), mask);
    }
  }

  const TokenMask& inside(const std::string& name, State state) {
    const auto known = inside_.find(name);
    if (known != inside_.end()) return known->second;
    return inside_.emplace(name, read_inside(state)).first->second;
  }

  // The tokens that may stand inside the string and don't end it.
  TokenMask read_inside(State state) {
    TokenMask mask(vocabulary_.words(), 0);
    vocabulary_.plain().mark_text(*matcher_, state, mask);
    for (const std::string& name : matcher_->names_left(state)) vocabulary_.plain().mark_beginnings(name, mask);
    vocabulary_.escaped().mark(*matcher_, state, mask);
    return mask;
  }

  const ConstraintVocabulary& vocabulary_;
  text::JsonSchema schema_;
  text::JsonSpelling spelling_;
  ConstraintMemory memory_;
  std::uint64_t generation_ = 0;
  std::optional<text::JsonMatcher> matcher_;
  std::optional<ValuePlaces> places_;
  std::unordered_map<State, std::shared_ptr<const TokenMask>> masks_;
  std::unordered_map<std::string, TokenMask> inside_;
};

JsonConstraint::JsonConstraint(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                               text::JsonSpelling spelling, ConstraintMemory memory)
    : masks_(std::make_shared<JsonMasks>(vocabulary, schema, spelling, memory)) {}

MakeConstraint JsonConstraint::maker(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                                     text::JsonSpelling spelling, ConstraintMemory memory) {
  return [start = JsonConstraint(vocabulary, schema, spelling, memory)] {
    return std::make_unique<JsonConstraint>(start);
  };
}

std::size_t JsonConstraint::shared_bytes() const { return masks_->bytes(); }

// With state_ valid in it.
text::JsonMatcher& JsonConstraint::matcher() {
  masks_->forget_if_full();
  text::JsonMatcher& matcher = masks_->matcher();
  if (generation_ != masks_->generation()) {
    generation_ = masks_->generation();
    state_ = matcher.start();
    for (const char c : read_) state_ = matcher.step(state_, static_cast<unsigned char>(c));
  }
  return matcher;
}

std::span<const std::uint64_t> JsonConstraint::allowed() {
  matcher();
  if (value_) {
    TokenMask mask(masks_->vocabulary().words(), 0);
    value_->mark(node_, 0, masks_->vocabulary().tokenizer(), mask);
    mask_ = std::make_shared<const TokenMask>(std::move(mask));
  } else {
    mask_ = masks_->at(state_);
  }
  return *mask_;
}

void JsonConstraint::read(std::string_view bytes) {
  text::JsonMatcher& reader = masks_->matcher();
  for (const char c : bytes) state_ = reader.step(state_, static_cast<unsigned char>(c));
  HONE_CHECK(state_ != text::JsonMatcher::dead);
  read_ += bytes;
}

void JsonConstraint::take(text::TokenId token) {
  matcher();
  const std::string_view bytes = masks_->vocabulary().tokenizer().token_bytes(token);
  if (!value_) {
    if (const auto entry = masks_->places().entry(state_, bytes)) {
      value_ = masks_->places().tokens(entry->state, std::string(bytes.substr(0, entry->bytes)));
      node_ = 0;
    }
  }
  if (value_) {
    node_ = value_->next(node_, token);
    HONE_CHECK(node_ != ValueTokens::elsewhere);
    if (node_ == ValueTokens::ended) value_.reset();
  }
  read(bytes);
}

bool JsonConstraint::take_otherwise_spelled(text::TokenId token) {
  text::JsonMatcher& reader = matcher();
  const std::string_view bytes = masks_->vocabulary().tokenizer().token_bytes(token);
  if (!value_ && !masks_->places().entry(state_, bytes)) return false;
  State state = state_;
  for (const char c : bytes) state = reader.step(state, static_cast<unsigned char>(c));
  if (state == text::JsonMatcher::dead) return false;
  value_.reset();
  read(bytes);
  return true;
}

bool JsonConstraint::may_end() { return matcher().accepts(state_); }

bool JsonConstraint::must_end() {
  matcher();
  return masks_->ended(state_);
}

std::string JsonConstraint::forced() { return forced_bytes(matcher(), state_); }

std::vector<text::TokenId> JsonConstraint::closing() {
  const ConstraintVocabulary& vocabulary = masks_->vocabulary();
  return vocabulary.all().spelled(vocabulary.spellable(matcher().closing(state_)));
}

}  // namespace hone::generate
