#include "solve/learning_curve.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/rng.h"
#include "base/terminal.h"
#include "classic/held_out.h"
#include "eval/score.h"

namespace hone::solve {
namespace {

constexpr std::size_t fewest_training = 80;
constexpr std::size_t fewest_scored = 50;
constexpr double curve_c = 10;         // of the logistic regression, as out of fold
constexpr double worth_having = 0.01;  // of the metric, from twice the rows
constexpr std::uint64_t draw_stream = 0xC07E;
constexpr std::size_t fewest_of_label = 5;  // scored rows, for a recall that says something

struct Size {
  double share;
  int repetitions;
};
constexpr Size sizes[] = {{1.0 / 8, 5}, {1.0 / 5, 4}, {1.0 / 3, 3}, {1.0 / 2, 3}, {7.0 / 10, 2}, {1, 1}};

class Curve {
 public:
  Curve(const data::Task& task, const data::Split& split, const CurveSpec& spec)
      : task_(task), split_(split), spec_(spec) {
    for (const Size& size : sizes) trainings_ += size.repetitions;
  }

  CurveReport run(const std::stop_token& stop) {
    CurveReport report;
    report.metric = task_.metric;
    report.train_rows = split_.train.size();
    report.scored_rows = split_.validation.size();
    for (const Size& size : sizes) report.points.push_back(point(size, stop));
    describe_weakest(report);
    const eval::LearningCurve curve(report.points);
    report.rows = spec_.rows.value_or(2 * static_cast<double>(report.train_rows));
    report.at_rows = curve.at(report.rows);
    report.ceiling = curve.ceiling();
    report.target = spec_.target ? spec_.target : task_.target;
    if (report.target) report.for_target = curve.rows_for(*report.target);
    return report;
  }

 private:
  eval::CurvePoint point(const Size& size, const std::stop_token& stop) {
    const auto rows = static_cast<std::size_t>(std::lround(size.share * static_cast<double>(split_.train.size())));
    std::vector<double> scores;
    for (int repetition = 0; repetition < size.repetitions; ++repetition) {
      if (stop.stop_requested()) fail(ErrorCode::interrupted, "stopped; nothing was concluded");
      scores.push_back(score(draw(rows, repetition)));
      if (spec_.on_training) spec_.on_training(++done_, trainings_);
    }
    const auto n = static_cast<double>(scores.size());
    double mean = 0;
    for (const double one : scores) mean += one / n;
    double squares = 0;
    for (const double one : scores) squares += (one - mean) * (one - mean);
    return {static_cast<double>(rows), mean, n > 1 ? std::sqrt(squares / (n - 1)) : 0, size.repetitions};
  }

  std::vector<data::Row> draw(std::size_t rows, int repetition) const {
    if (rows == split_.train.size()) return split_.train;
    std::vector<std::size_t> order(split_.train.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    Rng(task_.seed, draw_stream + static_cast<std::uint64_t>(repetition)).shuffle(order);
    std::vector<data::Row> drawn;
    for (std::size_t i = 0; i < rows; ++i) drawn.push_back(split_.train[order[i]]);
    return drawn;
  }

  // The answers of the last training are kept: that on all rows.
  double score(const std::vector<data::Row>& rows) {
    const auto answers = classic::held_out_answers(rows, split_.validation, task_.labels, curve_c);
    answered_.clear();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      eval::ScoredRow row;
      row.gold = split_.validation[i].output;
      row.answer = task_.labels[answers[i]];
      answered_.push_back(std::move(row));
    }
    std::vector<const eval::ScoredRow*> scored;
    for (const eval::ScoredRow& row : answered_) scored.push_back(&row);
    return eval::metric_value(task_.metric, scored, task_);
  }

  void describe_weakest(CurveReport& report) const {
    std::map<std::string, std::pair<std::size_t, std::size_t>> recall;  // right, all
    for (const eval::ScoredRow& row : answered_) {
      auto& [right, all] = recall[row.gold];
      right += row.answer == row.gold ? 1 : 0;
      ++all;
    }
    double least = 2;
    for (const auto& [label, counts] : recall) {
      const double share = static_cast<double>(counts.first) / static_cast<double>(counts.second);
      if (counts.second < fewest_of_label || share >= least) continue;
      least = share;
      report.weakest_label = label;
    }
    if (report.weakest_label.empty()) return;
    report.weakest_recall = least;
    report.weakest_rows =
        static_cast<std::size_t>(std::count_if(split_.train.begin(), split_.train.end(), [&](const data::Row& row) {
          return row.output == report.weakest_label;
        }));
  }

  const data::Task& task_;
  const data::Split& split_;
  const CurveSpec& spec_;
  std::vector<eval::ScoredRow> answered_;
  int trainings_ = 0;
  int done_ = 0;
};

std::string rounded(double rows) {
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(std::max(1.0, rows))) - 1));
  return fmt::format("{:.0f}", unit * std::round(rows / unit));
}

void conclude_target(CurveReport& report) {
  const auto now = static_cast<double>(report.train_rows);
  const auto more = [&](std::optional<double> rows) { return rounded(std::max(0.0, *rows - now)); };
  const auto& needed = report.for_target;
  if (report.points.back().score >= *report.target) {
    report.verdict = MoreRows::are_not_needed;
    report.sentence = fmt::format("The target of {:.3f} is reached: {} is {:.3f} with the rows there are.",
                                  *report.target, report.metric, report.points.back().score);
  } else if (!needed.at_best) {
    report.verdict = MoreRows::would_not_do;
    report.sentence = fmt::format(
        "More rows won't help a plain classifier to {:.3f}: its {} levels off at about {:.3f}. Try a model that knows "
        "more, or better rows.",
        *report.target, report.metric, report.ceiling.value);
  } else if (!needed.expected) {
    report.verdict = MoreRows::not_decidable;
    report.sentence = fmt::format("Whether more rows lead to {:.3f} can't be told yet; at best about {} more would do.",
                                  *report.target, more(needed.at_best));
  } else {
    report.verdict = MoreRows::would_do;
    report.sentence =
        fmt::format("About {} more rows for {} {:.3f} by a plain classifier ({} at best, {}).", more(needed.expected),
                    report.metric, *report.target, more(needed.at_best),
                    needed.at_worst ? more(needed.at_worst) + " at worst" : std::string("no number is sure to do"));
  }
}

void conclude_gain(CurveReport& report) {
  const double now = report.points.back().score;
  const double gain = report.at_rows.value - now;
  if (report.at_rows.high - now < worth_having) {
    report.verdict = MoreRows::would_not_do;
    report.sentence = fmt::format("More rows won't help: {} rows would bring {:.1f} points at best.",
                                  rounded(report.rows), 100 * std::max(0.0, report.at_rows.high - now));
  } else {
    report.verdict = gain >= worth_having ? MoreRows::would_do : MoreRows::not_decidable;
    report.sentence = fmt::format(
        "With {} rows a plain classifier's {} would be about {:.3f} ({:.3f} to {:.3f}); now it is {:.3f}.",
        rounded(report.rows), report.metric, report.at_rows.value, report.at_rows.low, report.at_rows.high, now);
  }
}

void check_rows(const data::Task& task, const data::Split& split) {
  if (task.kind != data::Kind::classify) {
    fail(ErrorCode::unsupported,
         "a learning curve is drawn for tasks with labels; for the others compare trainings on parts of the rows");
  }
  if (split.train.size() >= fewest_training && split.validation.size() >= fewest_scored) return;
  fail(ErrorCode::bad_input,
       "{} training and {} validation rows are too few for a learning curve, which takes {} and {}: collect rows first",
       split.train.size(), split.validation.size(), fewest_training, fewest_scored);
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

const char* name_of(MoreRows verdict) {
  switch (verdict) {
    case MoreRows::would_do:
      return "more rows";
    case MoreRows::would_not_do:
      return "more rows won't help";
    case MoreRows::are_not_needed:
      return "target reached";
    case MoreRows::not_decidable:
      break;
  }
  return "not decidable";
}

CurveReport learning_curve(const data::Task& task, const data::Split& split, const CurveSpec& spec,
                           const std::stop_token& stop) {
  check_rows(task, split);
  CurveReport report = Curve(task, split, spec).run(stop);
  if (report.target) {
    conclude_target(report);
  } else {
    conclude_gain(report);
  }
  return report;
}

Json to_json(const CurveReport& report) {
  Json points = Json::array();
  for (const eval::CurvePoint& point : report.points) {
    points.push_back(
        {{"rows", point.rows}, {"score", point.score}, {"spread", point.spread}, {"repetitions", point.repetitions}});
  }
  Json at_rows = eval::to_json(report.at_rows);
  at_rows["rows"] = report.rows;
  const Json weakest =
      report.weakest_label.empty()
          ? Json(nullptr)
          : Json{{"label", report.weakest_label}, {"recall", report.weakest_recall}, {"rows", report.weakest_rows}};
  return {{"metric", report.metric},
          {"train_rows", report.train_rows},
          {"scored_rows", report.scored_rows},
          {"points", points},
          {"full_score", report.points.back().score},
          {"at_rows", at_rows},
          {"ceiling", eval::to_json(report.ceiling)},
          {"target", optional_json(report.target)},
          {"rows_for_target",
           {{"expected", optional_json(report.for_target.expected)},
            {"at_best", optional_json(report.for_target.at_best)},
            {"at_worst", optional_json(report.for_target.at_worst)}}},
          {"verdict", name_of(report.verdict)},
          {"sentence", report.sentence},
          {"weakest", weakest}};
}

}  // namespace hone::solve
