#include <cmath>
#include <functional>
#include <limits>

#include "train/train.h"

namespace hone::train {

namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

// One key of a spec: how it is written, and how a value is taken. `take` returns what was expected, or "" when it fits.
struct Field {
  const char* name;
  std::function<Json(const TrainSpec&)> give;
  std::function<std::string(TrainSpec&, const Json&)> take;
};

template <class Member>
Field number(const char* name, Member member, double least, double most) {
  return {name, [=](const TrainSpec& spec) { return Json(std::invoke(member, spec)); },
          [=](TrainSpec& spec, const Json& value) -> std::string {
            const std::string range =
                most == unbounded ? fmt::format("of at least {}", least) : fmt::format("from {} to {}", least, most);
            const bool fits = value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= least &&
                              value.get<double>() <= most;
            if (!fits) return "a number " + range;
            std::invoke(member, spec) = value.get<std::decay_t<decltype(std::invoke(member, spec))>>();
            return {};
          }};
}

template <class Member>
Field whole(const char* name, Member member, std::int64_t least, std::int64_t most) {
  return {name, [=](const TrainSpec& spec) { return Json(std::invoke(member, spec)); },
          [=](TrainSpec& spec, const Json& value) -> std::string {
            const bool fits = value.is_number_integer() && value.get<double>() >= static_cast<double>(least) &&
                              value.get<double>() <= static_cast<double>(most);
            if (!fits) return fmt::format("a whole number from {} to {}", least, most);
            std::invoke(member, spec) = value.get<std::decay_t<decltype(std::invoke(member, spec))>>();
            return {};
          }};
}

// Any unsigned 64-bit number.
template <class Member>
Field seed_field(const char* name, Member member) {
  return {name, [=](const TrainSpec& spec) { return Json(std::invoke(member, spec)); },
          [=](TrainSpec& spec, const Json& value) -> std::string {
            const bool fits =
                value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
            if (!fits) return "a whole number of at least 0";
            std::invoke(member, spec) = value.get<std::uint64_t>();
            return {};
          }};
}

struct Rank {
  auto& operator()(auto& spec) const { return spec.lora.rank; }
};
struct Alpha {
  auto& operator()(auto& spec) const { return spec.lora.alpha; }
};
struct LoraSeed {
  auto& operator()(auto& spec) const { return spec.lora.seed; }
};

std::vector<Field> fields() {
  constexpr int many = 1 << 30;
  std::vector<Field> all = {
      whole("rank", Rank{}, 1, 4096),
      number("alpha", Alpha{}, 0, 1e6),
      seed_field("adapter_seed", LoraSeed{}),
      number("learning_rate", &TrainSpec::learning_rate, 0, 10),
      whole("epochs", &TrainSpec::epochs, 1, 10000),
      whole("batch_rows", &TrainSpec::batch_rows, 1, 1 << 20),
      whole("micro_batch_tokens", &TrainSpec::micro_batch_tokens, 1, many),
      number("warmup", &TrainSpec::warmup, 0, 1),
      number("beta1", &TrainSpec::beta1, 0, 0.999999),
      number("beta2", &TrainSpec::beta2, 0, 0.99999999),
      number("epsilon", &TrainSpec::epsilon, 0, 1),
      number("weight_decay", &TrainSpec::weight_decay, 0, 10),
      number("clip", &TrainSpec::clip, 0, unbounded),
      seed_field("seed", &TrainSpec::seed),
      whole("validations_per_epoch", &TrainSpec::validations_per_epoch, 0, many),
      whole("patience", &TrainSpec::patience, 0, many),
      whole("checkpoint_every", &TrainSpec::checkpoint_every, 1, many),
  };
  all.push_back({"decay", [](const TrainSpec& spec) { return Json(spec.decay == Decay::cosine ? "cosine" : "linear"); },
                 [](TrainSpec& spec, const Json& value) -> std::string {
                   if (value != "cosine" && value != "linear") return "\"cosine\" or \"linear\"";
                   spec.decay = value == "cosine" ? Decay::cosine : Decay::linear;
                   return {};
                 }});
  return all;
}

}  // namespace

Json to_json(const TrainSpec& spec) {
  Json json = Json::object();
  for (const Field& field : fields()) json[field.name] = field.give(spec);
  return json;
}

Result<TrainSpec> spec_from_json(const Json& json) {
  if (!json.is_object()) return bad_input("training spec: expected a JSON object, got {}", json.type_name());
  const std::vector<Field> all = fields();
  TrainSpec spec;
  for (const auto& [key, value] : json.items()) {
    const auto field = std::find_if(all.begin(), all.end(), [&](const Field& f) { return key == f.name; });
    if (field == all.end()) {
      std::string known;
      for (const Field& f : all) known += (known.empty() ? "" : ", ") + std::string(f.name);
      return bad_input("training spec: unknown key \"{}\"; the keys are {}", key, known);
    }
    const std::string expected = field->take(spec, value);
    if (!expected.empty()) {
      return bad_input("training spec: \"{}\" is {}, expected {}", key, to_text(value), expected);
    }
  }
  return spec;
}

}  // namespace hone::train
