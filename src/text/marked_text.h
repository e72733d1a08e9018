// Text in which every byte knows where it came from, so that a user row spelling "<|im_end|>" stays plain text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hone::text {

enum class Origin : unsigned char {
  from_template,  // written by the chat template itself; the only bytes in which special tokens match
  from_user,      // instruction, document, user row: anything that came from outside
  from_answer,    // an assistant turn's content
};

// A string and, for each maximal stretch, its origin. Slicing and appending keep the origins.
class MarkedText {
 public:
  struct Stretch {
    std::size_t begin = 0;
    std::size_t end = 0;
    Origin origin = Origin::from_template;
  };

  MarkedText() = default;
  MarkedText(std::string_view text, Origin origin);
  void append(const MarkedText& other);
  void append(std::string_view text, Origin origin);
  MarkedText slice(std::size_t begin, std::size_t end) const;
  const std::string& text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  // Ascending, gap-free, covering [0, size()).
  const std::vector<Stretch>& stretches() const { return stretches_; }
  // True if all bytes of [begin, end) were written by the template.
  bool is_template(std::size_t begin, std::size_t end) const;
  // What may be said of text made from the bytes of [begin, end) together: from_template if all were written by it,
  // else the origin of the first that was not.
  Origin common_origin(std::size_t begin, std::size_t end) const;

 private:
  std::string text_;
  std::vector<Stretch> stretches_;
};

}  // namespace hone::text
