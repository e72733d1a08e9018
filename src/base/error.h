// Errors of three kinds: a bug throws std::logic_error (HONE_CHECK), what cannot go on throws Failure, and bad
// outside data is returned as Result<T>. A message says what was expected, what came, where, and what to try.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace hone {

enum class ErrorCode {
  usage,          // the command line or an argument is wrong: exit code 2
  bad_input,      // data, a task file or a model file is wrong: exit code 3
  unsupported,    // understood, but not something Hone can do: exit code 3
  environment,    // missing model, disk, network, permission: exit code 4
  interrupted,    // the user asked to stop: exit code 130
  target_missed,  // the work is done, the target was not reached: exit code 1
};

// The process exit code of an error, as the machine interface documents it.
int exit_code(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::bad_input;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

// Ends the operation; caught in cli/, where the message is printed and the code becomes the exit code.
class Failure : public std::runtime_error {
 public:
  Failure(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  explicit Failure(const Error& error) : Failure(error.code, error.message) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// An Error as the unexpected side of a Result: `return bad_input("{}: expected ...", where);`
template <class... Args>
tl::unexpected<Error> make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}
template <class... Args>
tl::unexpected<Error> bad_input(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::bad_input, format, std::forward<Args>(args)...);
}
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(code, fmt::format(format, std::forward<Args>(args)...));
}

// The value, or its error thrown as a Failure.
template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw Failure(result.error());
  return std::move(*result);
}
inline void value_or_throw(const Result<void>& result) {
  if (!result) throw Failure(result.error());
}

[[noreturn]] void bug(const char* expression, const char* file, int line);

}  // namespace hone

// A condition that only a bug can break.
#define HONE_CHECK(condition) \
  do { \
    if (!(condition)) ::hone::bug(#condition, __FILE__, __LINE__); \
  } while (false)
