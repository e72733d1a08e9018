#include "base/error.h"

namespace hone {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::target_missed:
      return 1;
    case ErrorCode::usage:
      return 2;
    case ErrorCode::bad_input:
    case ErrorCode::unsupported:
      return 3;
    case ErrorCode::environment:
      return 4;
    case ErrorCode::interrupted:
      return 130;
  }
  return 4;
}

void bug(const char* expression, const char* file, int line) {
  throw std::logic_error(fmt::format("this is a bug in hone: {} does not hold at {}:{}", expression, file, line));
}

}  // namespace hone
