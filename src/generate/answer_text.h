// The text of an answer as its tokens come: whole UTF-8 characters only, ended before a stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::generate {

class AnswerText {
 public:
  // `lead`: white space that the template writes before an answer (AnswerForm::lead); where the text begins with it,
  // it is left out.
  explicit AnswerText(std::vector<std::string> stops, std::string lead = {});

  // Adds a token's bytes; returns the text that is certain by now: characters not yet complete, and what may be the
  // beginning of a stop string, wait. Bytes that can't be UTF-8 become U+FFFD.
  std::string push(std::string_view bytes);
  // True once a stop string was seen; text() ends before it.
  bool stopped() const { return stopped_; }
  // No more bytes come: gives what was waiting; an incomplete character is dropped.
  std::string finish();
  // All of it so far, waiting text included.
  const std::string& text() const { return text_; }

 private:
  void take_characters();
  // False while what came may still be the lead.
  bool drop_lead();
  std::string give(std::size_t end);

  std::vector<std::string> stops_;
  std::string lead_;  // empty once it is known whether the text begins with it
  std::string raw_;   // the bytes of a character not yet complete
  std::string text_;
  std::size_t given_ = 0;
  bool stopped_ = false;
};

}  // namespace hone::generate
