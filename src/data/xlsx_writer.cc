#include <fcntl.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include <cstdlib>

#include "base/terminal.h"
#include "data/row_writer.h"

namespace hone::data {
namespace {

constexpr lxw_row_t most_rows = 1'048'576;
constexpr std::size_t most_columns = 16'384;
constexpr std::size_t longest_cell = 32'767;  // characters; bytes are never fewer
// Digits that a sheet's doubles keep: longer numbers (ids) stay texts.
constexpr std::size_t exact_digits = 15;

// What would be read back as the code of a character (sheet_parser.h) gets its underscore written as one.
std::string escaped_cell(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_code = [&] {
      return text.size() - i >= 7 && text[i] == '_' && text[i + 1] == 'x' && text[i + 6] == '_' &&
             text.find_first_not_of("0123456789abcdefABCDEF", i + 2) >= i + 6;
    };
    out += is_code() ? "_x005F_" : std::string(1, text[i]);
  }
  return out;
}

}  // namespace

struct XlsxWriter::State {
  Path path;
  Path aside;  // empty once it has its name
  std::vector<std::string> columns;
  lxw_workbook* book = nullptr;
  lxw_worksheet* sheet = nullptr;
  lxw_row_t next = 0;

  ~State() {
    if (book != nullptr) workbook_close(book);
    if (!aside.empty()) ::unlink(aside.c_str());
  }

  void put(std::size_t column, const RawValue& value) const {
    const auto place = static_cast<lxw_col_t>(column);
    if (value.type == ValueType::number && value.text.size() <= exact_digits) {
      worksheet_write_number(sheet, next, place, std::strtod(value.text.c_str(), nullptr), nullptr);
    } else if (value.type == ValueType::flag) {
      worksheet_write_boolean(sheet, next, place, value.text == "true" ? 1 : 0, nullptr);
    } else if (!value.text.empty()) {
      const std::string text = escaped_cell(value.text);
      HONE_CHECK(worksheet_write_string(sheet, next, place, text.c_str(), nullptr) == LXW_NO_ERROR);
    }
  }
};

XlsxWriter::XlsxWriter(const Path& path, const std::vector<std::string>& columns) : state_(std::make_unique<State>()) {
  if (columns.size() > most_columns) {
    fail(ErrorCode::bad_input, "{} columns; a sheet has at most {}", columns.size(), most_columns);
  }
  state_->path = path;
  state_->columns = columns;
  state_->aside = path;
  state_->aside += fmt::format(".{}.tmp", ::getpid());
  lxw_workbook_options options{};
  options.constant_memory = LXW_TRUE;
  state_->book = workbook_new_opt(state_->aside.c_str(), &options);
  if (state_->book == nullptr) fail(ErrorCode::environment, "cannot write {}", path.string());
  state_->sheet = workbook_add_worksheet(state_->book, "rows");
  for (std::size_t i = 0; i < columns.size(); ++i) state_->put(i, {ValueType::text, columns[i]});
  ++state_->next;
}

XlsxWriter::~XlsxWriter() = default;

std::string XlsxWriter::write(const RawRow& row) {
  if (state_->next >= most_rows) return fmt::format("a sheet has at most {} rows", most_rows);
  for (const auto& [name, value] : row.values) {
    if (value.text.size() > longest_cell || escaped_cell(value.text).size() > longest_cell) {
      return fmt::format("\"{}\" is {} bytes long; a cell holds at most {} characters", printable(name),
                         value.text.size(), longest_cell);
    }
    if (value.text.find('\0') != std::string::npos) {
      return fmt::format("\"{}\" holds a NUL character; remove it", printable(name));
    }
  }
  for (std::size_t i = 0; i < state_->columns.size(); ++i) {
    if (const RawValue* value = row.find(state_->columns[i])) state_->put(i, *value);
  }
  ++state_->next;
  return {};
}

void XlsxWriter::commit() {
  State& state = *state_;
  const lxw_error error = workbook_close(state.book);
  state.book = nullptr;
  if (error != LXW_NO_ERROR) {
    fail(ErrorCode::environment, "cannot write {}: {}", state.path.string(), lxw_strerror(error));
  }
  const int file = ::open(state.aside.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_safe = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!is_safe || ::rename(state.aside.c_str(), state.path.c_str()) != 0) {
    fail(ErrorCode::environment, "cannot write {}: {}", state.path.string(), std::strerror(errno));
  }
  state.aside.clear();
}

}  // namespace hone::data
