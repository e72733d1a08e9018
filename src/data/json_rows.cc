// Rows of one JSON document: where they stand is found first, then each is read by itself, so that a document of any
// size takes no more memory than its longest row.
#include <algorithm>

#include "base/map_pages.h"
#include "base/terminal.h"
#include "data/json_row.h"
#include "data/line_reader.h"
#include "data/row_sink.h"

namespace hone::data {
namespace {

constexpr int deepest_rows = 8;  // levels of objects around the rows
constexpr std::size_t none = std::string_view::npos;
constexpr std::size_t forget_every = std::size_t{64} << 20;

// Steps over values without reading them.
class Steps {
 public:
  explicit Steps(std::string_view bytes) : bytes_(bytes) {}

  std::size_t after_space(std::size_t at) const {
    while (at < bytes_.size() && is_space(bytes_[at])) ++at;
    return at;
  }
  char at(std::size_t place) const { return place < bytes_.size() ? bytes_[place] : '\0'; }
  std::string_view part(std::size_t begin, std::size_t end) const { return bytes_.substr(begin, end - begin); }

  // Behind the value that begins at `at`; none: the document ends inside it.
  std::size_t after_value(std::size_t at) {
    if (this->at(at) == '"') return after_string(at);
    if (this->at(at) != '{' && this->at(at) != '[') {
      while (at < bytes_.size() && !is_space(bytes_[at]) && std::string_view(",]}:").find(bytes_[at]) == none) ++at;
      return at;
    }
    std::size_t depth = 0;
    while (at < bytes_.size()) {
      const char c = bytes_[at];
      if (c == '"') {
        at = after_string(at);
        if (at == none) return none;
      } else {
        if (c == '{' || c == '[') ++depth;
        ++at;
        if ((c == '}' || c == ']') && --depth == 0) return at;
      }
      forget(at);
    }
    return none;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  std::size_t after_string(std::size_t at) const {
    ++at;
    while ((at = bytes_.find_first_of("\"\\", at)) != none) {
      if (bytes_[at] == '"') return at + 1;
      at += 2;  // a backslash, and what it stands before
    }
    return none;
  }

  void forget(std::size_t at) {
    if (at < forgotten_ + forget_every) return;
    forget_pages(bytes_.substr(forgotten_, at - forgotten_));
    forgotten_ = at;
  }

  std::string_view bytes_;
  std::size_t forgotten_ = 0;
};

// Lists beside a list of this name describe it.
bool is_name_of_rows(const std::string& key) {
  for (const char* known : {"data", "rows", "examples", "items", "records", "train", "test"}) {
    if (key == known) return true;
  }
  return false;
}

struct Member {
  std::string key;
  std::size_t begin = 0;  // of its value
  std::size_t end = 0;    // none: the document ends inside it
};

class Document {
 public:
  Document(const NamedBytes& file, RowSink& sink) : file_(file), steps_(file.bytes), sink_(sink) {}

  Result<void> read() {
    const std::size_t at = steps_.after_space(0);
    if (steps_.at(at) == '[') return read_array(at);
    if (steps_.at(at) != '{') {
      return bad_input("{}:{}: expected a JSON array of objects, or an object; found {}", file_.name, line_of(at),
                       at < file_.bytes.size() ? clipped(file_.bytes.substr(at, 40), 40) : "nothing");
    }
    const std::size_t end = steps_.after_value(at);
    // Many documents, one after the other, are lines of JSON whatever the file is called.
    if (end != none && steps_.at(steps_.after_space(end)) == '{') return read_jsonl(file_, sink_);
    return read_object(at, "", 0);
  }

 private:
  // The line on which `at` stands; asked for places in order.
  std::size_t line_of(std::size_t at) {
    if (at < counted_) counted_ = 0, line_ = 1;
    line_ += static_cast<std::size_t>(
        std::count(file_.bytes.begin() + static_cast<std::ptrdiff_t>(counted_),
                   file_.bytes.begin() + static_cast<std::ptrdiff_t>(std::min(at, file_.bytes.size())), '\n'));
    counted_ = at;
    return line_;
  }

  RawRow place(std::size_t at) {
    RawRow row;
    row.line = line_of(at);
    return row;
  }

  bool reject(std::size_t at, const std::string& why) {
    RawRow row = place(at);
    row.reject("malformed", why);
    row.bytes = file_.bytes.substr(std::min(at, file_.bytes.size()), 200);
    return sink_.take(std::move(row));
  }

  // An array of objects; `at` is its bracket.
  Result<void> read_array(std::size_t at) {
    at = steps_.after_space(at + 1);
    if (steps_.at(at) == ']') return {};
    while (true) {
      const std::size_t end = steps_.after_value(at);
      if (end == none || end == at) {
        reject(at, end == none ? "the file ends inside this row" : "expected a JSON object in braces");
        return {};
      }
      if (!take_row(at, end)) return {};
      at = steps_.after_space(end);
      if (steps_.at(at) == ']') return {};
      if (steps_.at(at) != ',') {
        reject(at, at < file_.bytes.size() ? "expected a comma or the end of the array; what follows was not read"
                                           : "the file ends before the end of the array");
        return {};
      }
      at = steps_.after_space(at + 1);
    }
  }

  bool take_row(std::size_t begin, std::size_t end) {
    RawRow row;
    const std::string_view text = steps_.part(begin, end);
    if (text.size() > longest_line) {
      row.reject("too-long",
                 fmt::format("the row is {} bytes long; rows of over {} are refused", text.size(), longest_line));
    } else {
      row = json_row(text);
    }
    row.line = line_of(begin);
    row.bytes = text;
    return sink_.take(std::move(row)) && sink_.passed(file_.bytes, end);
  }

  // The members of the object at `at`; an error where they cannot be told apart.
  Result<std::vector<Member>> members(std::size_t at) {
    std::vector<Member> found;
    for (at = steps_.after_space(at + 1); steps_.at(at) != '}'; at = steps_.after_space(at + 1)) {
      const std::size_t key_end = steps_.at(at) == '"' ? steps_.after_value(at) : none;
      if (key_end == none) return bad_input("{}:{}: expected a key in quotes", file_.name, line_of(at));
      RawRow problem;
      Member member{json_value(steps_.part(at, key_end), problem).text, 0, 0};
      const std::size_t colon = steps_.after_space(key_end);
      if (!problem.why.empty() || steps_.at(colon) != ':') {
        return bad_input("{}:{}: expected a key and a colon", file_.name, line_of(at));
      }
      member.begin = steps_.after_space(colon + 1);
      member.end = steps_.after_value(member.begin);
      found.push_back(member);
      constexpr std::size_t most_members = 100'000;
      if (member.end == none || found.size() > most_members) break;
      at = steps_.after_space(member.end);
      if (steps_.at(at) == '}') break;
      if (steps_.at(at) != ',') return bad_input("{}:{}: expected a comma or }}", file_.name, line_of(at));
    }
    return found;
  }

  // An object that holds the rows somewhere; `path` are the keys that led here.
  Result<void> read_object(std::size_t at, const std::string& path, int depth) {
    const auto all = members(at);
    if (!all) return tl::unexpected<Error>(all.error());
    std::vector<Member> rows;     // arrays of objects
    std::vector<Member> columns;  // these, and arrays of anything but arrays
    std::vector<Member> objects;
    for (const Member& member : *all) {
      if (steps_.at(member.begin) == '{') objects.push_back(member);
      if (steps_.at(member.begin) != '[') continue;
      const char first = steps_.at(steps_.after_space(member.begin + 1));
      if (first == '{') rows.push_back(member);
      if (first != '[') columns.push_back(member);
    }
    if (rows.size() > 1) return too_many(rows, path);
    if (rows.size() == 1 && (columns.size() == 1 || is_name_of_rows(rows.front().key))) {
      return read_array(rows.front().begin);
    }
    if (columns.size() >= 2) return read_columns(std::move(columns));
    if (objects.size() == 1 && depth < deepest_rows) {
      return read_object(objects.front().begin, path + objects.front().key + ".", depth + 1);
    }
    return bad_input("{}:{}: no rows found; expected an array of objects, or an object of arrays, one a column",
                     file_.name, line_of(at));
  }

  Result<void> too_many(const std::vector<Member>& rows, const std::string& path) const {
    std::string names;
    for (const Member& member : rows) names += (names.empty() ? "" : ", ") + clipped(path + member.key, 40);
    return bad_input(
        "{}: rows stand below {} keys ({}); write each to a file of its own, for instance with jq -c '.{}[]'",
        file_.name, rows.size(), names, printable(path + rows.front().key));
  }

  // One array a column, read side by side.
  Result<void> read_columns(std::vector<Member> columns) {
    std::vector<std::string> names;
    std::vector<std::size_t> at;
    for (const Member& column : columns) {
      names.push_back(column.key);
      at.push_back(steps_.after_space(column.begin + 1));
    }
    sink_.set_columns(names);
    while (true) {
      const auto is_done = [&](std::size_t place) { return steps_.at(place) == ']'; };
      const auto done = std::count_if(at.begin(), at.end(), is_done);
      if (done == static_cast<std::ptrdiff_t>(at.size())) return {};
      if (done > 0) {
        const auto ended = std::find_if(at.begin(), at.end(), is_done);
        reject(*ended, fmt::format("the column \"{}\" ends here, before the others do",
                                   printable(names[static_cast<std::size_t>(ended - at.begin())])));
        return {};
      }
      if (!read_side_by_side(names, at)) return {};
    }
  }

  // One row; moves each of `at` to its next value. False: no more.
  bool read_side_by_side(const std::vector<std::string>& names, std::vector<std::size_t>& at) {
    RawRow row = place(at.front());
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::size_t end = steps_.after_value(at[i]);
      if (end == none || end == at[i] || end - at[i] > longest_line) {
        reject(at[i], fmt::format("the column \"{}\" cannot be read on from here", printable(names[i])));
        return false;
      }
      RawRow problem;
      row.values.emplace_back(names[i], json_value(steps_.part(at[i], end), problem));
      if (row.why.empty() && !problem.why.empty()) {
        row.reject(problem.reason, fmt::format("\"{}\": {}", printable(names[i]), problem.why));
      }
      at[i] = steps_.after_space(end);
      const char next = steps_.at(at[i]);
      if (next == ',') {
        at[i] = steps_.after_space(at[i] + 1);
      } else if (next != ']') {
        reject(at[i], fmt::format("the column \"{}\": expected a comma or the end of the array", printable(names[i])));
        return false;
      }
    }
    if (!row.why.empty()) row.values.clear();
    return sink_.take(std::move(row));
  }

  const NamedBytes& file_;
  Steps steps_;
  RowSink& sink_;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

Result<void> read_json(const NamedBytes& file, RowSink& sink) { return Document(file, sink).read(); }

}  // namespace hone::data
