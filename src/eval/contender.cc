#include "eval/contender.h"

#include "eval/bootstrap.h"

namespace hone::eval {

const char* name_of(ContenderKind kind) {
  switch (kind) {
    case ContenderKind::majority:
      return "majority";
    case ContenderKind::knn:
      return "knn";
    case ContenderKind::ngram:
      return "ngram";
    case ContenderKind::probe:
      return "probe";
    case ContenderKind::copy:
      return "copy";
    case ContenderKind::nearest:
      return "nearest";
    case ContenderKind::prompted:
      return "prompted";
    case ContenderKind::tuned:
      return "tuned";
    case ContenderKind::api:
      return "api";
  }
  return "";
}

std::optional<ContenderKind> contender_kind_named(const std::string& name) {
  using enum ContenderKind;
  for (const ContenderKind kind : {majority, knn, ngram, probe, copy, nearest, prompted, tuned, api}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

Latency latency_of(std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  return {quantile(milliseconds, 0.5), quantile(milliseconds, 0.95), milliseconds.size()};
}

Json to_json(const ContenderResult& contender) {
  Json latency;
  if (contender.latency.n > 0) {
    latency = Json{{"p50", contender.latency.p50_ms}, {"p95", contender.latency.p95_ms}, {"n", contender.latency.n}};
  }
  Json json{{"name", contender.name},
            {"kind", name_of(contender.kind)},
            {"run", contender.run},
            {"metrics", named_json(contender.test_metrics)},
            {"latency_ms", std::move(latency)},
            {"usd_per_million", contender.usd_per_million}};
  json.update(detail_json(contender.test_metrics));
  if (!contender.unranked.empty()) json["unranked"] = contender.unranked;
  return json;
}

}  // namespace hone::eval
