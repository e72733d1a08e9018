#include "cli/row_screen.h"

#include <algorithm>

#include "base/terminal.h"
#include "data/normal_text.h"
#include "report/width.h"

namespace hone::cli {
namespace {

constexpr std::size_t columns = 80;
constexpr std::size_t text_indent = 2;
constexpr std::size_t first_lines = 30;
constexpr std::size_t last_lines = 8;
constexpr std::size_t most_digits = 9;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string shown = printable(std::string_view(text).substr(begin, end - begin));
    const auto parts = report::wrapped(shown, columns - text_indent);
    if (parts.empty()) lines.emplace_back();
    lines.insert(lines.end(), parts.begin(), parts.end());
    begin = end + 1;
  }
  return lines;
}

void list_labels(const RowScreen& screen, const std::vector<std::string>& labels) {
  std::string all;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    all += fmt::format("{}{} {}", i == 0 ? "" : "   ", i + 1, printable(labels[i]));
  }
  screen.wrapped(all, text_indent);
}

Choice command_of(char key) {
  switch (key) {
    case 'b':
      return {Choice::Kind::back, {}};
    case 'u':
      return {Choice::Kind::unsure, {}};
    case 'q':
      return {Choice::Kind::quit, {}};
    default:
      return {};
  }
}

// One key: a digit, or what a line would give after its dot.
Choice choose_by_key(Keyboard& keyboard, const data::Task& task) {
  while (true) {
    const auto key = keyboard.command();
    if (!key) return {Choice::Kind::quit, {}};
    if (*key == "\n") return {};
    const char c = key->front();
    if (c >= '1' && c <= '9' && static_cast<std::size_t>(c - '1') < task.labels.size()) {
      return {Choice::Kind::answer, task.labels[static_cast<std::size_t>(c - '1')]};
    }
    if (const Choice choice = command_of(c); choice.kind != Choice::Kind::none) return choice;
  }
}

Choice choose_by_line(Keyboard& keyboard, const RowScreen& screen, const data::Task& task) {
  while (true) {
    const auto line = keyboard.line();
    if (!line) return {Choice::Kind::quit, {}};
    if (line->empty()) return {};
    if (line->size() == 2 && line->front() == '.') {
      if (const Choice choice = command_of(line->back()); choice.kind != Choice::Kind::none) return choice;
    }
    if (task.labels.empty()) return {Choice::Kind::answer, *line};
    if (*line == "?") {
      list_labels(screen, task.labels);
    } else if (const Result<std::string> label = label_typed(*line, task.labels)) {
      return {Choice::Kind::answer, *label};
    } else {
      screen.wrapped(label.error().message, text_indent);
    }
    screen.ask("label: ");
  }
}

}  // namespace

void RowScreen::line(const std::string& text) const {
  std::fputs((text + "\n").c_str(), out_);
  std::fflush(out_);
}

void RowScreen::wrapped(const std::string& text, std::size_t indent) const {
  for (const std::string& part : report::wrapped(text, columns - indent)) line(std::string(indent, ' ') + part);
}

void RowScreen::text(const std::string& text) const {
  const auto lines = lines_of(text);
  const bool is_long = lines.size() > first_lines + last_lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_long && i == first_lines) {
      line(fmt::format("  [{} lines are not shown]", lines.size() - first_lines - last_lines));
      i = lines.size() - last_lines;
    }
    line(lines[i].empty() ? lines[i] : std::string(text_indent, ' ') + lines[i]);
  }
}

void RowScreen::ask(const std::string& text) const {
  std::fputs(text.c_str(), out_);
  std::fflush(out_);
}

Result<std::string> label_typed(const std::string& typed, const std::vector<std::string>& labels) {
  const std::string wanted = data::canonical_text(typed);
  if (std::find(labels.begin(), labels.end(), wanted) != labels.end()) return wanted;
  const bool is_number = !wanted.empty() && wanted.size() <= 6 &&
                         std::all_of(wanted.begin(), wanted.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number) {
    const std::size_t place = std::stoul(wanted);
    if (place >= 1 && place <= labels.size()) return labels[place - 1];
    return bad_input("numbers go from 1 to {}; \"?\" lists the labels", labels.size());
  }
  const std::string folded = data::lowered_text(wanted);
  std::vector<std::string> begun;
  for (const std::string& label : labels) {
    if (data::lowered_text(label) == folded) return label;
    if (!folded.empty() && data::lowered_text(label).starts_with(folded)) begun.push_back(label);
  }
  if (begun.size() == 1) return begun.front();
  if (begun.size() > 1) return bad_input("that begins {}", data::name_list(begun, 8));
  const std::string near = data::nearest_name(wanted, labels);
  return bad_input("\"{}\" is none of the labels{}; \"?\" lists them", clipped(wanted, 40),
                   near.empty() ? "" : fmt::format("; did you mean \"{}\"?", printable(near)));
}

Choice choose_answer(Keyboard& keyboard, const RowScreen& screen, const data::Task& task) {
  const bool by_key = keyboard.is_terminal() && !task.labels.empty() && task.labels.size() <= most_digits;
  if (by_key) {
    list_labels(screen, task.labels);
    screen.line("  b back, u not sure, q quit");
    screen.ask("label? ");
    const Choice choice = choose_by_key(keyboard, task);
    screen.line(printable(choice.answer));
    return choice;
  }
  screen.ask(task.labels.empty() ? "answer: " : "label: ");
  return choose_by_line(keyboard, screen, task);
}

}  // namespace hone::cli
