#include "generate/answer_text.h"

#include <algorithm>

#include "base/terminal.h"

namespace hone::generate {

namespace {

// Bytes of the character that `lead` begins; 1 for a byte that begins none.
std::size_t character_bytes(unsigned char lead) {
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 1;
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

AnswerText::AnswerText(std::vector<std::string> stops, std::string lead)
    : stops_(std::move(stops)), lead_(std::move(lead)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

void AnswerText::take_characters() {
  std::size_t at = 0;
  while (at < raw_.size()) {
    const std::size_t wanted = character_bytes(static_cast<unsigned char>(raw_[at]));
    std::size_t have = 1;
    while (have < wanted && at + have < raw_.size() && is_continuation(raw_[at + have])) ++have;
    if (have < wanted && at + have == raw_.size()) break;
    const std::string_view character = std::string_view(raw_).substr(at, have);
    text_ += is_utf8(character) ? character : std::string_view("\xEF\xBF\xBD");
    at += have;
  }
  raw_.erase(0, at);
}

bool AnswerText::drop_lead() {
  if (text_.size() < lead_.size() && lead_.starts_with(text_)) return false;
  if (text_.starts_with(lead_)) text_.erase(0, lead_.size());
  lead_.clear();
  return true;
}

std::string AnswerText::give(std::size_t end) {
  if (end <= given_) return {};
  std::string fresh = text_.substr(given_, end - given_);
  given_ = end;
  return fresh;
}

std::string AnswerText::push(std::string_view bytes) {
  if (stopped_) return {};
  const std::size_t before = lead_.empty() ? text_.size() : 0;
  raw_ += bytes;
  take_characters();
  if (!lead_.empty() && !drop_lead()) return {};
  std::size_t cut = std::string::npos;
  std::size_t held = 0;
  for (const std::string& stop : stops_) {
    const std::size_t from = before < stop.size() ? 0 : before - stop.size() + 1;
    cut = std::min(cut, text_.find(stop, from));
    for (std::size_t n = std::min(stop.size() - 1, text_.size()); n > held; --n) {
      if (text_.compare(text_.size() - n, n, stop, 0, n) == 0) held = n;
    }
  }
  if (cut == std::string::npos) return give(text_.size() - held);
  text_.resize(cut);
  stopped_ = true;
  raw_.clear();
  return give(cut);
}

std::string AnswerText::finish() {
  raw_.clear();
  return give(text_.size());
}

}  // namespace hone::generate
