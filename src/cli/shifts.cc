#include "cli/shifts.h"

#include "base/terminal.h"
#include "classic/two_sample.h"
#include "data/unlabelled_rows.h"

namespace hone::cli {

std::vector<data::Shift> shifts_of(const data::CheckInput& input, const std::string& traffic) {
  std::vector<data::Shift> shifts;
  classic::TwoSampleSpec spec;
  spec.seed = input.task->seed;
  // Without a file of its own the test side is dealt from the training file: there is nothing to tell apart.
  if (input.task->data.test) shifts.push_back(classic::two_sample(input.train, input.test, spec));
  if (traffic.empty()) return shifts;
  const data::Imported read = value_or_throw(data::unlabelled_rows(traffic, *input.task));
  if (read.rows.empty()) {
    fail(ErrorCode::bad_input, "{}: no row has an input{}", printable(traffic),
         read.rejected.empty()
             ? ""
             : ": line " + std::to_string(read.rejected.front().line) + ": " + printable(read.rejected.front().why));
  }
  spec.b = "traffic";
  shifts.push_back(classic::two_sample(input.train, read.rows, spec));
  if (shifts.back().rows == 0) warn("the traffic is not compared: that takes 50 rows and as many training rows");
  return shifts;
}

}  // namespace hone::cli
