// A model behind an HTTP API as a contender: what asking it would send and cost, then the asking.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "prompt/api_responder.h"
#include "solve/contenders.h"

namespace hone::solve {

// Whether the endpoint is told a json task's schema as "response_format". `offered`: where it is known to take one,
// which OpenAI, Azure and the usual servers on one's own machine (llama.cpp, vLLM, Ollama) do.
enum class SchemaSending { offered, always, never };

struct ApiSpec {
  std::string model;
  std::string base = prompt::default_api_base;
  int shots = 0;  // worked examples, the same for every row
  std::optional<double> temperature = 0;
  int max_tokens = 1024;  // of an answer, hidden reasoning included
  SchemaSending schema = SchemaSending::offered;
  int concurrency = 4;
  double timeout_seconds = 120;
  std::optional<prompt::TokenPrice> price;
  std::optional<double> max_usd;  // for this contender in all, earlier starts included; needs a price
};

// What is to be sent. Tokens are estimates: no tokenizer of the model is at hand.
struct ApiEstimate {
  std::size_t rows = 0;      // validation and test
  std::size_t recorded = 0;  // of them, answered in earlier starts
  double prompt_tokens = 0;  // of the rows still to ask
  double completion_tokens = 0;
  std::optional<double> usd;  // none without a price
  double spent_usd = 0;       // by earlier starts
  std::size_t missing() const { return rows - recorded; }
};

// What earlier starts left in the store.
struct ApiEarlier {
  std::set<std::string> answered;  // row ids
  std::int64_t requests = 0;
  double answered_usd = 0;
  // The most that can have been billed without leaving an answer: lost connections, a process killed midway.
  double uncertain_usd = 0;
};

// A contender that is ready to be asked; nothing has been sent.
struct ApiTrial {
  ApiSpec spec;
  prompt::ApiEndpoint endpoint;
  ContenderJob job;
  ApiEarlier earlier;
  ApiEstimate estimate;
  std::shared_ptr<prompt::ApiResponder> responder;
};

// Failure (usage): a private task and another machine, a cap without a price, an address or key of no use. The
// workspace outlives the trial.
ApiTrial open_trial(const Workspace& workspace, const ApiSpec& spec, const prompt::Environment& environment);

struct ApiOutcome {
  std::optional<eval::ContenderResult> result;  // none: stopped, or the cap came first
  std::string run;                              // empty where nothing was begun
  prompt::ApiTotals totals;                     // of this start; usd of all
  std::size_t recorded = 0;                     // rows answered by now
  std::size_t failed = 0;                       // rows without an answer; a next start asks them again
  std::string failed_why;                       // the first of them
};

// Asks every validation and test row that has no answer yet, recording each as it comes. Failure (environment) where
// asking on is of no use (see ApiResponder) or the key is missing; what was answered is kept, the run is marked failed,
// and the same call goes on from there. One process at a time asks for a task.
ApiOutcome run_trial(Workspace& workspace, ApiTrial& trial, std::stop_token stop, const Quiet& quiet);

}  // namespace hone::solve
