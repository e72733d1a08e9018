// A Responder from a function that gives label probabilities for an input.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "text/message.h"

namespace hone::classic {

// Answers the label of highest probability (the first among equals). The input is the last user message.
std::unique_ptr<text::Responder> label_responder(
    std::vector<std::string> labels, std::function<std::vector<double>(const std::string& input)> probabilities);

// Answers the text that `answer` gives.
std::unique_ptr<text::Responder> text_responder(std::function<std::string(const std::string& input)> answer);

}  // namespace hone::classic
