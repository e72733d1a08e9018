// How figures read in sentences and tables, the same everywhere.
#pragma once

#include <string>

#include "eval/score.h"

namespace hone::decide {

// 0.9412 -> "94.1".
std::string points(double share);
// "94.1 (91.2 to 96.3)"
std::string points_text(const eval::Interval& interval);
// "$0.0031", "$0.67", "$78.5", "$1,570"
std::string usd(double amount);
// "1,234,567"
std::string grouped(double number);
// The same of what is only estimated: three digits that say something. 1234567 -> "1,230,000".
std::string about(double number);
// "macro_f1" -> "macro-F1", "mcc" -> "MCC", "chrf" -> "chrF".
std::string metric_title(const std::string& metric);
// "0.21 ms", "44 ms", "1.2 s"
std::string milliseconds_text(double milliseconds);
// "fine-tuned" from "fine-tuned", with control characters made visible: a contender's name within a sentence.
std::string shown_name(const std::string& name);

}  // namespace hone::decide
