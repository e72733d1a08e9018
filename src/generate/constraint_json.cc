#include "generate/constraint_json.h"

#include <algorithm>
#include <optional>
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
    matcher_.emplace(schema_, spelling_);
  }

  const ConstraintVocabulary& vocabulary() const { return vocabulary_; }
  text::JsonMatcher& matcher() { return *matcher_; }

  // States are valid as long as this stays.
  std::uint64_t generation() const { return generation_; }
  std::size_t bytes() const {
    return matcher_->bytes() + (masks_.size() + inside_.size()) * (vocabulary_.words() * sizeof(std::uint64_t) + 128);
  }
  // Called before states are used, never while.
  void forget_if_full() {
    if (bytes() <= memory_.bytes) return;
    ++generation_;
    masks_.clear();
    inside_.clear();
    matcher_.emplace(schema_, spelling_);
  }

  std::shared_ptr<const TokenMask> at(State state) {
    const auto known = masks_.find(state);
    if (known != masks_.end()) return known->second;
    TokenMask mask(vocabulary_.words(), 0);
    // Inside a string most of the vocabulary may follow, and which tokens doesn't depend on where the string stands,
    // but for those that hold its end.
    using Place = text::JsonMatcher::TextPlace;
    const Place place = matcher_->text_place(state, vocabulary_.longest());
    if (place.kind == Place::Kind::outside) {
      vocabulary_.all().mark(*matcher_, state, mask);
    } else {
      mask = place.kind == Place::Kind::any ? vocabulary_.inside_strings(place.characters) : inside(place.name, state);
      vocabulary_.quoted().mark(*matcher_, state, mask);
    }
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
  const TokenMask& inside(const std::string& name, State state) {
    const auto known = inside_.find(name);
    if (known != inside_.end()) return known->second;
    TokenMask mask(vocabulary_.words(), 0);
    vocabulary_.plain().mark_text(*matcher_, state, mask);
    vocabulary_.escaped().mark(*matcher_, state, mask);
    return inside_.emplace(name, std::move(mask)).first->second;
  }

  const ConstraintVocabulary& vocabulary_;
  text::JsonSchema schema_;
  text::JsonSpelling spelling_;
  ConstraintMemory memory_;
  std::uint64_t generation_ = 0;
  std::optional<text::JsonMatcher> matcher_;
  std::unordered_map<State, std::shared_ptr<const TokenMask>> masks_;
  std::unordered_map<std::string, TokenMask> inside_;
};

MakeConstraint JsonConstraint::maker(const ConstraintVocabulary& vocabulary, const text::JsonSchema& schema,
                                     text::JsonSpelling spelling, ConstraintMemory memory) {
  return [masks = std::make_shared<JsonMasks>(vocabulary, schema, spelling, memory)] {
    return std::make_unique<JsonConstraint>(masks);
  };
}

JsonConstraint::JsonConstraint(std::shared_ptr<JsonMasks> masks)
    : masks_(std::move(masks)), generation_(masks_->generation()) {}

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
  mask_ = masks_->at(state_);
  return *mask_;
}

void JsonConstraint::take(text::TokenId token) {
  text::JsonMatcher& reader = matcher();
  const std::string_view bytes = masks_->vocabulary().tokenizer().token_bytes(token);
  for (const char c : bytes) state_ = reader.step(state_, static_cast<unsigned char>(c));
  HONE_CHECK(state_ != text::JsonMatcher::dead);
  read_ += bytes;
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
