#include "diagnose/diagnose.h"

#include "base/shell.h"
#include "base/terminal.h"
#include "diagnose/evidence.h"
#include "eval/compare.h"

namespace hone::diagnose {
namespace {

constexpr std::size_t most_rows_listed = 50;

std::string rate_text(double rate) { return fmt::format("{:.2g}", rate); }

// `hone train` of the task's folder with one setting changed.
std::string train_command(const RunEvidence& evidence, const std::string& setting) {
  const std::string folder = evidence.task->folder.string();
  const std::string where = folder.empty() || folder == "." ? "" : shell_word(folder) + " ";
  return fmt::format("hone train {}{}", where, setting);
}

std::string rate_command(const RunEvidence& evidence, double rate) {
  return train_command(evidence, "--learning-rate " + rate_text(rate));
}

std::optional<data::Finding> divergence(const RunEvidence& evidence) {
  const Divergence found = find_divergence(evidence.steps);
  if (found.skipped == 0 && found.loss_spikes.empty() && found.gradient_spikes.empty()) return std::nullopt;
  const double rate = peak_rate(evidence.steps);
  data::Finding finding;
  finding.id = "divergence";
  finding.severity = found.skipped > 0 ? data::Severity::error : data::Severity::warning;
  finding.title = found.skipped > 0
                      ? fmt::format("Training broke down: the loss was not finite in {} of {} steps.", found.skipped,
                                    evidence.steps.size())
                      : fmt::format("Training was unstable: the loss or its gradient jumped in {} of {} steps.",
                                    found.loss_spikes.size() + found.gradient_spikes.size(), evidence.steps.size());
  finding.evidence = Json{{"steps", evidence.steps.size()},
                          {"not_finite", found.skipped},
                          {"loss_spikes_at", found.loss_spikes},
                          {"gradient_spikes_at", found.gradient_spikes},
                          {"largest_loss_over_median", found.largest_loss_ratio},
                          {"largest_gradient_over_median", found.largest_gradient_ratio},
                          {"learning_rate", rate}};
  finding.suggestion = fmt::format("Lower the learning rate from {} to {}.", rate_text(rate), rate_text(rate / 3));
  finding.command = rate_command(evidence, rate / 3);
  return finding;
}

std::optional<data::Finding> collapse(const RunEvidence& evidence) {
  const Shares shares = answer_shares(evidence.validation_rows);
  if (!is_collapsed(shares)) return std::nullopt;
  const double rate = peak_rate(evidence.steps);
  const LossFall fall = loss_fall(evidence.steps);
  const double next = fall.is_known && !fall.fell ? 3 * rate : rate / 3;
  data::Finding finding;
  finding.id = "single-class-collapse";
  const bool useless = no_better_than_one_label(shares.accuracy(), shares.rows, shares.largest_gold_share());
  finding.severity = useless ? data::Severity::error : data::Severity::warning;
  finding.title = fmt::format("The model answers \"{}\" to {} of {} validation rows, although only {} have that label.",
                              printable(shares.label), shares.answered, shares.rows, shares.gold);
  finding.evidence = Json{{"label", shares.label},
                          {"answered", shares.answered},
                          {"gold", shares.gold},
                          {"rows", shares.rows},
                          {"answered_share", shares.answered_share()},
                          {"gold_share", shares.gold_share()},
                          {"accuracy", shares.accuracy()},
                          {"no_better_than_one_label", useless}};
  for (const eval::ScoredRow& row : evidence.validation_rows) {
    if (row.answer != shares.label || row.gold == shares.label) continue;
    if (finding.rows.size() < most_rows_listed) finding.rows.push_back(row.id);
  }
  if (rate <= 0) {
    finding.suggestion = "Train again with half the passes over the rows.";
    finding.command = train_command(evidence, "--epochs 1");
  } else {
    finding.suggestion =
        fmt::format("{} the learning rate from {} to {}: the loss {}.", next > rate ? "Raise" : "Lower",
                    rate_text(rate), rate_text(next), next > rate ? "hardly fell" : "fell, but to one answer for all");
    finding.command = rate_command(evidence, next);
  }
  return finding;
}

std::optional<data::Finding> no_learning(const RunEvidence& evidence) {
  const LossFall fall = loss_fall(evidence.steps);
  const Agreement agreement = agreement_of(evidence.validation_rows, evidence.untuned_rows);
  const bool flat = fall.is_known && !fall.fell;
  const bool same = agreement.is_known && agreement.equal == agreement.rows && agreement.wrong > 0;
  if (!flat && !same) return std::nullopt;
  const double rate = peak_rate(evidence.steps);
  data::Finding finding;
  finding.id = "no-learning";
  finding.severity = data::Severity::error;
  finding.title =
      same ? fmt::format("Fine-tuning changed nothing: all {} validation answers are those of the untuned model.",
                         agreement.rows)
           : fmt::format("The model learned nothing: its loss went from {:.3g} to {:.3g}.", fall.first, fall.last);
  finding.evidence = Json{{"first_loss", fall.first},        {"last_loss", fall.last},
                          {"rows_compared", agreement.rows}, {"answers_equal_to_untuned", agreement.equal},
                          {"learning_rate", rate},           {"steps", evidence.steps.size()}};
  finding.suggestion = fmt::format("Raise the learning rate from {} to {}.", rate_text(rate), rate_text(3 * rate));
  finding.command = rate_command(evidence, 3 * rate);
  return finding;
}

std::optional<data::Finding> overfit(const RunEvidence& evidence) {
  const Overfit found = find_overfit(evidence.steps, evidence.validations);
  if (!found.is_there) return std::nullopt;
  data::Finding finding;
  finding.id = "overfit";
  finding.severity = data::Severity::warning;
  const std::string rose = found.rises >= 3
                               ? fmt::format("rose {} times in a row", found.rises)
                               : fmt::format("rose from {:.2g} to {:.2g}", found.best_loss, found.last_loss);
  finding.title = fmt::format(
      "From step {} on the model learned its rows by heart: the loss on validation rows {} while the training loss "
      "fell.",
      found.best_step, rose);
  finding.evidence = Json{{"best_step", found.best_step},
                          {"rises", found.rises},
                          {"validation_loss_at_best", found.best_loss},
                          {"validation_loss_at_end", found.last_loss},
                          {"train_loss_at_best", found.train_at_best},
                          {"train_loss_at_end", found.train_at_end}};
  const int epochs = std::max(1, static_cast<int>(std::ceil(found.best_epoch - 1e-9)));
  if (epochs < found.epochs) {
    finding.suggestion =
        fmt::format("Stop earlier: {} of {} passes over the rows. The best adapter was kept.", epochs, found.epochs);
    finding.command = train_command(evidence, fmt::format("--epochs {}", epochs));
  } else {
    const double rate = peak_rate(evidence.steps);
    finding.suggestion = fmt::format("Lower the learning rate from {} to {}. The best adapter was kept.",
                                     rate_text(rate), rate_text(rate / 2));
    finding.command = rate_command(evidence, rate / 2);
  }
  return finding;
}

}  // namespace

bool no_better_than_one_label(double accuracy, std::size_t n, double largest_share) {
  const auto right = static_cast<std::size_t>(std::lround(accuracy * static_cast<double>(n)));
  return eval::wilson(std::min(right, n), n).low <= largest_share;
}

std::vector<data::Finding> diagnose(const RunEvidence& evidence) {
  HONE_CHECK(evidence.task != nullptr);
  std::vector<data::Finding> findings;
  const auto add = [&](std::optional<data::Finding> finding) {
    if (finding) findings.push_back(std::move(*finding));
  };
  add(divergence(evidence));
  const bool diverged = !findings.empty() && findings.front().severity == data::Severity::error;
  if (evidence.task->kind == data::Kind::classify) add(collapse(evidence));
  // One lever a run: a loss that broke down explains itself, and a collapse already names the rate to try.
  const bool collapsed = !findings.empty() && findings.back().id == "single-class-collapse";
  if (!diverged && !collapsed) add(no_learning(evidence));
  add(overfit(evidence));
  return findings;
}

std::vector<data::Finding> diagnose_run(const track::Store& store, const data::Task& task, const std::string& run) {
  const track::RunRecord record = store.get(run);
  RunEvidence evidence;
  evidence.run = record.id;
  evidence.task = &task;
  evidence.steps = store.steps(record.id);
  evidence.validations = store.validations(record.id);
  evidence.validation_rows = store.rows(record.id, "validation");
  const bool needs_rows = evidence.validation_rows.empty();
  for (const track::RunRecord& other : store.runs()) {
    const auto contender = other.manifest.is_object() ? other.manifest.find("contender") : other.manifest.end();
    if (other.id == record.id || other.kind != "contender") continue;
    if (other.name == "zero-shot") evidence.untuned_rows = store.rows(other.id, "validation");
    if (!needs_rows || contender == other.manifest.end() || !contender->is_object()) continue;
    const Json spec = contender->value("spec", Json::object());
    if (spec.is_object() && spec.value("run", std::string()) == record.id) {
      evidence.validation_rows = store.rows(other.id, "validation");
    }
  }
  return diagnose(evidence);
}

}  // namespace hone::diagnose
