// A first task file where there is no data yet: an idea in a sentence.
#pragma once

#include <string>
#include <vector>

namespace hone::data {

struct IdeaResult {
  std::string toml;                       // hone.toml; its examples are cases.csv beside it
  std::string cases;                      // cases.csv: ten cases to write first, each line says which
  std::vector<std::string> notes;         // what was guessed, a sentence each
  std::string verdict;                    // "prompt for now"
  std::string reason;                     // why
  std::vector<std::string> would_change;  // what would change it, a sentence each
};

// `idea` says what is wanted ("sort support mails by urgency"); it becomes the instruction. The kind is guessed from
// its words. The task file is accepted by parse_task().
IdeaResult init_idea(const std::string& idea);

}  // namespace hone::data
