#include "cli/row_pass.h"

#include "base/terminal.h"
#include "data/file_format.h"

namespace hone::cli {

std::unique_ptr<Progress> follow(const RowPass& pass, data::ReadSpec& read, const std::stop_token& stop) {
  std::error_code error;
  if (std::filesystem::equivalent(pass.file, pass.out, error)) {
    fail(ErrorCode::usage, "--out: {} is the file to {}; name another", printable(pass.out.string()), pass.label);
  }
  const std::uintmax_t size = std::filesystem::file_size(pass.file, error);
  // A spreadsheet is packed: what is read of it is more than its size.
  const bool is_packed = data::ending_of(pass.file) == ".xlsx" || read.format == data::FileFormat::xlsx;
  auto progress = std::make_unique<Progress>(
      Progress::Options{.label = pass.label, .unit = "bytes", .total = error || is_packed ? 0 : size});
  read.on_progress = [shown = progress.get(), stop](std::uint64_t done) {
    shown->update(done);
    return !stop.stop_requested();
  };
  return progress;
}

}  // namespace hone::cli
