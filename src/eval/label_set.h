// A list of labels as a set: neither order nor repetition counts.
#pragma once

#include <optional>
#include <set>
#include <string>

namespace hone::eval {

using LabelSet = std::set<std::string>;

// The texts of a JSON list; nothing where `answer` is not a list of texts.
std::optional<LabelSet> label_set(const std::string& answer);

}  // namespace hone::eval
