// Tables in the forms that export writes: within data/ only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/raw_rows.h"

namespace hone::data {

// A sheet of an XLSX file; xlsx_writer.cc is the only file that sees libxlsxwriter.
class XlsxWriter {
 public:
  // Throws Failure (environment) where the file cannot be written.
  XlsxWriter(const Path& path, const std::vector<std::string>& columns);
  ~XlsxWriter();
  XlsxWriter(const XlsxWriter&) = delete;
  XlsxWriter& operator=(const XlsxWriter&) = delete;
  // Why the row does not fit into a sheet; empty: it was written.
  std::string write(const RawRow& row);
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone::data
