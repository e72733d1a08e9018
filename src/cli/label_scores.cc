#include "cli/label_scores.h"

#include <set>

#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "classic/out_of_fold.h"
#include "data/suspect_labels.h"

namespace hone::cli {
namespace {

constexpr std::size_t fewest_rows = 50;
constexpr int fold_count = 5;

}  // namespace

std::optional<data::OutOfFold> label_answers(const data::Task& task, const data::Split& split) {
  if (task.kind != data::Kind::classify) return std::nullopt;
  std::vector<data::Row> rows;
  for (const auto* side : {&split.train, &split.validation, &split.test, &split.unscored}) {
    rows.insert(rows.end(), side->begin(), side->end());
  }
  std::set<std::string> used;
  for (const data::Row& row : rows) used.insert(row.output);
  if (rows.size() < fewest_rows || used.size() < 2) return std::nullopt;
  Progress progress({.label = "labels", .unit = "folds", .total = fold_count});
  classic::OutOfFoldSpec spec;
  spec.folds = fold_count;
  spec.seed = task.seed;
  spec.on_fold = [&](int done) { progress.update(static_cast<std::uint64_t>(done)); };
  return classic::out_of_fold(std::move(rows), task.labels, spec);
}

void write_label_scores(const std::string& file, const std::optional<data::OutOfFold>& answers) {
  if (!answers)
    fail(ErrorCode::bad_input,
         "no label has scores: they need a classify task with 50 rows or more of two labels; leave out "
         "--scores");
  const data::OutOfFold& known = *answers;
  std::set<std::size_t> suspects;
  for (const data::Suspect& suspect : data::suspect_labels(known.probabilities, known.given)) {
    suspects.insert(suspect.row);
  }
  std::string lines;
  for (std::size_t i = 0; i < known.rows.size(); ++i) {
    const auto& p = known.probabilities[i];
    Json probabilities = Json::object();
    for (std::size_t k = 0; k < p.size(); ++k) probabilities[known.labels[k]] = p[k];
    lines += to_text(Json{{"id", known.rows[i].id},
                          {"line", known.rows[i].line},
                          {"output", known.rows[i].output},
                          {"suggested", known.labels[data::best_label(p)]},
                          {"quality", data::label_quality(p, known.given[i])},
                          {"is_suspect", suspects.contains(i)},
                          {"probabilities", std::move(probabilities)}});
    lines += '\n';
  }
  write_file(file, lines);
}

}  // namespace hone::cli
