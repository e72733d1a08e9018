#include "generate/constraint_sequence.h"

#include <array>

namespace hone::generate {

namespace {

// "\nAnswer:", after which the rest of the marker must follow. No byte but the first is a line end, so what was read of
// it and didn't go on can only be the beginning of another where it is one.
constexpr std::string_view trigger = answer_marker.substr(0, answer_marker.size() - 1);

// Reads a rationale and the marker. States up to the trigger's length: so many of its bytes were read last. From there:
// the marker must follow, and so many of its bytes stand.
struct MarkerReader {
  static constexpr std::int32_t dead = -1;
  static constexpr auto bound = static_cast<std::int32_t>(trigger.size());
  static constexpr std::int32_t start = 1;  // a text begins a line
  static constexpr auto read = bound + static_cast<std::int32_t>(answer_marker.size());

  std::int32_t step(std::int32_t state, unsigned char byte) const {
    const char c = static_cast<char>(byte);
    if (state == read) return dead;
    if (state >= bound) return answer_marker[static_cast<std::size_t>(state - bound)] == c ? state + 1 : dead;
    if (trigger[static_cast<std::size_t>(state)] != c) return c == trigger.front() ? 1 : 0;
    return state + 1 == bound ? bound + bound : state + 1;
  }
};

}  // namespace

class SequenceMasks {
 public:
  SequenceMasks(const ConstraintVocabulary& vocabulary, int rationale_tokens, MakeConstraint answer)
      : vocabulary_(vocabulary), rationale_tokens_(rationale_tokens), answer_(std::move(answer)) {
    closing_of_answer_ = answer_()->closing();
  }

  const ConstraintVocabulary& vocabulary() const { return vocabulary_; }
  int rationale_tokens() const { return rationale_tokens_; }
  std::unique_ptr<Constraint> answer() const { return answer_(); }
  const std::vector<text::TokenId>& closing_of_answer() const { return closing_of_answer_; }

  const TokenMask& at(std::int32_t state) {
    TokenMask& mask = masks_[static_cast<std::size_t>(state)];
    if (!mask.empty()) return mask;
    mask.assign(vocabulary_.words(), 0);
    vocabulary_.all().mark(MarkerReader(), state, mask);
    if (state < MarkerReader::bound) vocabulary_.allow_ends(mask);
    return mask;
  }

 private:
  const ConstraintVocabulary& vocabulary_;
  int rationale_tokens_;
  MakeConstraint answer_;
  std::vector<text::TokenId> closing_of_answer_;
  std::array<TokenMask, static_cast<std::size_t>(MarkerReader::read)> masks_;
};

MakeConstraint SequenceConstraint::maker(const ConstraintVocabulary& vocabulary, int rationale_tokens,
                                         MakeConstraint answer) {
  HONE_CHECK(rationale_tokens >= 1);
  if (const auto missing = vocabulary.lacks(answer_marker)) {
    fail(ErrorCode::unsupported,
         "no rationale can be told from its answer: the model's vocabulary has no token for the byte 0x{:02x} of the "
         "line \"Answer:\"; ask without a rationale",
         *missing);
  }
  return [masks = std::make_shared<SequenceMasks>(vocabulary, rationale_tokens, std::move(answer))] {
    return std::make_unique<SequenceConstraint>(masks);
  };
}

SequenceConstraint::SequenceConstraint(std::shared_ptr<SequenceMasks> masks)
    : masks_(std::move(masks)), state_(MarkerReader::start) {}

SequenceConstraint::SequenceConstraint(const SequenceConstraint& other)
    : Constraint(other),
      masks_(other.masks_),
      state_(other.state_),
      tokens_(other.tokens_),
      answer_(other.answer_ ? other.answer_->copy() : nullptr) {}

std::span<const std::uint64_t> SequenceConstraint::allowed() {
  if (answer_) return answer_->allowed();
  return masks_->at(state_);
}

void SequenceConstraint::take(text::TokenId token) {
  if (answer_) return answer_->take(token);
  for (const char c : masks_->vocabulary().tokenizer().token_bytes(token)) {
    HONE_CHECK(state_ != MarkerReader::dead);
    state_ = MarkerReader().step(state_, static_cast<unsigned char>(c));
  }
  HONE_CHECK(state_ != MarkerReader::dead);
  if (state_ == MarkerReader::read) {
    answer_ = masks_->answer();
  } else if (state_ < MarkerReader::bound && ++tokens_ >= masks_->rationale_tokens()) {
    end_part();
  }
}

void SequenceConstraint::end_part() {
  HONE_CHECK(!answer_ && state_ < MarkerReader::bound);
  state_ = MarkerReader::bound;
}

std::string SequenceConstraint::forced() {
  if (answer_) return answer_->forced();
  if (state_ < MarkerReader::bound) return {};
  return std::string(answer_marker.substr(static_cast<std::size_t>(state_ - MarkerReader::bound)));
}

std::vector<text::TokenId> SequenceConstraint::closing() {
  if (answer_) return answer_->closing();
  const int written = std::max(0, state_ - MarkerReader::bound);
  std::vector<text::TokenId> tokens =
      masks_->vocabulary().all().spelled(answer_marker.substr(static_cast<std::size_t>(written)));
  tokens.insert(tokens.end(), masks_->closing_of_answer().begin(), masks_->closing_of_answer().end());
  return tokens;
}

ReasonedAnswer split_at_marker(std::string_view text) {
  // The text itself begins a line.
  const std::string_view at_once = answer_marker.substr(1);
  if (text.starts_with(at_once)) return {"", std::string(text.substr(at_once.size()))};
  const std::size_t marker = text.find(answer_marker);
  if (marker == std::string_view::npos) return {std::string(text), ""};
  std::string_view rationale = text.substr(0, marker);
  constexpr std::string_view blanks = " \t\r\n";
  rationale.remove_prefix(std::min(rationale.size(), rationale.find_first_not_of(blanks)));
  rationale = rationale.substr(0, rationale.find_last_not_of(blanks) + 1);
  return {std::string(rationale), std::string(text.substr(marker + answer_marker.size()))};
}

}  // namespace hone::generate
