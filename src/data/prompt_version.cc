#include "data/prompt_version.h"

namespace hone::data {

std::vector<text::Message> shots_of(std::span<const Row* const> rows) {
  std::vector<text::Message> shots;
  for (const Row* row : rows) {
    shots.push_back({"user", row->input});
    shots.push_back({"assistant", row->output});
  }
  return shots;
}

std::vector<text::Message> conversation(const Task& task, std::span<const text::Message> shots,
                                        const std::string& input) {
  std::vector<text::Message> messages = messages_for(task, input);
  HONE_CHECK(!messages.empty());
  messages.insert(messages.end() - 1, shots.begin(), shots.end());
  return messages;
}

Json to_json(const PromptVersion& version) {
  Json shots = Json::array();
  for (const auto& message : version.shots) shots.push_back({{"role", message.role}, {"content", message.content}});
  return {{"name", version.name}, {"shots", shots}, {"knn_shots", version.knn_shots}};
}

}  // namespace hone::data
