#include <algorithm>

#include "data/label_list.h"
#include "data/output_schema.h"
#include "eval/bootstrap.h"
#include "eval/score.h"
#include "eval/significance.h"
#include "eval/tally.h"

namespace hone::eval {
namespace {

std::vector<const ScoredRow*> pointers(const std::vector<ScoredRow>& rows) {
  std::vector<const ScoredRow*> result;
  result.reserve(rows.size());
  for (const ScoredRow& row : rows) result.push_back(&row);
  return result;
}

// The column of an answer that is none of the classes.
std::string outside_column(const ScoredRow& row) {
  if (row.failed) return "(no answer)";
  return row.answer == "abstain" ? "abstain" : "(other)";
}

void fill_confusion(const std::vector<ScoredRow>& rows, const std::vector<std::string>& classes, Metrics& metrics) {
  std::map<std::string, std::size_t> place;
  for (const std::string& label : classes) place.emplace(label, place.size());
  metrics.confusion_labels = classes;
  for (const ScoredRow& row : rows) {
    if (!row.failed && place.contains(row.answer)) continue;
    const std::string column = outside_column(row);
    if (place.emplace(column, metrics.confusion_labels.size()).second) metrics.confusion_labels.push_back(column);
  }
  const std::size_t width = metrics.confusion_labels.size();
  metrics.confusion.assign(width, std::vector<std::size_t>(width, 0));
  for (const ScoredRow& row : rows) {
    const bool is_class = !row.failed && place.contains(row.answer);
    ++metrics.confusion[place.at(row.gold)][place.at(is_class ? row.answer : outside_column(row))];
  }
}

void fill_classes(const std::vector<std::string>& classes, Metrics& metrics) {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    ClassFigures figures;
    figures.label = classes[i];
    for (std::size_t j = 0; j < metrics.confusion.size(); ++j) {
      figures.support += metrics.confusion[i][j];
      figures.answered += metrics.confusion[j][i];
    }
    const std::size_t right = metrics.confusion[i][i];
    figures.precision = wilson(right, figures.answered);
    figures.recall = wilson(right, figures.support);
    const std::size_t either = figures.support + figures.answered;
    figures.f1 = either > 0 ? 2.0 * static_cast<double>(right) / static_cast<double>(either) : 0;
    metrics.classes.push_back(std::move(figures));
  }
}

// Answers that are JSON of the schema; a row without an answer has none.
Interval valid_share(const std::vector<ScoredRow>& rows, const std::string& schema) {
  data::OutputSchema allowed = value_or_throw(data::OutputSchema::compile(schema));
  const auto valid = std::count_if(rows.begin(), rows.end(),
                                   [&](const ScoredRow& row) { return !row.failed && allowed.allows(row.answer); });
  return wilson(static_cast<std::size_t>(valid), rows.size());
}

}  // namespace

double metric_value(const std::string& metric, const std::vector<const ScoredRow*>& rows, const data::Task& task) {
  const Tally tally(metric, task, class_labels(rows, task));
  std::vector<Count> counts;
  for (const ScoredRow* row : rows) tally.count(*row, 0, counts);
  std::vector<double> sums(tally.width(), 0.0);
  for (const Count& count : counts) sums[count.cell] += count.value;
  return tally.value(sums);
}

Metrics measure(const std::vector<ScoredRow>& rows, const data::Task& task, std::uint64_t seed) {
  Metrics metrics;
  metrics.n = rows.size();
  std::size_t right = 0;
  std::map<std::string, std::pair<std::size_t, std::size_t>> sources;
  for (const ScoredRow& row : rows) {
    const std::size_t point = is_right(row, task) ? 1 : 0;
    right += point;
    metrics.failed += row.failed ? 1 : 0;
    if (row.source.empty()) continue;
    sources[row.source].first += point;
    sources[row.source].second += 1;
  }
  for (const auto& [source, counts] : sources) {
    metrics.recall_by_source[source] = wilson(counts.first, counts.second);
  }
  if (task.kind != data::Kind::classify) {
    metrics.named["exact"] = wilson(right, rows.size());
    if (!task.schema.empty()) metrics.named["valid"] = valid_share(rows, task.schema);
    if (data::listed_labels(task)) {
      const std::vector<std::string> labels = class_labels(pointers(rows), task);
      for (const char* name : {"label_precision", "label_recall", "label_f1", "label_macro_f1"})
        metrics.named[name] = bootstrap_interval(Tally(name, task, labels), pointers(rows), seed);
    } else if (task.kind == data::Kind::json) {
      for (const char* name : {"field_precision", "field_recall", "field_f1"}) {
        metrics.named[name] = bootstrap_interval(Tally(name, task, {}), pointers(rows), seed);
      }
    }
    metrics.named["chrf"] = bootstrap_interval(Tally("chrf", task, {}), pointers(rows), seed);
    return metrics;
  }
  const std::vector<const ScoredRow*> all = pointers(rows);
  const std::vector<std::string> classes = class_labels(all, task);
  metrics.named["accuracy"] = wilson(right, rows.size());
  metrics.named["macro_f1"] = bootstrap_interval(Tally("macro_f1", task, classes), all, seed);
  metrics.named["mcc"] = bootstrap_interval(Tally("mcc", task, classes), all, seed);
  if (task.ordered) {
    metrics.named["qwk"] = bootstrap_interval(Tally("qwk", task, classes), all, seed);
    metrics.named["within_one"] = bootstrap_interval(Tally("within_one", task, classes), all, seed);
  }
  fill_confusion(rows, classes, metrics);
  fill_classes(classes, metrics);
  return metrics;
}

Json to_json(const Interval& interval) {
  return Json{{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

Json named_json(const Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, interval] : metrics.named) json[name] = to_json(interval);
  return json;
}

Json detail_json(const Metrics& metrics) {
  Json json{{"n", metrics.n}, {"failed", metrics.failed}};
  Json classes = Json::array();
  for (const ClassFigures& figures : metrics.classes) {
    classes.push_back(Json{{"label", figures.label},
                           {"support", figures.support},
                           {"answered", figures.answered},
                           {"precision", to_json(figures.precision)},
                           {"recall", to_json(figures.recall)},
                           {"f1", figures.f1}});
  }
  json["classes"] = std::move(classes);
  json["confusion"] = Json{{"labels", metrics.confusion_labels}, {"counts", metrics.confusion}};
  Json sources = Json::object();
  for (const auto& [source, recall] : metrics.recall_by_source) sources[source] = to_json(recall);
  json["recall_by_source"] = std::move(sources);
  return json;
}

Json to_json(const Metrics& metrics) {
  Json json = detail_json(metrics);
  json.update(named_json(metrics));
  return json;
}

}  // namespace hone::eval
