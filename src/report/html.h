// Pieces of the HTML page. Outside text enters it through escaped() alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hone::report {

// Text for HTML content and double- or single-quoted attributes: & < > " ' as entities, control characters and
// bidirectional overrides made visible, invalid UTF-8 as \xNN.
std::string escaped(std::string_view text);

// The same for sentences: `words in backticks` become code.
std::string escaped_sentence(std::string_view text);

// The page's style sheet: light and dark, phone, print.
std::string_view style_sheet();

// Linear map of [low, high] onto 0..100 %.
struct Scale {
  double low = 0;
  double high = 1;
  double percent(double value) const { return 100 * (value - low) / (high - low); }
};
// A scale over the values given, rounded outwards to its tick step, kept within [floor, ceiling].
Scale scale_over(double low, double high, double floor, double ceiling);
// Four to eight round values within the scale.
std::vector<double> ticks_of(const Scale& scale);

}  // namespace hone::report
