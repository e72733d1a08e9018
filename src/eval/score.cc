#include "eval/score.h"

#include <algorithm>
#include <cmath>

#include "data/label_list.h"
#include "eval/chrf.h"
#include "eval/label_set.h"

namespace hone::eval {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* spaces = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

// Values are equal whatever the order of keys; 1 equals 1.0.
bool json_equal(const std::string& answer, const std::string& gold) {
  const Result<Json> a = parse_json(answer, "answer");
  const Result<Json> b = parse_json(gold, "gold");
  if (!a || !b) return false;
  return nlohmann::json(*a) == nlohmann::json(*b);
}

// Lists of labels are sets.
bool labels_equal(const std::string& answer, const std::string& gold) {
  const auto a = label_set(answer);
  return a && a == label_set(gold);
}

Result<std::string> text_field(const Json& json, const char* key) {
  const auto it = json.find(key);
  if (it == json.end()) return std::string{};
  if (!it->is_string()) return bad_input("scored row: \"{}\" should be a text, but is {}", key, it->type_name());
  return it->get<std::string>();
}

Result<double> number_field(const Json& json, const char* key) {
  const auto it = json.find(key);
  if (it == json.end()) return 0.0;
  if (!it->is_number()) return bad_input("scored row: \"{}\" should be a number, but is {}", key, it->type_name());
  return it->get<double>();
}

Result<void> read_probabilities(const Json& json, ScoredRow& row) {
  const auto it = json.find("label_probabilities");
  if (it == json.end()) return {};
  if (!it->is_object()) {
    return bad_input("scored row: \"label_probabilities\" should be an object, but is {}", it->type_name());
  }
  for (const auto& [label, probability] : it->items()) {
    if (!probability.is_number()) return bad_input("scored row: the probability of \"{}\" should be a number", label);
    row.label_probabilities.emplace_back(label, probability.get<double>());
  }
  return {};
}

}  // namespace

bool is_right(const ScoredRow& row, const data::Task& task) {
  if (row.failed) return false;
  // The schema is read last: it may be large, and this is asked of every row several times.
  if (task.kind == data::Kind::json)
    return json_equal(row.answer, row.gold) || (labels_equal(row.answer, row.gold) && data::listed_labels(task));
  return trimmed(row.answer) == trimmed(row.gold);
}

ScoredRow score_row(const data::Row& row, const Result<text::Reply>& reply, const data::Task& task) {
  ScoredRow scored;
  scored.id = row.id;
  scored.group = row.group;
  scored.source = row.source;
  const bool by_label = task.kind == data::Kind::classify;
  scored.gold = by_label ? trimmed(row.output) : row.output;
  if (!reply) {
    scored.failed = true;
    scored.error = reply.error().message;
    return scored;
  }
  const auto& probabilities = reply->label_probabilities;
  if (std::any_of(probabilities.begin(), probabilities.end(), [](const auto& p) { return !std::isfinite(p.second); })) {
    scored.failed = true;
    scored.error =
        "the model's probabilities are not numbers: its weights are too large to compute with; train with a lower "
        "learning rate";
    return scored;
  }
  scored.answer = by_label ? trimmed(reply->answer) : reply->answer;
  scored.label_probabilities = reply->label_probabilities;
  scored.latency_ms = reply->latency_ms;
  scored.prompt_tokens = reply->usage.prompt_tokens;
  scored.completion_tokens = reply->usage.completion_tokens;
  if (task.metric == "chrf") {
    scored.score = chrf_value(chrf_counts(scored.answer, scored.gold).data());
  } else {
    scored.score = is_right(scored, task) ? 1 : 0;
  }
  return scored;
}

Json to_json(const ScoredRow& row) {
  Json probabilities = Json::object();
  for (const auto& [label, probability] : row.label_probabilities) probabilities[label] = probability;
  return Json{{"id", row.id},
              {"group", row.group},
              {"source", row.source},
              {"gold", row.gold},
              {"answer", row.answer},
              {"failed", row.failed},
              {"error", row.error},
              {"label_probabilities", std::move(probabilities)},
              {"score", row.score},
              {"latency_ms", row.latency_ms},
              {"prompt_tokens", row.prompt_tokens},
              {"completion_tokens", row.completion_tokens}};
}

Result<ScoredRow> scored_row_from_json(const Json& json) {
  if (!json.is_object()) return bad_input("scored row: expected an object, but it is {}", json.type_name());
  if (!json.contains("id")) return bad_input("scored row: \"id\" is missing");
  ScoredRow row;
  const std::pair<const char*, std::string*> texts[] = {{"id", &row.id},         {"group", &row.group},
                                                        {"source", &row.source}, {"gold", &row.gold},
                                                        {"answer", &row.answer}, {"error", &row.error}};
  for (const auto& [key, target] : texts) {
    Result<std::string> value = text_field(json, key);
    if (!value) return tl::unexpected(value.error());
    *target = std::move(*value);
  }
  double prompt_tokens = 0;
  double completion_tokens = 0;
  const std::pair<const char*, double*> numbers[] = {{"score", &row.score},
                                                     {"latency_ms", &row.latency_ms},
                                                     {"prompt_tokens", &prompt_tokens},
                                                     {"completion_tokens", &completion_tokens}};
  for (const auto& [key, target] : numbers) {
    const Result<double> value = number_field(json, key);
    if (!value) return tl::unexpected(value.error());
    *target = *value;
  }
  row.prompt_tokens = static_cast<int>(std::clamp(prompt_tokens, 0.0, 1e9));
  row.completion_tokens = static_cast<int>(std::clamp(completion_tokens, 0.0, 1e9));
  if (const auto it = json.find("failed"); it != json.end()) {
    if (!it->is_boolean())
      return bad_input("scored row: \"failed\" should be true or false, but is {}", it->type_name());
    row.failed = it->get<bool>();
  }
  if (const Result<void> read = read_probabilities(json, row); !read) return tl::unexpected(read.error());
  return row;
}

}  // namespace hone::eval
