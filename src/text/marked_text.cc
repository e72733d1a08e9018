#include "text/marked_text.h"

#include <algorithm>

#include "base/error.h"

namespace hone::text {

MarkedText::MarkedText(std::string_view text, Origin origin) { append(text, origin); }

void MarkedText::append(std::string_view text, Origin origin) {
  if (text.empty()) return;
  const std::size_t begin = text_.size();
  text_.append(text);
  if (!stretches_.empty() && stretches_.back().origin == origin) {
    stretches_.back().end = text_.size();
  } else {
    stretches_.push_back({begin, text_.size(), origin});
  }
}

void MarkedText::append(const MarkedText& other) {
  if (&other == this) {
    append(MarkedText(other));
    return;
  }
  for (const Stretch& stretch : other.stretches_) {
    append(std::string_view(other.text_).substr(stretch.begin, stretch.end - stretch.begin), stretch.origin);
  }
}

MarkedText MarkedText::slice(std::size_t begin, std::size_t end) const {
  HONE_CHECK(begin <= end && end <= text_.size());
  MarkedText part;
  auto stretch =
      std::partition_point(stretches_.begin(), stretches_.end(), [&](const Stretch& one) { return one.end <= begin; });
  for (; stretch != stretches_.end() && stretch->begin < end; ++stretch) {
    const std::size_t from = std::max(begin, stretch->begin);
    part.append(std::string_view(text_).substr(from, std::min(end, stretch->end) - from), stretch->origin);
  }
  return part;
}

bool MarkedText::is_template(std::size_t begin, std::size_t end) const {
  return common_origin(begin, end) == Origin::from_template;
}

Origin MarkedText::common_origin(std::size_t begin, std::size_t end) const {
  HONE_CHECK(begin <= end && end <= text_.size());
  const auto foreign = std::find_if(stretches_.begin(), stretches_.end(), [&](const Stretch& one) {
    return one.begin < end && one.end > begin && one.origin != Origin::from_template;
  });
  return foreign == stretches_.end() ? Origin::from_template : foreign->origin;
}

}  // namespace hone::text
