// How a contender is asked: the worked examples put before the input. Kept in manifests and bundles.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/encode.h"
#include "data/row.h"
#include "text/message.h"

namespace hone::data {

struct PromptVersion {
  std::string name;                  // "zero-shot", "few-shot, 8 examples"
  std::vector<text::Message> shots;  // user and assistant turns, the same for every input
  int knn_shots = 0;                 // nearest training rows, chosen for each input
};

// Rows as user and assistant turns, in the given order.
std::vector<text::Message> shots_of(std::span<const Row* const> rows);

// messages_for(task, input) with `shots` before its last message.
std::vector<text::Message> conversation(const Task& task, std::span<const text::Message> shots,
                                        const std::string& input);

Json to_json(const PromptVersion& version);

}  // namespace hone::data
