#include <algorithm>

#include "decide/wording.h"
#include "report/figures.h"
#include "report/sections.h"

namespace hone::report {
namespace {

constexpr std::size_t most_labels_in_a_table = 12;
constexpr std::size_t most_confusions = 15;

std::string legend(const ReportInput& input) {
  std::string out = "<div class=\"legend\">";
  for (const eval::ContenderResult* leader : leaders(input)) {
    out += fmt::format("<span><i style=\"--swatch:var(--{})\"></i>{}</span>", class_of(role_of(input, *leader)),
                       escaped(leader->name));
  }
  return out + "</div>\n";
}

const char* kind_text(eval::ContenderKind kind) {
  switch (kind) {
    case eval::ContenderKind::majority:
      return "always the most frequent label";
    case eval::ContenderKind::knn:
      return "vote of the nearest rows";
    case eval::ContenderKind::ngram:
      return "words and letters, linear";
    case eval::ContenderKind::probe:
      return "linear, on the frozen model";
    case eval::ContenderKind::copy:
      return "the input, unchanged";
    case eval::ContenderKind::nearest:
      return "the nearest row's answer";
    case eval::ContenderKind::prompted:
      return "prompted local model";
    case eval::ContenderKind::tuned:
      return "fine-tuned local model";
    case eval::ContenderKind::api:
      return "prompted over an API";
  }
  return "";
}

std::string interval_html(const eval::Interval& interval) {
  return fmt::format("{} <small>{} to {}</small>", decide::points(interval.value), decide::points(interval.low),
                     decide::points(interval.high));
}

// Every metric of every contender.
std::string metrics_table(const ReportInput& input) {
  std::vector<std::string> names;
  for (const auto& [name, interval] : input.contenders.front().test_metrics.named) names.push_back(name);
  std::string out = "<div class=\"scroll\"><table><thead><tr><th>contender</th>";
  for (const std::string& name : names) out += "<th>" + escaped(decide::metric_title(name)) + "</th>";
  out += "<th>rows</th><th>without answer</th><th>tokens read</th></tr></thead><tbody>\n";
  for (const eval::ContenderResult& contender : input.contenders) {
    out += "<tr><td>" + escaped(contender.name) + "</td>";
    for (const std::string& name : names) {
      const auto it = contender.test_metrics.named.find(name);
      out += "<td>" + (it == contender.test_metrics.named.end() ? "" : interval_html(it->second)) + "</td>";
    }
    out +=
        fmt::format("<td>{}</td><td>{}</td><td>{}</td></tr>\n", contender.test_metrics.n, contender.test_metrics.failed,
                    contender.mean_prompt_tokens > 0 ? fmt::format("{:.0f}", contender.mean_prompt_tokens) : "");
  }
  return out + "</tbody></table></div>\n";
}

std::string classes_table(const eval::ContenderResult& contender) {
  std::string out = "<h3>" + escaped(contender.name) +
                    ", label by label</h3><div class=\"scroll\"><table><thead><tr><th>label</th><th>found (recall)</th>"
                    "<th>right when said (precision)</th><th>F1</th><th>rows</th><th>said</th></tr></thead><tbody>\n";
  for (const eval::ClassFigures& figures : contender.test_metrics.classes) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                       escaped(figures.label), interval_html(figures.recall), interval_html(figures.precision),
                       decide::points(figures.f1), figures.support, figures.answered);
  }
  return out + "</tbody></table></div>\n";
}

std::string heat_map(const eval::Metrics& metrics) {
  std::string out = "<div class=\"scroll\"><table class=\"heat\"><thead><tr><th></th>";
  for (const std::string& label : metrics.confusion_labels) out += "<th>" + escaped(label) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (std::size_t gold = 0; gold < metrics.classes.size(); ++gold) {
    const std::size_t support = metrics.classes[gold].support;
    out += "<tr><th>" + escaped(metrics.confusion_labels[gold]) + "</th>";
    for (std::size_t answer = 0; answer < metrics.confusion_labels.size(); ++answer) {
      const std::size_t count = metrics.confusion[gold][answer];
      const double share = support > 0 ? static_cast<double>(count) / static_cast<double>(support) : 0;
      out += fmt::format("<td class=\"{}\" style=\"--n:{:.3f};--shade:var(--{})\"><b>{}</b><small>{} %</small></td>",
                         share > 0.5 ? "strong" : "", std::sqrt(share), gold == answer ? "tuned" : "bad", count,
                         of_hundred(share));
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

// With many labels: which were taken for which, most often.
std::string confusion_list(const eval::Metrics& metrics) {
  struct Confusion {
    std::size_t count, gold, answer;
  };
  std::vector<Confusion> found;
  for (std::size_t gold = 0; gold < metrics.confusion.size(); ++gold) {
    for (std::size_t answer = 0; answer < metrics.confusion.size(); ++answer) {
      if (gold != answer && metrics.confusion[gold][answer] > 0)
        found.push_back({metrics.confusion[gold][answer], gold, answer});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th>label</th><th>answered</th><th>rows</th></tr></thead><tbody>\n";
  for (std::size_t i = 0; i < std::min(found.size(), most_confusions); ++i) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(metrics.confusion_labels[found[i].gold]),
                       escaped(metrics.confusion_labels[found[i].answer]), found[i].count);
  }
  return out + "</tbody></table></div>\n";
}

const char* verdict_chip(const eval::Comparison& comparison) {
  switch (comparison.verdict) {
    case eval::Verdict::a_better:
      return "<span class=\"chip yes\">better</span>";
    case eval::Verdict::b_better:
      return "<span class=\"chip error\">worse</span>";
    case eval::Verdict::equivalent:
      return "<span class=\"chip note\">equivalent</span>";
    case eval::Verdict::undecided:
      return "<span class=\"chip open\">undecided</span>";
  }
  return "";
}

const char* verdict_words(eval::Verdict verdict) {
  switch (verdict) {
    case eval::Verdict::a_better:
      return "first better";
    case eval::Verdict::b_better:
      return "second better";
    case eval::Verdict::equivalent:
      return "equivalent";
    case eval::Verdict::undecided:
      return "undecided";
  }
  return "";
}

std::string comparisons_table(const ReportInput& input) {
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th>comparison</th><th>difference</th><th>verdict</th><th>p "
      "(swapped)</th>"
      "<th>p adjusted (Holm)</th><th>p (McNemar)</th><th>only first right</th><th>only second "
      "right</th></tr></thead><tbody>\n";
  for (const NamedComparison& named : input.comparisons) {
    const eval::Comparison& c = named.comparison;
    out += fmt::format(
        "<tr><td>{} &minus; {}</td><td>{}</td><td>{}</td><td>{:.2g}</td><td>{}</td><td>{:.2g}</td><td>{}</td>"
        "<td>{}</td></tr>\n",
        escaped(named.a), escaped(named.b), interval_html(c.difference), verdict_words(c.verdict), c.p,
        named.primary ? "declared first" : fmt::format("{:.2g}", named.adjusted_p), c.mcnemar, c.only_a_right,
        c.only_b_right);
  }
  out += "</tbody></table></div>\n<ul class=\"plain\">";
  if (input.comparisons.size() > 1) {
    out +=
        "<li>p says how often swapping the answers of both by chance would give as much. Of many comparisons some give "
        "a "
        "small one by chance, so the adjusted p (Holm) counts for all but the one declared first: &ldquo;better&rdquo; "
        "takes at most 0.05 of it.</li>";
  }
  for (const NamedComparison& named : input.comparisons) {
    if (named.comparison.note.empty()) continue;
    out +=
        fmt::format("<li>{} against {}: {}</li>", escaped(named.a), escaped(named.b), escaped(named.comparison.note));
  }
  return out + "</ul>\n";
}

// Rows of each source in `contender`'s test rows.
std::map<std::string, std::size_t> rows_by_source(const eval::ContenderResult& contender) {
  std::map<std::string, std::size_t> counts;
  for (const eval::ScoredRow& row : contender.test) {
    if (!row.source.empty()) ++counts[row.source];
  }
  return counts;
}

std::string sources_plot(const ReportInput& input, const std::vector<std::string>& sources) {
  const auto best = leaders(input);
  const auto counts = rows_by_source(*best.front());
  IntervalPlot plot;
  plot.scale = {0, 1};
  for (const std::string& source : sources) {
    const auto count = counts.find(source);
    PlotRow row{.name = source,
                .note = fmt::format("{} rows", count == counts.end() ? 0 : count->second),
                .value = {},
                .marks = {}};
    for (const eval::ContenderResult* leader : best) {
      const auto it = leader->test_metrics.recall_by_source.find(source);
      if (it == leader->test_metrics.recall_by_source.end()) continue;
      const Role role = role_of(input, *leader);
      row.marks.push_back({it->second, role});
      row.value +=
          fmt::format("{}<span style=\"color:var(--{})\">{}</span>", row.value.empty() ? "" : " <small>/</small> ",
                      class_of(role), of_hundred(it->second.value));
    }
    plot.rows.push_back(std::move(row));
  }
  return interval_plot(plot);
}

}  // namespace

Role role_of(const ReportInput& input, const eval::ContenderResult& contender) {
  for (const eval::ContenderResult* leader : leaders(input)) {
    if (leader->name == contender.name) return leader->is_tuned() ? Role::tuned : Role::untuned;
  }
  return Role::other;
}

std::string contenders_section(const ReportInput& input) {
  if (input.contenders.empty()) return {};
  const data::Task& task = *input.task;
  double low = task.target.value_or(1);
  double high = task.target.value_or(0);
  IntervalPlot plot;
  plot.target = task.target;
  for (const eval::ContenderResult& contender : input.contenders) {
    const eval::Interval figure = figure_of(contender, task);
    low = std::min(low, figure.low);
    high = std::max(high, figure.high);
    const Role role = role_of(input, contender);
    plot.rows.push_back({.name = contender.name,
                         .note = kind_text(contender.kind) +
                                 (contender.unranked.empty() ? std::string() : "; not ranked: " + contender.unranked),
                         .value = interval_html(figure),
                         .marks = {{figure, role}},
                         .role = role});
  }
  plot.scale = scale_over(low, high, task.metric == "mcc" || task.metric == "qwk" ? -1 : 0, 1);
  std::string out = fmt::format(
      "<section><h2>All contenders on the same rows</h2><p class=\"lead\">{} of 100, with the range "
      "that 95 of 100 repetitions would give. Best first by the validation rows, which choose; the figures are of the "
      "test rows, which judge. {}</p><div class=\"card\">\n",
      escaped(decide::metric_title(task.metric)), task.target ? "The dashed line is your target." : "");
  out += legend(input) + interval_plot(plot) + "</div>\n";
  out += "<details><summary>In plain words</summary><ul class=\"plain\">\n";
  for (const eval::ContenderResult& contender : input.contenders) {
    out += "<li><b>" + escaped(contender.name) + "</b>: " + escaped(plain_line(contender, task)) + "</li>\n";
  }
  out += "</ul></details>\n<details><summary>All figures</summary>\n" + metrics_table(input);
  out += "</details>\n";
  if (input.contenders.front().test_metrics.classes.empty()) return out + "</section>\n";
  out += "<details><summary>Label by label</summary>\n";
  for (const eval::ContenderResult& contender : input.contenders) out += classes_table(contender);
  return out + "</details></section>\n";
}

std::string differences_section(const ReportInput& input) {
  if (input.comparisons.empty()) return {};
  IntervalPlot plot;
  plot.margin = input.task->margin;
  double low = -input.task->margin;
  double high = input.task->margin;
  for (const NamedComparison& named : input.comparisons) {
    const eval::Interval& d = named.comparison.difference;
    low = std::min(low, d.low);
    high = std::max(high, d.high);
    const Role role = named.primary ? Role::tuned : Role::other;
    plot.rows.push_back({.name = named.a,
                         .note = "against " + named.b + (named.primary ? ", declared beforehand" : ""),
                         .value = fmt::format("{:+.1f} {}", 100 * d.value, verdict_chip(named.comparison)),
                         .marks = {{d, role}},
                         .role = role});
  }
  plot.scale = scale_over(low, high, -2, 2);
  std::string out = fmt::format(
      "<section><h2>Is the difference real?</h2><p class=\"lead\">Both answered the same rows, so they are compared "
      "row by row. "
      "Right of the line the first is ahead. A range that crosses the line could be chance; one inside the band of "
      "&plusmn;{} points counts as equal.</p><div class=\"card\">\n",
      decide::points(input.task->margin));
  out += interval_plot(plot) + "</div><details><summary>Statistics</summary>\n" + comparisons_table(input);
  return out + "</details></section>\n";
}

std::string mistakes_section(const ReportInput& input) {
  std::string cards;
  for (const eval::ContenderResult* leader : leaders(input)) {
    const eval::Metrics& metrics = leader->test_metrics;
    if (metrics.confusion.empty() || metrics.n == 0) continue;
    const bool fits = metrics.confusion_labels.size() <= most_labels_in_a_table;
    cards += "<div class=\"card\"><h3>" + escaped(leader->name) + "</h3>\n";
    cards += (fits ? heat_map(metrics) : confusion_list(metrics)) + "</div>\n";
  }
  if (cards.empty()) return {};
  return "<section><h2>Which mistakes</h2><p class=\"lead\">Each line holds the rows of one label, each column what "
         "was "
         "answered. Blue is right, red is wrong; deeper means a larger share of the line.</p><div class=\"pair\">\n" +
         cards + "</div></section>\n";
}

std::string sources_section(const ReportInput& input) {
  const auto best = leaders(input);
  if (best.empty() || best.front()->test_metrics.recall_by_source.empty()) return {};
  std::vector<std::string> known;
  std::vector<std::string> unseen;
  for (const auto& [source, recall] : best.front()->test_metrics.recall_by_source) {
    const bool is_known =
        std::find(input.known_sources.begin(), input.known_sources.end(), source) != input.known_sources.end();
    (is_known ? known : unseen).push_back(source);
  }
  const auto worst_first = [&](const std::string& a, const std::string& b) {
    const auto& recalls = best.front()->test_metrics.recall_by_source;
    return recalls.at(a).value < recalls.at(b).value;
  };
  std::stable_sort(known.begin(), known.end(), worst_first);
  std::stable_sort(unseen.begin(), unseen.end(), worst_first);
  std::string out =
      "<section class=\"long\"><h2>By family</h2><p class=\"lead\">How many of 100 rows of each source were "
      "answered rightly, weakest first.</p>" +
      legend(input);
  if (!unseen.empty()) {
    out += "<div class=\"card\"><h3>Families never seen in training</h3>\n" + sources_plot(input, unseen) + "</div>\n";
  }
  if (!known.empty()) {
    out += "<div class=\"card\" style=\"margin-top:1rem\"><h3>New rows of families seen in training</h3>\n" +
           sources_plot(input, known) + "</div>\n";
  }
  return out + "</section>\n";
}

}  // namespace hone::report
