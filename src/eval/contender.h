// A contender's results as the table, the decision and the report read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/score.h"

namespace hone::eval {

// api: a model asked over an HTTP API; it runs elsewhere and is paid by the token.
enum class ContenderKind { majority, knn, ngram, probe, copy, nearest, prompted, tuned, api };
const char* name_of(ContenderKind kind);
std::optional<ContenderKind> contender_kind_named(const std::string& name);

struct Latency {
  double p50_ms = 0;
  double p95_ms = 0;
  std::size_t n = 0;  // 0: not measured
};
// Percentiles by linear interpolation (numpy's default).
Latency latency_of(std::vector<double> milliseconds);

struct ContenderResult {
  std::string name;  // "few-shot, 8 examples"
  ContenderKind kind = ContenderKind::majority;
  std::string run;       // its run id in the store
  std::string price_id;  // api: the entry of the price list that it is paid by; empty: none known
  std::vector<ScoredRow> validation;
  std::vector<ScoredRow> test;
  Metrics validation_metrics;
  Metrics test_metrics;
  Latency latency;             // one request at a time, warm
  double usd_per_million = 0;  // filled by decide
  double mean_prompt_tokens = 0;
  double mean_completion_tokens = 0;
  std::string unranked{};  // why it is shown and neither ranked nor compared; empty: it is ranked
  bool is_tuned() const { return kind == ContenderKind::tuned; }
  bool is_local_model() const {
    return kind == ContenderKind::prompted || kind == ContenderKind::tuned || kind == ContenderKind::probe;
  }
};
// {name, kind, run, metrics (of test), latency_ms: {p50, p95, n} or null, usd_per_million} and detail_json() of the
// test rows beside: a contender as every command prints it.
Json to_json(const ContenderResult& contender);

}  // namespace hone::eval
