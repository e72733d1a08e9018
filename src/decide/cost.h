// What an API would cost for this task, and from how many requests on a machine of one's own pays.
#pragma once

#include <optional>

#include "decide/decide.h"

namespace hone::decide {

// Mean tokens of a prompted request, from the contenders that read a prompt.
struct RequestSize {
  double prompt_tokens = 0;
  double completion_tokens = 0;
};
// The best untuned prompted contender's, else any prompted one's, else the tuned one's; none where no prompt was
// measured.
std::optional<RequestSize> request_size(const DecisionInput& input);

// The break-even of serving on a machine of one's own against the priced model that the task names, with every
// assumption in the notes.
BreakEven break_even_of(const DecisionInput& input);

}  // namespace hone::decide
