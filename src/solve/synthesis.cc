#include "solve/synthesis.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_set>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/terminal.h"
#include "classic/classic.h"
#include "data/near_duplicates.h"
#include "data/normal_text.h"
#include "data/out_of_fold.h"
#include "data/task_rows.h"

namespace hone::solve {
namespace {

constexpr std::size_t pleas_a_row = 4;   // over so many for a wanted row the teacher has nothing new to say
constexpr int fruitless_rounds = 3;      // in a row: the same
constexpr std::size_t round_pleas = 60;  // between which rows reach the disk
constexpr std::size_t examples_shown = 3;
constexpr double freely = 0.8;
constexpr std::uint64_t seed_stream = 0x5eed;

struct Candidate {
  std::string text;
  std::string output;
  const data::Row* made_from = nullptr;
};

class Synthesiser {
 public:
  Synthesiser(const Workspace& workspace, const SynthesisSpec& spec, Teacher& teacher, RecordedResponder& answers)
      : workspace_(workspace), task_(workspace.task), spec_(spec), teacher_(teacher), answers_(answers) {
    answers_.ask(teacher.responder());
    take_seeds();
    take_references();
    take_file();
    if (spec.agreeing == Agreeing::classifier) {
      classifier_.emplace(classic::NgramClassifier::train(seeds_, task_.labels, task_.seed));
    }
  }

  SynthesisOutcome run(const std::stop_token& stop) {
    int fruitless = 0;
    const std::size_t most_pleas = round_pleas + pleas_a_row * spec_.count / rows_each();
    while (have() < spec_.count && draws_ < most_pleas && fruitless < fruitless_rounds) {
      const std::size_t before = outcome_.accepted;
      const std::int64_t asked = answers_.asked();
      if (!run_round(stop)) break;
      // A round that only repeats what an earlier start was told is none.
      if (outcome_.accepted == before && answers_.asked() > asked) ++fruitless;
      if (outcome_.accepted > before) fruitless = 0;
    }
    if (outcome_.ended.empty()) outcome_.ended = have() >= spec_.count ? "finished" : "exhausted";
    return std::move(outcome_);
  }

 private:
  std::size_t rows_each() const { return spec_.kind == prompt::SynthesisKind::document ? 1 : spec_.rows_a_plea; }
  std::size_t have() const { return outcome_.earlier + outcome_.accepted; }

  bool is_wanted(const std::string& label) const {
    return spec_.labels.empty() || std::find(spec_.labels.begin(), spec_.labels.end(), label) != spec_.labels.end();
  }

  void take_seeds() {
    for (const data::Row& row : workspace_.split.train) {
      if (data::is_generated(row)) continue;
      seeds_.push_back(row);
      ++rows_of_[row.output];
    }
    Rng(task_.seed, seed_stream).shuffle(seeds_);
    for (const data::Row& row : seeds_) by_label_[row.output].push_back(&row);
    if (seeds_.empty()) fail(ErrorCode::bad_input, "no training row to start from");
  }

  void take_references() {
    const data::Split& split = workspace_.split;
    for (const auto* rows : {&split.train, &split.validation, &split.test, &split.unscored}) {
      for (const data::Row& row : *rows) references_.push_back(row.input);
    }
    for (const data::SetAside& row : split.set_aside) references_.push_back(row.row.input);
  }

  void take_file() {
    std::error_code missing;
    if (!std::filesystem::exists(spec_.out, missing)) return;
    file_text_ = value_or_throw(read_file(spec_.out));
    const data::Imported rows = value_or_throw(data::import_rows(spec_.out, data::task_of_generated_rows(task_)));
    for (const data::Row& row : rows.rows) {
      generated_.push_back(row.input);
      outcome_.earlier += row.source == source_of(spec_.kind, teacher_) ? 1 : 0;
    }
  }

  // False: a stop or the cap came.
  bool run_round(const std::stop_token& stop) {
    const std::size_t need = spec_.count - have();
    const std::size_t pleas = std::min(round_pleas, (need + rows_each() - 1) / rows_each() + 1);
    std::vector<prompt::SynthesisPlea> wanted;
    for (std::size_t i = 0; i < pleas; ++i) {
      if (auto plea = next_plea()) wanted.push_back(std::move(*plea));
    }
    if (wanted.empty()) fail(ErrorCode::bad_input, "no training row has any of the labels that rows are wanted of");
    std::vector<Candidate> candidates = written(wanted, stop);
    drop_repeats(candidates);
    keep_agreed(candidates, stop);
    // Answers that came before a stop are used at the next start, in the same order.
    if (stop.stop_requested()) outcome_.ended = "interrupted";
    if (outcome_.ended.empty() && teacher_.totals().capped) outcome_.ended = "capped";
    if (!outcome_.ended.empty()) return false;
    accept(candidates);
    return true;
  }

  std::optional<prompt::SynthesisPlea> next_plea() {
    prompt::SynthesisPlea plea;
    plea.draw = ++draws_;
    plea.rows = rows_each();
    switch (spec_.kind) {
      case prompt::SynthesisKind::paraphrase:
      case prompt::SynthesisKind::document:
        return of_row(std::move(plea));
      case prompt::SynthesisKind::missing:
        return of_label(std::move(plea), rarest_label());
      case prompt::SynthesisKind::negatives:
        return of_trigger(std::move(plea));
    }
    HONE_CHECK(false);
  }

  std::optional<prompt::SynthesisPlea> of_row(prompt::SynthesisPlea plea) {
    for (std::size_t tried = 0; tried < seeds_.size(); ++tried) {
      const data::Row& row = seeds_[next_seed_++ % seeds_.size()];
      if (!is_wanted(row.output)) continue;
      plea.made_from = &row;
      plea.output = row.output;
      return plea;
    }
    return std::nullopt;
  }

  // The label with the fewest rows, those already asked for among them.
  std::string rarest_label() const {
    const std::string* rarest = nullptr;
    const auto count = [&](const std::string& label) {
      const auto found = rows_of_.find(label);
      return found == rows_of_.end() ? std::size_t{0} : found->second;
    };
    for (const std::string& label : task_.labels) {
      if (is_wanted(label) && (rarest == nullptr || count(label) < count(*rarest))) rarest = &label;
    }
    return rarest == nullptr ? std::string() : *rarest;
  }

  // What is asked for under a draw depends on nothing but the draw, so that a later start finds its answer.
  std::optional<prompt::SynthesisPlea> of_label(prompt::SynthesisPlea plea, const std::string& label) {
    if (label.empty()) return std::nullopt;
    plea.output = label;
    const auto& rows = by_label_[label];
    Rng rng(task_.seed, plea.draw);
    std::set<std::size_t> shown;
    while (shown.size() < std::min(examples_shown, rows.size())) shown.insert(rng.below(rows.size()));
    for (const std::size_t i : shown) plea.examples.push_back(rows[i]);
    rows_of_[label] += plea.rows;
    return plea;
  }

  std::optional<prompt::SynthesisPlea> of_trigger(prompt::SynthesisPlea plea) {
    std::vector<std::pair<const TriggerWord*, std::string>> choices;
    for (const TriggerWord& trigger : spec_.triggers) {
      for (const std::string& label : task_.labels) {
        if (label != trigger.label && is_wanted(label)) choices.emplace_back(&trigger, label);
      }
    }
    if (choices.empty()) return std::nullopt;
    const auto& [trigger, label] = choices[next_seed_++ % choices.size()];
    plea.word = trigger->word;
    return of_label(std::move(plea), label);
  }

  // What the teacher writes, in the order of the pleas whatever order answers come in.
  std::vector<Candidate> written(const std::vector<prompt::SynthesisPlea>& pleas, const std::stop_token& stop) {
    std::vector<text::Request> requests;
    for (const auto& plea : pleas) requests.push_back(prompt::synthesis_request(task_, spec_.kind, plea));
    std::vector<std::string> texts(pleas.size());
    teacher_.set_temperature(freely);
    ask(
        requests, [&](std::size_t i, const text::Reply& reply) { texts[i] = reply.answer; }, stop);
    outcome_.pleas += pleas.size();
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < pleas.size(); ++i) {
      for (std::string& text : prompt::synthesised_texts(spec_.kind, pleas[i], texts[i])) {
        candidates.push_back({std::move(text), pleas[i].output, pleas[i].made_from});
      }
    }
    outcome_.texts += candidates.size();
    return candidates;
  }

  void ask(const std::vector<text::Request>& requests,
           const std::function<void(std::size_t, const text::Reply&)>& on_answer, const std::stop_token& stop) {
    answers_.ask(teacher_.responder());
    answers_.respond(
        requests,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          if (reply) return on_answer(i, *reply);
          ++outcome_.failed;
          if (outcome_.failed_why.empty()) outcome_.failed_why = reply.error().message;
        },
        stop);
  }

  void drop_repeats(std::vector<Candidate>& candidates) {
    std::vector<std::string_view> texts;
    for (const Candidate& one : candidates) texts.push_back(one.text);
    const auto of_rows = data::near_duplicates_of(texts, data::views_of(references_));
    const auto of_generated = data::near_duplicates_of(texts, data::views_of(generated_));
    const auto groups = data::near_duplicate_groups(texts);
    std::unordered_set<std::size_t> seen;
    std::vector<Candidate> kept;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (of_rows[i]) {
        ++outcome_.repeats_rows;
      } else if (of_generated[i] || !seen.insert(groups[i]).second) {
        ++outcome_.repeats_generated;
      } else {
        kept.push_back(std::move(candidates[i]));
      }
    }
    candidates = std::move(kept);
  }

  void keep_agreed(std::vector<Candidate>& candidates, const std::stop_token& stop) {
    if (spec_.agreeing == Agreeing::nobody || task_.kind != data::Kind::classify) return;
    std::vector<std::string> found(candidates.size());
    if (spec_.agreeing == Agreeing::classifier) {
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        found[i] = task_.labels[data::best_label(classifier_->probabilities(candidates[i].text))];
      }
    } else {
      std::vector<text::Request> requests;
      for (const Candidate& one : candidates) requests.push_back(reading_request(task_, row_of(one), teacher_));
      teacher_.set_temperature(0);
      ask(
          requests, [&](std::size_t i, const text::Reply& reply) { found[i] = reply.answer; }, stop);
    }
    std::vector<Candidate> kept;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (found[i] == candidates[i].output) {
        kept.push_back(std::move(candidates[i]));
      } else {
        ++outcome_.disagreed;
      }
    }
    candidates = std::move(kept);
  }

  data::Row row_of(const Candidate& one) const {
    data::Row row;
    row.id = "g-" + sha256_hex(data::canonical_text(one.text)).substr(0, 16);
    row.input = one.text;
    row.output = one.output;
    row.group = one.made_from != nullptr ? one.made_from->group : row.id;
    row.source = source_of(spec_.kind, teacher_);
    row.labels_by = teacher_.name();
    if (one.made_from != nullptr) row.made_from = one.made_from->id;
    return row;
  }

  void accept(std::vector<Candidate>& candidates) {
    for (Candidate& one : candidates) {
      if (have() == spec_.count) break;
      data::Row row = row_of(one);
      file_text_ += to_text(Json{{"id", row.id},
                                 {"input", row.input},
                                 {"output", row.output},
                                 {"group", row.group},
                                 {"source", row.source},
                                 {"labels_by", row.labels_by},
                                 {"made_on", utc_today()},
                                 {"made_from", row.made_from}}) +
                    "\n";
      generated_.push_back(row.input);
      outcome_.rows.push_back(std::move(row));
      ++outcome_.accepted;
    }
    if (!outcome_.rows.empty()) write_file(spec_.out, file_text_);
  }

  const Workspace& workspace_;
  const data::Task& task_;
  const SynthesisSpec& spec_;
  Teacher& teacher_;
  RecordedResponder& answers_;
  std::vector<data::Row> seeds_;
  std::map<std::string, std::vector<const data::Row*>> by_label_;
  std::map<std::string, std::size_t> rows_of_;  // a label's rows, and those asked for
  std::vector<std::string> references_;         // inputs of every side
  std::vector<std::string> generated_;
  std::string file_text_;
  std::optional<classic::NgramClassifier> classifier_;
  std::uint64_t draws_ = 0;
  std::size_t next_seed_ = 0;
  SynthesisOutcome outcome_;
};

void check_spec(const Workspace& workspace, const SynthesisSpec& spec) {
  const bool needs_labels = spec.kind == prompt::SynthesisKind::missing ||
                            spec.kind == prompt::SynthesisKind::negatives || spec.agreeing == Agreeing::classifier ||
                            !spec.labels.empty();
  if (needs_labels && workspace.task.kind != data::Kind::classify) {
    fail(ErrorCode::usage, "this needs a task with labels, and the task's kind is \"{}\"",
         data::name_of(workspace.task.kind));
  }
  for (const std::string& label : spec.labels) {
    const auto& labels = workspace.task.labels;
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
      fail(ErrorCode::usage, "--label: \"{}\" is none of the labels ({})", clipped(label, 40),
           data::name_list(labels, 12));
    }
  }
  if (spec.kind == prompt::SynthesisKind::negatives && spec.triggers.empty()) {
    fail(ErrorCode::bad_input,
         "no word gives a label away as far as can be seen, so there is nothing to make harder rows around; name one "
         "with --word");
  }
}

}  // namespace

const char* name_of(Agreeing agreeing) {
  switch (agreeing) {
    case Agreeing::teacher:
      return "teacher";
    case Agreeing::classifier:
      return "classifier";
    case Agreeing::nobody:
      return "none";
  }
  HONE_CHECK(false);
}

Result<Agreeing> agreeing_named(const std::string& name) {
  for (const Agreeing one : {Agreeing::teacher, Agreeing::classifier, Agreeing::nobody}) {
    if (name == name_of(one)) return one;
  }
  return make_error(ErrorCode::usage, "expected teacher, classifier or none; found \"{}\"", printable(name));
}

std::string source_of(prompt::SynthesisKind kind, const Teacher& teacher) {
  return fmt::format("generated: {} by {}", prompt::name_of(kind), teacher.name());
}

SynthesisOutcome synthesise(const Workspace& workspace, const SynthesisSpec& spec, Teacher& teacher,
                            RecordedResponder& answers, std::stop_token stop) {
  check_spec(workspace, spec);
  return Synthesiser(workspace, spec, teacher, answers).run(stop);
}

double distinct_pairs(const std::vector<std::string>& texts) {
  std::set<std::pair<std::string, std::string>> pairs;
  std::size_t all = 0;
  for (const std::string& text : texts) {
    const std::string lowered = data::lowered_text(text);
    const auto words = data::words_of(lowered);
    for (std::size_t i = 1; i < words.size(); ++i) {
      pairs.emplace(words[i - 1], words[i]);
      ++all;
    }
  }
  return all == 0 ? 0 : static_cast<double>(pairs.size()) / static_cast<double>(all);
}

}  // namespace hone::solve
