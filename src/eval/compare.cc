#include "eval/compare.h"

#include "eval/bootstrap.h"
#include "eval/randomisation.h"
#include "eval/tally.h"

namespace hone::eval {
namespace {

constexpr int resamples = 10000;
constexpr double level = 0.05;
// z^2 / 2 of the 95 % normal quantile, rounded: as many made-up groups for each side as Agresti and Coull's interval
// adds successes.
constexpr int made_up_each_way = 2;

using RowsById = std::unordered_map<std::string, const ScoredRow*>;

Result<RowsById> by_id(const std::vector<ScoredRow>& rows) {
  RowsById found;
  for (const ScoredRow& row : rows) {
    if (!found.emplace(row.id, &row).second) return bad_input("compare: row \"{}\" is there twice", row.id);
  }
  return found;
}

struct Pairs {
  std::vector<const ScoredRow*> a, b;  // a[i] and b[i] answer the same row
};

Result<Pairs> paired(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b) {
  const Result<RowsById> in_a = by_id(a);
  if (!in_a) return tl::unexpected(in_a.error());
  Result<RowsById> in_b = by_id(b);
  if (!in_b) return tl::unexpected(in_b.error());
  Pairs pairs;
  for (const ScoredRow& row : a) {
    const auto other = in_b->find(row.id);
    if (other == in_b->end()) {
      return bad_input("compare: row \"{}\" is only in the first; score both on the same rows", row.id);
    }
    if (other->second->gold != row.gold) {
      return bad_input("compare: row \"{}\" has two gold answers; score both on the same data", row.id);
    }
    pairs.a.push_back(&row);
    pairs.b.push_back(other->second);
  }
  for (const ScoredRow& row : b) {
    if (!in_a->contains(row.id)) {
      return bad_input("compare: row \"{}\" is only in the second; score both on the same rows", row.id);
    }
  }
  if (pairs.a.empty()) return bad_input("compare: there are no rows to compare");
  return pairs;
}

struct Samples {
  std::vector<double> a, b, difference;
};

Samples bootstrap(const Tally& tally, GroupedCounts& groups, std::uint64_t seed) {
  Samples samples;
  Rng rng(seed, 2);
  const std::size_t width = tally.width();
  std::vector<double> sums(2 * width);
  for (int i = 0; i < resamples; ++i) {
    groups.resample(rng, sums);
    samples.a.push_back(tally.value(std::span<const double>(sums).first(width)));
    samples.b.push_back(tally.value(std::span<const double>(sums).last(width)));
    samples.difference.push_back(samples.a.back() - samples.b.back());
  }
  return samples;
}

// Mean counts of a row that is answered rightly, and of one that is answered with any of the other classes (a text: not
// at all).
struct Typical {
  std::map<std::uint32_t, double> right, wrong;
};

Typical typical_counts(const Tally& tally, const std::vector<const ScoredRow*>& rows,
                       const std::vector<std::string>& classes) {
  Typical typical;
  std::vector<Count> counts;
  const auto add = [&](std::map<std::uint32_t, double>& sums, const ScoredRow& row, double times) {
    counts.clear();
    tally.count(row, 0, counts);
    for (const Count& count : counts) sums[count.cell] += times * count.value;
  };
  const double share = 1 / static_cast<double>(rows.size());
  for (const ScoredRow* row : rows) {
    ScoredRow answered;
    answered.gold = row->gold;
    answered.answer = row->gold;
    add(typical.right, answered, share);
    answered.failed = classes.size() < 2;
    if (answered.failed) add(typical.wrong, answered, share);
    for (const std::string& label : classes) {
      if (answered.failed || label == row->gold) continue;
      answered.answer = label;
      add(typical.wrong, answered, share / static_cast<double>(classes.size() - 1));
    }
  }
  return typical;
}

std::vector<Count> side_by_side(const std::map<std::uint32_t, double>& a, const std::map<std::uint32_t, double>& b,
                                std::uint32_t width) {
  std::vector<Count> counts;
  for (const auto& [cell, value] : a) counts.push_back({cell, value});
  for (const auto& [cell, value] : b) counts.push_back({cell + width, value});
  return counts;
}

bool lies_within(const Interval& interval, double margin) { return interval.low >= -margin && interval.high <= margin; }

// One comparison in the making.
class Comparing {
 public:
  Comparing(const Pairs& pairs, const data::Task& task, std::uint64_t seed)
      : pairs_(pairs),
        task_(task),
        seed_(seed),
        classes_(task.kind == data::Kind::classify ? class_labels(pairs.a, task) : std::vector<std::string>{}),
        tally_(task.metric, task, classes_) {}

  Comparison result() {
    measure();
    count_rights();
    judge();
    return std::move(out_);
  }

 private:
  // Both sides' counts by group; still open.
  GroupedCounts grouped() const {
    const auto width = static_cast<std::uint32_t>(tally_.width());
    GroupedCounts groups(2 * tally_.width());
    std::vector<Count> counts;
    for (std::size_t i = 0; i < pairs_.a.size(); ++i) {
      counts.clear();
      tally_.count(*pairs_.a[i], 0, counts);
      tally_.count(*pairs_.b[i], width, counts);
      groups.add(group_of(*pairs_.a[i]), counts);
    }
    return groups;
  }

  void measure() {
    GroupedCounts groups = grouped();
    groups.close();
    const std::vector<double> totals = groups.totals();
    const double a = tally_.value(std::span(totals).first(tally_.width()));
    const double b = tally_.value(std::span(totals).last(tally_.width()));
    Samples samples = bootstrap(tally_, groups, seed_);
    const Swapped swapped = randomisation(tally_, groups, seed_);
    out_.metric = task_.metric;
    out_.a = percentile_interval(a, samples.a);
    out_.b = percentile_interval(b, samples.b);
    out_.difference = percentile_interval(a - b, samples.difference);
    out_.p = swapped.p;
    out_.groups = groups.groups();
    out_.different_groups = swapped.different_groups;
  }

  void count_rights() {
    const std::size_t n = pairs_.a.size();
    out_.n = n;
    std::size_t a_right = 0;
    std::size_t b_right = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const ScoredRow& in_a = *pairs_.a[i];
      const ScoredRow& in_b = *pairs_.b[i];
      const bool a = is_right(in_a, task_);
      const bool b = is_right(in_b, task_);
      a_right += a ? 1 : 0;
      b_right += b ? 1 : 0;
      if (in_a.failed != in_b.failed || in_a.answer != in_b.answer) ++out_.different;
      if (a == b) continue;
      ++(a ? out_.only_a_right : out_.only_b_right);
      out_.flipped.push_back(in_a.id);
    }
    out_.mcnemar = mcnemar_p(out_.only_a_right, out_.only_b_right);
    if (task_.metric == "accuracy" || task_.metric == "exact") {
      out_.a = wilson(a_right, n);
      out_.b = wilson(b_right, n);
    }
  }

  void judge() {
    const Interval& d = out_.difference;
    const bool excludes_zero = d.low > 0 || d.high < 0;
    if (lies_within(d, task_.margin)) {
      if (lies_within(careful_interval(), task_.margin)) {
        out_.verdict = Verdict::equivalent;
        if (excludes_zero && out_.p <= level) out_.note = "One is certainly ahead, but by less than the margin.";
        return;
      }
      out_.note = fmt::format("They look equal, but {} rows are too few to show that they are.", out_.n);
    }
    if (!excludes_zero) return;
    if (out_.p > level) {
      out_.note = fmt::format(
          "The range leaves out 0, but so few rows differ that chance gives as much too often (p {:.2g}).", out_.p);
      return;
    }
    const bool a_ahead = d.low > 0;
    if (!beats_guessing(a_ahead ? pairs_.a : pairs_.b)) {
      out_.note = "The one ahead is not shown to do better than guessing.";
      return;
    }
    out_.note.clear();
    out_.verdict = a_ahead ? Verdict::a_better : Verdict::b_better;
  }

  // The interval with the made-up groups added.
  Interval careful_interval() const {
    const auto width = static_cast<std::uint32_t>(tally_.width());
    const Typical typical = typical_counts(tally_, pairs_.a, classes_);
    GroupedCounts groups = grouped();
    for (int i = 0; i < made_up_each_way; ++i) {
      groups.add_alone(side_by_side(typical.right, typical.wrong, width));
      groups.add_alone(side_by_side(typical.wrong, typical.right, width));
    }
    groups.close();
    Samples samples = bootstrap(tally_, groups, seed_);
    return percentile_interval(out_.difference.value, samples.difference);
  }

  bool beats_guessing(const std::vector<const ScoredRow*>& rows) const {
    if (task_.kind != data::Kind::classify) return true;
    return beyond_guessing(bootstrap_interval(Tally("mcc", task_, classes_), rows, seed_));
  }

  const Pairs& pairs_;
  const data::Task& task_;
  std::uint64_t seed_;
  std::vector<std::string> classes_;
  Tally tally_;
  Comparison out_;
};

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::a_better:
      return "a_better";
    case Verdict::b_better:
      return "b_better";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::undecided:
      return "undecided";
  }
  return "";
}

Result<Comparison> compare(const std::vector<ScoredRow>& a, const std::vector<ScoredRow>& b, const data::Task& task,
                           std::uint64_t seed) {
  const Result<Pairs> pairs = paired(a, b);
  if (!pairs) return tl::unexpected(pairs.error());
  return Comparing(*pairs, task, seed).result();
}

Comparison mirrored(Comparison comparison) {
  std::swap(comparison.a, comparison.b);
  std::swap(comparison.only_a_right, comparison.only_b_right);
  Interval& d = comparison.difference;
  d = {-d.value, -d.high, -d.low};
  if (comparison.verdict == Verdict::a_better) {
    comparison.verdict = Verdict::b_better;
  } else if (comparison.verdict == Verdict::b_better) {
    comparison.verdict = Verdict::a_better;
  }
  return comparison;
}

Json to_json(const Comparison& comparison) {
  return Json{{"metric", comparison.metric},
              {"a", to_json(comparison.a)},
              {"b", to_json(comparison.b)},
              {"difference", to_json(comparison.difference)},
              {"p", comparison.p},
              {"mcnemar_p", comparison.mcnemar},
              {"n", comparison.n},
              {"different", comparison.different},
              {"groups", comparison.groups},
              {"different_groups", comparison.different_groups},
              {"only_a_right", comparison.only_a_right},
              {"only_b_right", comparison.only_b_right},
              {"verdict", name_of(comparison.verdict)},
              {"note", comparison.note},
              {"flipped", comparison.flipped}};
}

}  // namespace hone::eval
