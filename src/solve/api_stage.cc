#include "solve/api_stage.h"

#include <algorithm>

#include "base/terminal.h"
#include "prompt/response_format.h"

namespace hone::solve {
namespace {

constexpr const char* sides[] = {"validation", "test"};

void check_private(const data::Task& task, const prompt::ApiEndpoint& endpoint) {
  if (!task.circumstances.is_private || endpoint.is_local) return;
  fail(ErrorCode::usage,
       "the task is private (private = true in {}), so its rows are not sent to {}; ask a server on this machine with "
       "--url http://127.0.0.1:PORT/v1, or take the line out of the file",
       task.file.filename().string(), endpoint.host);
}

bool is_openai(const prompt::ApiEndpoint& endpoint) {
  return endpoint.host == "api.openai.com" || endpoint.host.ends_with(".openai.azure.com");
}

// OpenAI's newer models refuse "max_tokens"; servers that copy its interface may know nothing else.
std::string max_tokens_field(const prompt::ApiEndpoint& endpoint) {
  return is_openai(endpoint) ? "max_completion_tokens" : "max_tokens";
}

Json response_format(const data::Task& task, const ApiSpec& spec, const prompt::ApiEndpoint& endpoint) {
  const bool is_offered = is_openai(endpoint) || endpoint.is_local;
  const bool is_sent = spec.schema == SchemaSending::always || (spec.schema == SchemaSending::offered && is_offered);
  if (task.schema.empty() || !is_sent) return nullptr;
  return prompt::response_format(task.name, task.schema);
}

prompt::ApiOptions options_of(const Workspace& workspace, const ApiSpec& spec, const prompt::ApiEndpoint& endpoint) {
  prompt::ApiOptions options;
  options.endpoint = endpoint;
  options.asking = {.model = spec.model,
                    .temperature = spec.temperature,
                    .max_tokens = spec.max_tokens,
                    .max_tokens_field = max_tokens_field(endpoint),
                    .response_format = response_format(workspace.task, spec, endpoint)};
  options.fenced_json = workspace.task.kind == data::Kind::json;
  options.concurrency = spec.concurrency;
  options.price = spec.price;
  options.max_usd = spec.max_usd;
  options.patience.timeout_seconds = spec.timeout_seconds;
  return options;
}

ContenderJob job_of(const Workspace& workspace, const ApiSpec& spec, const prompt::ApiEndpoint& endpoint) {
  const auto& task = workspace.task;
  const data::PromptVersion version =
      spec.shots > 0 ? prompt::few_shot(workspace.split.train, task, spec.shots) : prompt::zero_shot();
  ContenderJob job;
  job.name = fmt::format("{}, {}", spec.model, version.name);
  job.kind = eval::ContenderKind::api;
  job.asking = Asking::paid;
  job.spec = {{"kind", "api"},
              {"model", spec.model},
              {"host", endpoint.host},
              {"prompt", data::to_json(version)},
              {"instruction", prompt::api_instruction(task)},
              {"temperature", spec.temperature ? Json(*spec.temperature) : Json(nullptr)},
              {"max_tokens", spec.max_tokens}};
  if (const Json format = response_format(task, spec, endpoint); !format.is_null())
    job.spec["response_format"] = format;
  job.request = [&task, maker = prompt::RequestMaker(task, version, workspace.split.train, nullptr)](
                    const data::Row& row) { return prompt::api_request(task, maker, row); };
  return job;
}

// The most that the requests under way when a process was killed can have cost.
double lost_usd(const Workspace& workspace, const ApiTrial& trial) {
  double most = 0;
  for (const auto* rows : {&workspace.split.validation, &workspace.split.test}) {
    for (const auto& row : *rows) {
      prompt::ApiAsking asking{.model = {}, .temperature = {}, .max_tokens = trial.spec.max_tokens};
      asking.response_format = response_format(workspace.task, trial.spec, trial.endpoint);
      most = std::max(most, prompt::most_usd(trial.job.request(row), asking, *trial.spec.price));
    }
  }
  return trial.spec.concurrency * most;
}

ApiEarlier earlier_of(const Workspace& workspace, const ApiTrial& trial) {
  ApiEarlier earlier;
  const auto run = workspace.store.newest_with_key(key_of(workspace, trial.job));
  if (!run) return earlier;
  const auto& price = trial.spec.price;
  for (const char* side : sides) {
    for (const auto& row : workspace.store.rows(run->id, side)) {
      if (row.failed) continue;
      earlier.answered.insert(row.id);
      if (price) earlier.answered_usd += prompt::usd_of({row.prompt_tokens, row.completion_tokens}, *price);
    }
  }
  if (run->summary.contains("api")) {
    earlier.requests = run->summary.at("api").value("requests", std::int64_t{0});
    earlier.uncertain_usd = run->summary.at("api").value("uncertain_usd", 0.0);
  }
  if (price && run->status == track::RunStatus::running) earlier.uncertain_usd += lost_usd(workspace, trial);
  return earlier;
}

ApiEstimate estimate_of(const Workspace& workspace, const ApiTrial& trial) {
  ApiEstimate estimate;
  estimate.recorded = trial.earlier.answered.size();
  estimate.spent_usd = trial.earlier.answered_usd + trial.earlier.uncertain_usd;
  const double completion = prompt::about_completion_tokens(workspace.task, workspace.split.train);
  for (const auto* rows : {&workspace.split.validation, &workspace.split.test}) {
    estimate.rows += rows->size();
    for (const auto& row : *rows) {
      if (trial.earlier.answered.contains(row.id)) continue;
      estimate.prompt_tokens += prompt::about_prompt_tokens(trial.job.request(row));
      estimate.completion_tokens += completion;
    }
  }
  if (const auto& price = trial.spec.price)
    estimate.usd = (estimate.prompt_tokens * price->input + estimate.completion_tokens * price->output) / 1e6;
  return estimate;
}

// Writes what asking came to into the run's summary, so that a next start knows what may have been spent without
// leaving an answer. "running" is what a killed process leaves.
void note_spending(Workspace& workspace, const ApiTrial& trial, track::RunStatus status, const std::string& error) {
  const auto run = workspace.store.newest_with_key(key_of(workspace, trial.job));
  if (!run) return;
  const prompt::ApiTotals totals = trial.responder->totals();
  Json summary = run->summary.is_object() ? run->summary : Json::object();
  summary.erase("error");
  summary["api"] = {{"price_id", trial.spec.price ? Json(trial.spec.price->id) : Json(nullptr)},
                    {"requests", trial.earlier.requests + totals.requests},
                    {"uncertain_usd", trial.earlier.uncertain_usd + totals.uncertain_usd},
                    {"spent_usd", trial.spec.price ? Json(totals.usd) : Json(nullptr)}};
  if (!error.empty()) summary["error"] = error;
  workspace.store.finish(run->id, status, summary);
}

void count_rows(const Workspace& workspace, const ContenderJob& job, ApiOutcome& outcome) {
  const auto run = workspace.store.newest_with_key(key_of(workspace, job));
  if (!run) return;
  outcome.run = run->id;
  for (const char* side : sides) {
    for (const auto& row : workspace.store.rows(run->id, side)) {
      ++(row.failed ? outcome.failed : outcome.recorded);
      if (row.failed && outcome.failed_why.empty()) outcome.failed_why = row.error;
    }
  }
}

}  // namespace

ApiTrial open_trial(const Workspace& workspace, const ApiSpec& spec, const prompt::Environment& environment) {
  ApiTrial trial;
  trial.spec = spec;
  trial.endpoint = value_or_throw(prompt::api_endpoint(spec.base, environment));
  check_private(workspace.task, trial.endpoint);
  if (spec.max_usd && !spec.price) {
    fail(ErrorCode::usage,
         "a cap needs a price, and none of \"{}\" is known; name a listed one with --price ID, or "
         "give a list of your own with --prices FILE",
         printable(spec.model));
  }
  trial.job = job_of(workspace, spec, trial.endpoint);
  trial.earlier = earlier_of(workspace, trial);
  trial.estimate = estimate_of(workspace, trial);
  prompt::ApiOptions options = options_of(workspace, spec, trial.endpoint);
  options.spent_usd = trial.estimate.spent_usd;
  trial.responder = std::make_shared<prompt::ApiResponder>(std::move(options));
  trial.job.make = [responder = trial.responder] { return std::shared_ptr<text::Responder>(responder); };
  return trial;
}

ApiOutcome run_trial(Workspace& workspace, ApiTrial& trial, std::stop_token stop, const Quiet& quiet) {
  const auto lock = value_or_throw(FileLock::try_lock(workspace.folder / "prompt.lock"));
  if (trial.endpoint.needs_key && trial.endpoint.key.empty() && trial.estimate.missing() > 0) {
    fail(ErrorCode::environment, "{} needs a key; set it in the environment: export HONE_API_KEY=...",
         trial.endpoint.host);
  }
  const bool asks = trial.estimate.missing() > 0;
  if (asks) note_spending(workspace, trial, track::RunStatus::running, {});
  ApiOutcome outcome;
  try {
    outcome.result = run_contender(workspace, trial.job, stop, quiet);
  } catch (const Failure& failure) {
    note_spending(workspace, trial, track::RunStatus::failed, failure.what());
    count_rows(workspace, trial.job, outcome);
    fail(failure.code(), "{}\n{} of {} rows are answered and kept; the same command goes on from there", failure.what(),
         outcome.recorded, trial.estimate.rows);
  }
  if (outcome.result && trial.spec.price) outcome.result->price_id = trial.spec.price->id;
  note_spending(workspace, trial, outcome.result ? track::RunStatus::finished : track::RunStatus::interrupted, {});
  outcome.totals = trial.responder->totals();
  count_rows(workspace, trial.job, outcome);
  return outcome;
}

}  // namespace hone::solve
