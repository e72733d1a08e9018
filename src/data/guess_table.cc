#include "data/guess_table.h"

#include <algorithm>

#include "base/json.h"
#include "base/terminal.h"
#include "data/normal_text.h"
#include "data/row.h"
#include "data/row_values.h"

namespace hone::data {
namespace {

constexpr std::size_t most_labels = 300;

bool is_list_of_texts(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), [](const Json& item) { return item.is_string(); });
}

void note_structure(const RawValue& value, Column& column) {
  const std::size_t first = value.text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (value.text[first] != '{' && value.text[first] != '[')) return;
  const Result<Json> json = parse_json(value.text, "output");
  if (!json) return;
  ++column.structures;
  column.lists += is_list_of_texts(*json) ? 1 : 0;
}

void note_row(const RawRow& row, std::unordered_map<std::string, std::size_t>& places, Table& table) {
  for (const auto& [name, value] : row.values) {
    const auto [place, is_new] = places.emplace(name, table.columns.size());
    if (is_new) {
      table.columns.emplace_back();
      table.columns.back().name = name;
    }
    Column& column = table.columns[place->second];
    if (value.type == ValueType::null || value.text.size() >= too_long_bytes) continue;
    std::string text = canonical_text(value.text);
    if (text.empty()) continue;
    ++column.filled;
    column.bytes += text.size();
    column.longest = std::max(column.longest, text.size());
    note_structure(value, column);
    ++column.counts[std::move(text)];
  }
}

// A case told in two columns: what it is about, and its text.
std::string two_part_input(const Table& table, const Column* output) {
  const Column* head = named_column(table, {"subject", "title", "headline"}, output);
  const Column* body = named_column(table, {"body", "description", "content", "text", "message"}, output);
  if (head == nullptr || body == nullptr) return {};
  return fmt::format("{{{}}}\n{{{}}}", head->name, body->name);
}

void guess_input(const Table& table, ColumnGuess& guess) {
  const Column* instruction = named_column(table, {"instruction"}, guess.output_column);
  guess.input_column = named_column(table,
                                    {"input", "text", "prompt", "question", "query", "message", "sentence", "utterance",
                                     "content", "document", "body", "review", "comment", "title", "x"},
                                    guess.output_column);
  if (instruction != nullptr && instruction->counts.size() > 1) {
    const Column* input = named_column(table, {"input", "context"}, guess.output_column);
    guess.input_column = instruction;
    guess.input =
        input == nullptr ? instruction->name : fmt::format("{{{}}}\n\n{{{}}}", instruction->name, input->name);
    guess.input_why = input == nullptr ? "the column \"instruction\", by its name"
                                       : "instruction and input together, as Alpaca files mean them";
    return;
  }
  if (guess.input = two_part_input(table, guess.output_column); !guess.input.empty()) {
    guess.input_why = "two columns that tell one case together";
    if (guess.input_column == nullptr) guess.input_column = named_column(table, {"description"});
    return;
  }
  if (guess.input_column != nullptr) {
    guess.input_why = fmt::format("the column \"{}\", by its name", printable(guess.input_column->name));
  } else {
    for (const Column& column : table.columns) {
      if (&column == guess.output_column || column.filled == 0) continue;
      if (guess.input_column == nullptr || column.mean_bytes() > guess.input_column->mean_bytes()) {
        guess.input_column = &column;
      }
    }
    if (guess.input_column == nullptr) return;
    guess.input_why =
        fmt::format("the column \"{}\", which has the longest texts", printable(guess.input_column->name));
  }
  guess.input = guess.input_column->name;
}

void guess_output(const Table& table, ColumnGuess& guess) {
  if (guess.output_column != nullptr) {
    guess.output_why = fmt::format("the column \"{}\", by its name", printable(guess.output_column->name));
  } else {
    // Labels first; else the last other column, where answers usually stand.
    for (const Column& column : table.columns) {
      if (&column == guess.input_column || column.filled == 0) continue;
      if (guess.output_column == nullptr || !looks_like_labels(*guess.output_column)) guess.output_column = &column;
    }
    if (guess.output_column == nullptr) return;
    guess.output_why =
        fmt::format("the column \"{}\", the likeliest to hold answers", printable(guess.output_column->name));
  }
  guess.output = guess.output_column->name;
}

}  // namespace

const Column* Table::find(const std::string& name) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> all;
  for (const Column& column : columns) all.push_back(column.name);
  return all;
}

Result<Table> read_table(const Path& file, const ReadSpec& spec) {
  Table table;
  std::unordered_map<std::string, std::size_t> places;
  const auto read = read_raw_file(file, spec, [&](RawRow&& row) {
    ++table.rows;
    if (row.why.empty()) {
      note_row(row, places, table);
    } else if (table.unreadable++ == 0) {
      table.first_unreadable = std::move(row);
      table.first_unreadable.bytes = {};
    }
  });
  if (!read) return tl::unexpected<Error>(read.error());
  table.format = read->format;
  return table;
}

const Column* named_column(const Table& table, std::initializer_list<const char*> wanted, const Column* other_than) {
  for (const char* name : wanted) {
    for (const Column& column : table.columns) {
      if (&column != other_than && column.filled > 0 && folded_text(column.name) == folded_text(name)) return &column;
    }
  }
  return nullptr;
}

bool looks_like_labels(const Column& column) {
  return column.counts.size() >= 2 && column.counts.size() <= most_labels && column.longest <= longest_label &&
         column.structures == 0 && column.filled >= 3 * column.counts.size();
}

ColumnGuess guess_columns(const Table& table) {
  ColumnGuess guess;
  guess.output_column =
      named_column(table, {"output", "label", "labels", "category", "class", "intent", "target", "answer", "completion",
                           "response", "sentiment", "topic", "type", "expected", "y"});
  guess_input(table, guess);
  guess_output(table, guess);
  return guess;
}

}  // namespace hone::data
