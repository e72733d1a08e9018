// The rows of one sheet of an XLSX file: a zip of XML files (ECMA-376). Texts that cells share are held; the sheet
// itself is read as it comes.
#include <algorithm>
#include <map>
#include <set>

#include "base/terminal.h"
#include "base/zip.h"
#include "data/normal_text.h"
#include "data/row.h"
#include "data/row_sink.h"
#include "data/sheet_parser.h"
#include "data/xml_reader.h"

namespace hone::data {
namespace {

constexpr std::uint64_t most_side_bytes = std::uint64_t{64} << 20;   // of the workbook's lists and styles
constexpr std::uint64_t most_text_bytes = std::uint64_t{512} << 20;  // of the texts that cells share
constexpr std::uint64_t most_sheet_bytes = std::uint64_t{8} << 30;

struct SheetName {
  std::string name;
  std::string relation;
};

class Workbook {
 public:
  Workbook(const ZipArchive& archive, std::string name) : archive_(archive), name_(std::move(name)) {}

  Result<void> read(const std::string& sheet, RowSink& sink) {
    Result<std::string> member = sheet_member(sheet);
    if (!member) return tl::unexpected<Error>(member.error());
    if (const auto texts = read_texts(); !texts) return texts;
    if (const auto styles = read_styles(); !styles) return styles;
    return read_sheet(*member, sink);
  }

 private:
  // Feeds a member of the archive to `xml`, a reader or parser; an error names file and member.
  template <class Parser>
  Result<void> parse(const std::string& member, std::uint64_t max_bytes, Parser& xml) {
    Result<void> parsed;
    const Result<void> unpacked = archive_.stream(member, max_bytes, [&](std::string_view bytes) {
      parsed = xml.feed(bytes);
      return parsed && !xml.is_stopped();
    });
    if (!unpacked) return unpacked;
    if (parsed) parsed = xml.finish();
    if (!parsed) return bad_input("{}: {}: {}", name_, member, parsed.error().message);
    return {};
  }

  Result<std::string> sheet_member(const std::string& wanted) {
    std::vector<SheetName> sheets;
    XmlReader workbook({.begin = [&](std::string_view name, const XmlReader::Attributes& attributes) {
      if (name == "sheet") sheets.push_back({std::string(attributes.find("name")), std::string(attributes.find("id"))});
      if (name == "workbookPr" && (attributes.find("date1904") == "1" || attributes.find("date1904") == "true")) {
        facts_.first_year = 1904;
      }
    }});
    if (const auto read = parse("xl/workbook.xml", most_side_bytes, workbook); !read) {
      return tl::unexpected<Error>(read.error());
    }
    if (sheets.empty()) return bad_input("{}: the workbook has no sheet", name_);
    const auto found = std::find_if(sheets.begin(), sheets.end(), [&](const auto& one) { return one.name == wanted; });
    if (!wanted.empty() && found == sheets.end()) {
      std::vector<std::string> names;
      for (const SheetName& one : sheets) names.push_back(one.name);
      return bad_input("{}: there is no sheet \"{}\"; found {}", name_, printable(wanted), name_list(names, 12));
    }
    return target_of(wanted.empty() ? sheets.front().relation : found->relation);
  }

  Result<std::string> target_of(const std::string& relation) {
    std::string target;
    XmlReader relations({.begin = [&](std::string_view name, const XmlReader::Attributes& attributes) {
      if (name == "Relationship" && attributes.find("Id") == relation) target = attributes.find("Target");
    }});
    if (const auto read = parse("xl/_rels/workbook.xml.rels", most_side_bytes, relations); !read) {
      return tl::unexpected<Error>(read.error());
    }
    if (target.empty()) return bad_input("{}: the workbook does not say where its sheet lies", name_);
    return target.starts_with('/') ? target.substr(1) : "xl/" + target;
  }

  Result<void> read_texts() {
    const std::string member = "xl/sharedStrings.xml";
    if (!archive_.has(member)) return {};
    std::string text;
    bool is_in_text = false;
    bool is_in_phonetics = false;
    XmlReader xml({.begin =
                       [&](std::string_view name, const XmlReader::Attributes&) {
                         if (name == "si") text.clear();
                         if (name == "rPh") is_in_phonetics = true;
                         if (name == "t") is_in_text = !is_in_phonetics;
                       },
                   .end =
                       [&](std::string_view name) {
                         if (name == "si") facts_.texts.add(unescaped_cell(text));
                         if (name == "rPh") is_in_phonetics = false;
                         if (name == "t") is_in_text = false;
                       },
                   .text =
                       [&](std::string_view part) {
                         if (is_in_text && text.size() <= too_long_bytes) text += part;
                       }});
    return parse(member, most_text_bytes, xml);
  }

  Result<void> read_styles() {
    const std::string member = "xl/styles.xml";
    if (!archive_.has(member)) return {};
    std::map<std::string, bool, std::less<>> formats;
    // Formats that need no definition (section 18.8.30).
    for (const int known : {14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 46, 47}) formats[std::to_string(known)] = true;
    bool is_in_cells = false;
    XmlReader xml({.begin =
                       [&](std::string_view name, const XmlReader::Attributes& attributes) {
                         const std::string_view number = attributes.find("numFmtId");
                         if (name == "numFmt") {
                           formats[std::string(number)] = is_date_format(attributes.find("formatCode"));
                         }
                         if (name == "cellXfs") is_in_cells = true;
                         if (name != "xf" || !is_in_cells) return;
                         const auto format = formats.find(number);
                         facts_.is_date.push_back(format != formats.end() && format->second ? 1 : 0);
                       },
                   .end =
                       [&](std::string_view name) {
                         if (name == "cellXfs") is_in_cells = false;
                       }});
    return parse(member, most_side_bytes, xml);
  }

  Result<void> read_sheet(const std::string& member, RowSink& sink) {
    SheetParser parser(facts_, [&](SheetRow&& row) {
      if (!columns_.empty()) return take_row(std::move(row), sink);
      header_ = take_header(row);
      if (header_) sink.set_columns(columns_);
      return header_.has_value();
    });
    struct Told {
      SheetParser& parser;
      RowSink& sink;
      std::uint64_t bytes = 0;
      bool is_stopped_outside = false;
      Result<void> feed(std::string_view xml) {
        is_stopped_outside = !sink.told(bytes += xml.size());
        return parser.feed(xml);
      }
      Result<void> finish() { return is_stopped() ? Result<void>() : parser.finish(); }
      bool is_stopped() const { return is_stopped_outside || parser.is_stopped(); }
    } told{parser, sink};
    const Result<void> read = parse(member, most_sheet_bytes, told);
    if (!read) return read;
    if (columns_.empty() && header_)
      return bad_input("{}: the sheet is empty; expected column names in its first row", name_);
    if (!header_) return tl::unexpected<Error>(header_.error());
    return {};
  }

  Result<void> take_header(const SheetRow& row) {
    if (!row.problem.empty()) return bad_input("{}: row {}: {}", name_, row.number, row.problem);
    std::set<std::string> seen;
    for (const SheetCell& cell : row.cells) {
      const std::string column = canonical_text(cell.value.text);
      if (!column.empty() && !seen.insert(column).second) {
        return bad_input("{}: row {}: two columns are named \"{}\"; rename one", name_, row.number, printable(column));
      }
      columns_.resize(std::max(columns_.size(), cell.column + 1));
      columns_[cell.column] = column;
    }
    for (const std::string& column : columns_) {
      places_.push_back(values_);
      values_ += column.empty() ? 0 : 1;
    }
    return {};
  }

  bool take_row(SheetRow&& sheet_row, RowSink& sink) {
    RawRow row;
    row.line = sheet_row.number;
    for (const std::string& column : columns_) {
      if (!column.empty()) row.values.emplace_back(column, RawValue{});
    }
    std::string why = sheet_row.problem;
    std::string reason = "malformed";
    for (SheetCell& cell : sheet_row.cells) {
      const bool is_named = cell.column < columns_.size() && !columns_[cell.column].empty();
      if (!cell.error.empty()) why = fmt::format("{} holds the error {}", cell.name, clipped(cell.error, 20));
      if (is_named) {
        row.values[places_[cell.column]].second = std::move(cell.value);
      } else if (why.empty()) {
        reason = "ragged";
        why = fmt::format("{} stands in a column that the first row does not name", cell.name);
      }
    }
    if (!why.empty()) {
      row.values.clear();
      row.reject(reason, why);
    }
    return sink.take(std::move(row));
  }

  const ZipArchive& archive_;
  std::string name_;
  SheetFacts facts_;
  std::vector<std::string> columns_;  // of the header, by place; empty: none there
  std::vector<std::size_t> places_;   // of each in a row's values
  std::size_t values_ = 0;            // of a row
  Result<void> header_;
};

}  // namespace

Result<void> read_xlsx(const Path& file, const std::string& sheet, RowSink& sink) {
  const Result<ZipArchive> archive = ZipArchive::open(file);
  if (!archive) return tl::unexpected<Error>(archive.error());
  return Workbook(*archive, printable(file.string())).read(sheet, sink);
}

}  // namespace hone::data
