// What every reader of a kind of file hands its rows to: within data/ only.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data/raw_rows.h"

namespace hone::data {

class RowSink {
 public:
  RowSink(const ReadSpec& spec, const OnRow& on_row) : spec_(spec), on_row_(on_row) {}

  // Hands a row over; false: no more are wanted.
  bool take(RawRow&& row);
  // Says that the first `offset` bytes of the mapped file were read: their memory is given back and progress told.
  // False: stop here.
  bool passed(std::string_view file, std::size_t offset);
  // Progress where nothing is mapped; false: stop.
  bool told(std::uint64_t bytes) { return !spec_.on_progress || spec_.on_progress(bytes); }

  // Columns of a header, which stand even where no row follows.
  void set_columns(std::vector<std::string> columns) { columns_ = std::move(columns); }
  const std::vector<std::string>& columns() const { return columns_; }
  // Something to tell the user.
  void note(std::string sentence) { notes_.push_back(std::move(sentence)); }
  const std::vector<std::string>& notes() const { return notes_; }
  // How a file that this one names is to be read.
  ReadSpec spec_for_another_file() const { return {{}, {}, spec_.most_rows, spec_.on_progress}; }
  // The form that keys of the rows have shown, if any.
  const std::optional<FileFormat>& shape() const { return shape_; }

 private:
  void note_columns(const RawRow& row);

  const ReadSpec& spec_;
  const OnRow& on_row_;
  std::size_t rows_ = 0;
  std::size_t forgotten_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> notes_;
  std::unordered_set<std::string> known_;
  std::optional<FileFormat> shape_;
};

// A file's bytes and how messages call it.
struct NamedBytes {
  std::string_view bytes;
  std::string name;
};

Result<void> read_csv(const NamedBytes& file, char delimiter, RowSink& sink);
Result<void> read_jsonl(const NamedBytes& file, RowSink& sink);
// An array of objects, an object of arrays, or either below keys of objects (json_rows.cc).
Result<void> read_json(const NamedBytes& file, RowSink& sink);
Result<void> read_promptfoo(const NamedBytes& file, RowSink& sink);
// `path` is the file's own: it names its data relative to it.
Result<void> read_lm_eval(const Path& path, const NamedBytes& file, RowSink& sink);
// `sheet` empty: the first (xlsx.cc).
Result<void> read_xlsx(const Path& file, const std::string& sheet, RowSink& sink);

}  // namespace hone::data
