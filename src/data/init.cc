#include "data/init.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/json.h"
#include "base/terminal.h"
#include "data/guess_table.h"
#include "data/normal_text.h"
#include "data/row.h"
#include "data/task.h"
#include "data/task_json.h"

namespace hone::data {
namespace {

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

class Guesser {
 public:
  Guesser(Path file, Path folder) : file_(std::move(file)), folder_(std::move(folder)) {}

  Result<InitResult> run() {
    Result<Table> table = read_table(file_);
    if (!table) return tl::unexpected<Error>(table.error());
    table_ = std::move(*table);
    const std::string name = printable(file_.string());
    if (table_.rows == 0) return bad_input("{}: no rows; add examples, then run this again", name);
    guess_columns();
    if (input_ == nullptr || output_ == nullptr) {
      return bad_input("{}: expected two columns with text, an input and its answer; found {}", name,
                       table_.columns.empty() ? "none" : name_list(table_.names(), 12));
    }
    guess_kind();
    if (task_.kind == Kind::classify) {
      if (const Result<void> labels = guess_labels(); !labels) return tl::unexpected<Error>(labels.error());
    }
    task_.metric = default_metric(task_.kind);
    draft_instruction();
    std::string toml = text();
    if (const Result<void> works = accepted(toml); !works) return tl::unexpected<Error>(works.error());
    return InitResult{std::move(toml), std::move(notes_)};
  }

 private:
  template <class... Args>
  void note(const char* key, fmt::format_string<Args...> format, Args&&... args) {
    const std::string sentence = fmt::format(format, std::forward<Args>(args)...);
    comments_[key] = sentence;
    notes_.push_back(fmt::format("{}: {}", key, sentence));
  }

  void guess_columns() {
    const ColumnGuess guess = data::guess_columns(table_);
    input_ = guess.input_column;
    output_ = guess.output_column;
    if (input_ == nullptr || output_ == nullptr) return;
    task_.data.input = guess.input;
    task_.data.output = guess.output;
    note("input", "{}", guess.input_why);
    note("output", "{}", guess.output_why);
    guess_extra_columns();
  }

  void guess_extra_columns() {
    if (const Column* id = named_column(table_, {"id", "row_id", "uid", "uuid", "example_id"});
        id != nullptr && id != input_ && id != output_) {
      if (id->filled == table_.rows - table_.unreadable && id->counts.size() == id->filled) {
        task_.data.id = id->name;
        note("id", "the column \"{}\": filled and different in every row", printable(id->name));
      } else {
        notes_.push_back(
            fmt::format("id: \"{}\" is empty or repeated in places, so Hone makes its own ids", printable(id->name)));
      }
    }
    if (const Column* group = named_column(table_, {"group", "group_id", "conversation_id", "thread_id"})) {
      task_.data.group = group->name;
      note("group", "the column \"{}\": its rows stay on one side of the split", printable(group->name));
    }
    if (const Column* source = named_column(table_, {"source", "origin", "family"});
        source != nullptr && source != input_ && source != output_) {
      task_.data.source = source->name;
      note("source", "the column \"{}\": scores are also reported for each of its values", printable(source->name));
    }
    if (const Column* date = named_column(table_, {"date", "created_at", "created", "timestamp", "time"});
        date != nullptr && date != input_ && date != output_) {
      task_.data.date = date->name;
      note("date", "the column \"{}\": the newest rows are tested on, as it will be in use; \"\" for a split by chance",
           printable(date->name));
    }
  }

  void guess_kind() {
    if (output_->structures * 10 >= output_->filled * 9) {
      task_.kind = Kind::json;
      if (!guess_label_lists()) note("kind", "json, because the answers are JSON documents");
    } else if (looks_like_labels(*output_)) {
      task_.kind = Kind::classify;
      note("kind", "classify, because {} rows share {} answers", output_->filled, output_->counts.size());
    } else if (output_->counts.size() == 1 || (output_->counts.size() <= 20 && output_->longest <= 30)) {
      task_.kind = Kind::classify;
      note("kind", "classify, because the answers are few and short");
    } else {
      task_.kind = Kind::text;
      note("kind", "text, because {} of {} answers differ", output_->counts.size(), output_->filled);
    }
  }

  // Several labels a row: lists of few short texts become a schema that allows no other. False: the answers are none.
  bool guess_label_lists() {
    if (output_->lists < output_->structures || output_->lists == 0) return false;
    std::map<std::string, std::size_t> counts;
    for (const auto& [text, count] : output_->counts) {
      const Result<Json> list = parse_json(text, "output");
      if (!list) continue;
      for (const Json& label : *list) counts[label.get<std::string>()] += count;
    }
    constexpr std::size_t most_listed = 300;
    if (counts.empty() || counts.size() > most_listed || counts.size() * 3 > output_->filled) return false;
    Json labels = Json::array();
    for (const auto& [label, count] : counts) labels.push_back(label);
    task_.schema = to_text(Json{{"type", "array"}, {"items", {{"enum", std::move(labels)}}}});
    note("kind", "json, because the answers are lists of {} labels, several a row", counts.size());
    note("schema", "the labels found, and no other");
    task_.metric = "label_f1";
    return true;
  }

  // Grades: numbers stand in their order.
  void order_grades() {
    const auto number = [](const std::string& label) {
      char* end = nullptr;
      const double value = std::strtod(label.c_str(), &end);
      return end == label.c_str() + label.size() ? std::optional<double>(value) : std::nullopt;
    };
    const bool are_numbers = std::all_of(task_.labels.begin(), task_.labels.end(),
                                         [&](const std::string& label) { return number(label).has_value(); });
    if (!are_numbers || task_.labels.size() < 3) return;
    std::stable_sort(task_.labels.begin(), task_.labels.end(),
                     [&](const std::string& a, const std::string& b) { return *number(a) < *number(b); });
    note("labels", "grades, in their order ({} to {})", task_.labels.front(), task_.labels.back());
    task_.ordered = true;
    task_.metric = "qwk";
  }

  // Labels in order of frequency, those of the user's own validation and test files included.
  Result<void> guess_labels() {
    std::map<std::string, std::size_t> counts(output_->counts.begin(), output_->counts.end());
    for (const auto& sibling : {sibling_named({"validation", "valid", "val", "dev"}), sibling_named({"test"})}) {
      if (!sibling) continue;
      Result<Table> table = read_table(*sibling);
      if (!table) continue;
      if (const Column* column = table->find(output_->name); column != nullptr && column->longest <= longest_label) {
        for (const auto& [label, count] : column->counts) counts[label];
      }
    }
    std::vector<std::pair<std::string, std::size_t>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [label, count] : order) task_.labels.push_back(label);
    if (task_.labels.size() < 2) {
      return bad_input("{}: every row has the answer \"{}\"; a task needs at least two different ones",
                       printable(file_.string()), clipped(task_.labels.front(), 60));
    }
    note("labels", "every answer found, most frequent first ({} to {} rows each)", order.back().second,
         order.front().second);
    order_grades();
    note_likely_typos(order);
    guess_positive();
    return {};
  }

  void note_likely_typos(const std::vector<std::pair<std::string, std::size_t>>& order) {
    for (const auto& [label, count] : order) {
      if (count > 2 || label.size() < 4) continue;
      for (const auto& [frequent, many] : order) {
        if (many < 10 * std::max<std::size_t>(count, 1) || edit_distance(folded_text(label), folded_text(frequent)) > 1)
          continue;
        notes_.push_back(fmt::format("labels: is \"{}\" ({} rows) \"{}\" misspelt? Then correct the rows and remove it",
                                     clipped(label, 60), count, clipped(frequent, 60)));
      }
    }
  }

  void guess_positive() {
    if (task_.labels.size() != 2) return;
    const std::set<std::string> alarming = {
        "malicious", "spam",      "toxic", "fraud", "unsafe",   "attack", "harmful", "phishing", "abuse", "abusive",
        "jailbreak", "injection", "hate",  "bad",   "positive", "yes",    "true",    "urgent",   "churn", "defect"};
    std::vector<std::string> hits;
    for (const std::string& label : task_.labels) {
      if (alarming.contains(folded_text(label)) || label == "1") hits.push_back(label);
    }
    if (hits.size() != 1) return;
    task_.positive = hits.front();
    note("positive", "\"{}\" sounds like the one to act on; remove this line if neither is", printable(hits.front()));
  }

  std::optional<Path> sibling_named(std::initializer_list<const char*> stems) const {
    for (const char* stem : stems) {
      const Path path = file_.parent_path() / (stem + file_.extension().string());
      std::error_code ignored;
      if (path != file_ && std::filesystem::is_regular_file(path, ignored)) return path;
    }
    return std::nullopt;
  }

  // What every row says the model was told; empty where they differ.
  std::string given_instruction() const {
    for (const char* name : {"system", "instruction"}) {
      const Column* column = table_.find(name);
      const bool is_same = column != nullptr && column->counts.size() == 1 && column != input_ && column != output_;
      if (is_same && column->filled == table_.rows - table_.unreadable) return column->counts.begin()->first;
    }
    return {};
  }

  void draft_instruction() {
    if (task_.instruction = given_instruction(); !task_.instruction.empty()) {
      note("instruction", "what every row tells the model; correct it where it says too little");
      return;
    }
    const std::string what = lower_first(printable(input_->name));
    if (task_.kind == Kind::classify) {
      std::string list;
      for (const std::string& label : task_.labels) list += (list.empty() ? "" : ", ") + label;
      constexpr std::size_t longest_list = 2000;
      task_.instruction =
          fmt::format("Read the {} and say which {} fits best.", what, lower_first(printable(output_->name)));
      if (list.size() <= longest_list) task_.instruction += fmt::format(" Answer with one of: {}.", list);
    } else if (task_.kind == Kind::json) {
      task_.instruction = fmt::format("Read the {} and answer with the {} as one JSON document, nothing else.", what,
                                      lower_first(printable(output_->name)));
    } else {
      task_.instruction = fmt::format("Read the {} and write the {}.", what, lower_first(printable(output_->name)));
    }
    note("instruction", "a draft: say what a good answer is, as you would tell a new colleague");
  }

  const char* metric_comment() const {
    if (task_.metric == "qwk")
      return "weighted kappa: a grade far off costs more than the next one (or: accuracy, within_one)";
    if (task_.metric == "label_f1") return "labels found, of all rows together (or: label_macro_f1, exact)";
    if (task_.kind == Kind::classify) return "every label counts the same, however rare (or: accuracy, mcc)";
    if (task_.kind == Kind::json) return "the share of answers that are right in full (or: field_f1, chrf)";
    return "likeness to the wanted text, by characters (or: exact)";
  }

  std::string text() {
    task_.folder = folder_;
    task_.file = folder_ / "hone.toml";
    task_.name = file_.stem() == "train" && file_.has_parent_path() ? file_.parent_path().filename().string()
                                                                    : file_.stem().string();
    task_.data.train = file_;
    task_.data.validation = sibling_named({"validation", "valid", "val", "dev"});
    task_.data.test = sibling_named({"test"});
    if (task_.data.validation)
      note("validation", "{} stands beside the file", task_.data.validation->filename().string());
    if (task_.data.test) {
      note("test", "{} stands beside the file and is used whole; without this line 20 % of the rows are set apart",
           task_.data.test->filename().string());
    }
    comments_["metric"] = metric_comment();
    comments_["margin"] = "differences below two points count as none";
    comments_["private"] = "true: no row may leave this machine";
    comments_["changes"] = "how often the task changes: never, rarely, monthly, weekly";
    std::string out = fmt::format(
        "# What a good answer is, for Hone. Guessed from {}: read it once, correct what is wrong.\n"
        "# Then: hone solve\n",
        printable(file_.filename().string()));
    std::istringstream lines(task_text(task_));
    for (std::string line; std::getline(lines, line);) {
      const auto comment = comments_.find(line.substr(0, line.find(' ')));
      if (comment != comments_.end()) out += "# " + comment->second + "\n";
      out += line + "\n";
    }
    return out;
  }

  Result<void> accepted(const std::string& toml) {
    const Result<Task> task = parse_task(toml, task_.file);
    if (!task) return tl::unexpected<Error>(task.error());
    const Result<Imported> imported = import_rows(task->data.train, *task);
    if (!imported) return tl::unexpected<Error>(imported.error());
    if (imported->rows.empty()) {
      return bad_input("{}: no usable row; the first: line {}: {}", printable(file_.string()),
                       imported->rejected.front().line, imported->rejected.front().why);
    }
    if (!imported->rejected.empty()) {
      notes_.push_back(fmt::format("{} of {} rows cannot be used as they are; `hone data check` lists them",
                                   imported->rejected.size(), table_.rows));
    }
    return {};
  }

  Path file_;
  Path folder_;
  Table table_;
  const Column* input_ = nullptr;
  const Column* output_ = nullptr;
  Task task_;
  std::map<std::string, std::string> comments_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<InitResult> init_task(const Path& file, const Path& task_folder) {
  const Path whole = std::filesystem::absolute(file).lexically_normal();
  const Path folder =
      task_folder.empty() ? whole.parent_path() : std::filesystem::absolute(task_folder).lexically_normal();
  return Guesser(whole, folder).run();
}

}  // namespace hone::data
