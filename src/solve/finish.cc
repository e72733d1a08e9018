#include "solve/finish.h"

#include "base/shell.h"
#include "solve/bundle_stage.h"

namespace hone::solve {
namespace {

std::string solve_command(const Workspace& workspace, const SolveSpec& spec) {
  std::string command = fmt::format("hone solve {}", shell_word(workspace.task.folder.string()));
  const auto seconds = static_cast<long long>(spec.budget_seconds);
  if (seconds > 0)
    command += seconds % 60 == 0 ? fmt::format(" --budget {}m", seconds / 60) : fmt::format(" --budget {}s", seconds);
  return command;
}

// Whether all that its bundle needs is at hand: a contender may be known from the store alone.
bool is_at_hand(const eval::ContenderResult& contender, const Finished& finished) {
  if (contender.is_tuned() && (finished.trained == nullptr || finished.tuned_contender != contender.run)) return false;
  return can_be_bundled(contender) && (!contender.is_local_model() || finished.local != nullptr);
}

// The recommended contender, or the best one that can be served from here.
const eval::ContenderResult* to_bundle(const Conclusion& conclusion, const Finished& finished) {
  const auto* chosen = contender_named(conclusion, conclusion.report.recommendation.use);
  if (chosen != nullptr && is_at_hand(*chosen, finished)) return chosen;
  for (const auto& contender : conclusion.report.contenders) {
    if (is_at_hand(contender, finished)) return &contender;
  }
  return nullptr;
}

// Its folder and the name of what is in it; both empty where nothing can be served.
struct Bundled {
  Path folder;
  std::string contender;
};

Bundled write_bundle(const Workspace& workspace, const Finished& finished, const Conclusion& conclusion,
                     const std::stop_token& stop) {
  const auto* chosen = to_bundle(conclusion, finished);
  if (chosen == nullptr) return {};
  BundleInput input{.contender = chosen, .prompt = {}, .trained = finished.trained, .local = finished.local};
  for (const auto& version : finished.versions) {
    if (version.name == chosen->name) input.prompt = version;
  }
  return {write_contender_bundle(workspace, input, stop), chosen->name};
}

// Runs `write`; what keeps it from its end is the outcome's problem unless there is one already.
template <class Write>
void attempt(SolveOutcome& outcome, const SolveHooks& hooks, const Write& write) {
  try {
    write();
  } catch (const Failure& failure) {
    if (failure.code() == ErrorCode::interrupted) {
      outcome.interrupted = true;
      return;
    }
    if (hooks.on_notice) hooks.on_notice(failure.what());
    if (!outcome.problem) outcome.problem = Error{failure.code(), failure.what()};
  }
}

using Commands = std::vector<std::pair<std::string, std::string>>;

std::string folder_of(const Workspace& workspace) { return shell_word(workspace.task.folder.string()); }

// What the verdict asks for.
void add_verdict_commands(const Workspace& workspace, const SolveSpec& spec, const Conclusion& conclusion,
                          Commands& commands) {
  using decide::VerdictKind;
  const std::string folder = folder_of(workspace);
  const std::string prompt =
      fmt::format("hone prompt {} --model {}", folder, shell_word(workspace.task.circumstances.compare_price));
  const auto& contenders = conclusion.report.contenders;
  const bool asked_large = std::any_of(contenders.begin(), contenders.end(),
                                       [](const auto& c) { return c.kind == eval::ContenderKind::api; });
  const auto verdict = conclusion.report.recommendation.verdict;
  if (verdict == VerdictKind::collect_data || verdict == VerdictKind::too_hard) {
    commands.emplace_back("look at the rows that are there", fmt::format("hone data check {}", folder));
  }
  if (verdict == VerdictKind::collect_data || (verdict == VerdictKind::not_decidable && conclusion.primary)) {
    commands.emplace_back(fmt::format("once there are more rows in {}", workspace.task.data.train.filename().string()),
                          solve_command(workspace, spec));
  }
  if (verdict == VerdictKind::not_decidable && !conclusion.primary && spec.budget_seconds > 0) {
    commands.emplace_back("the same with the time that fine-tuning takes", fmt::format("hone solve {}", folder));
  }
  const bool wants_large = verdict == VerdictKind::too_hard || verdict == VerdictKind::prompt_for_now ||
                           verdict == VerdictKind::not_decidable;
  if (wants_large && !asked_large && !workspace.task.circumstances.is_private) {
    commands.emplace_back("what asking a large model would send and cost", prompt);
  }
}

void add_commands(const Workspace& workspace, const SolveSpec& spec, SolveOutcome& outcome,
                  const std::string& bundled) {
  auto& commands = outcome.conclusion.report.next_commands;
  if (const auto* missing = missing_model(workspace.task); outcome.problem && missing != nullptr) {
    commands.emplace_back("fetch the base model", fmt::format("hone models pull {}", missing->name));
  }
  if (outcome.interrupted || outcome.problem) {
    commands.emplace_back("go on where this stopped", solve_command(workspace, spec));
  } else {
    add_verdict_commands(workspace, spec, outcome.conclusion, commands);
  }
  if (!outcome.bundle.empty()) {
    const std::string bundle = shell_word(outcome.bundle.string());
    commands.emplace_back(fmt::format("ask {} one question", bundled),
                          fmt::format("hone ask {} \"your text\"", bundle));
    commands.emplace_back("answer a file of rows", fmt::format("hone ask {} --file rows.jsonl --json", bundle));
  }
  commands.emplace_back("every run so far", fmt::format("hone runs list {}", folder_of(workspace)));
}

}  // namespace

const eval::ContenderResult* contender_named(const Conclusion& conclusion, const std::string& name) {
  for (const auto& contender : conclusion.report.contenders) {
    if (contender.name == name) return &contender;
  }
  return nullptr;
}

std::vector<std::pair<std::string, std::string>> cross_validation_facts(
    const Workspace& workspace, const std::vector<eval::ContenderResult>& contenders) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& contender : contenders) {
    const auto run = workspace.store.find(contender.run);
    if (!run || !run->summary.is_object() || !run->summary.contains("cross_validation")) continue;
    const Json& figures = run->summary.at("cross_validation");
    if (!figures.contains(workspace.task.metric)) continue;
    const Json& figure = figures.at(workspace.task.metric);
    facts.emplace_back(
        fmt::format("{}, 5-fold cross-validation", contender.name),
        fmt::format("{} {:.3f} [{:.3f}, {:.3f}] on {} rows", workspace.task.metric, figure.value("value", 0.0),
                    figure.value("low", 0.0), figure.value("high", 0.0), figures.value("n", 0)));
  }
  return facts;
}

void write_results(Workspace& workspace, const SolveSpec& spec, const SolveHooks& hooks, const Finished& finished,
                   SolveOutcome& outcome) {
  Bundled bundled;
  if (!outcome.interrupted) {
    attempt(outcome, hooks, [&] { bundled = write_bundle(workspace, finished, outcome.conclusion, hooks.stop); });
    outcome.bundle = bundled.folder;
  }
  add_commands(workspace, spec, outcome, bundled.contender);
  attempt(outcome, hooks, [&] {
    const Path file = workspace.task.folder / "report.html";
    write_file(file, report::html_report(outcome.conclusion.report));
    outcome.report = file;
  });
  outcome.target_missed = misses_target(outcome.conclusion);
}

}  // namespace hone::solve
