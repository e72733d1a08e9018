#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "train/train.h"

namespace hone::train {

namespace {

constexpr int most_rank = 4096;
constexpr double most_alpha = 1e6;
constexpr int most_layers = 1 << 16;
constexpr double unbounded = std::numeric_limits<double>::infinity();

// One key of a spec: how it is written (null: not at all), and how a value is taken. `take` returns what was expected,
// or "" when it fits.
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

// As `field`, but not written where the value is the default one.
Field later(Field field) {
  const Json usual = field.give(TrainSpec{});
  const auto give = field.give;
  field.give = [=](const TrainSpec& spec) {
    const Json value = give(spec);
    return value == usual ? Json() : value;
  };
  return field;
}

struct Dropout {
  auto& operator()(auto& spec) const { return spec.lora.dropout; }
};

Field targets_field() {
  return {"targets",
          [](const TrainSpec& spec) {
            Json names = Json::array();
            for (const model::Site site : spec.lora.targets) names.push_back(name_of(site));
            return names;
          },
          [](TrainSpec& spec, const Json& value) -> std::string {
            const std::string expected = "an array of names of maps, as \"q_proj\"";
            if (!value.is_array()) return expected;
            spec.lora.targets.clear();
            for (const Json& name : value) {
              const auto site = name.is_string() ? model::site_named(name.get<std::string>()) : bad_input("no name");
              if (!site) return expected;
              spec.lora.targets.push_back(*site);
            }
            return {};
          }};
}

Field layers_field() {
  return {"layers", [](const TrainSpec& spec) { return Json(spec.lora.layers); },
          [](TrainSpec& spec, const Json& value) -> std::string {
            const bool fits = value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& layer) {
                                return layer.is_number_integer() && layer >= 0 && layer < most_layers;
                              });
            if (!fits) return "an array of layer numbers";
            spec.lora.layers = value.get<std::vector<int>>();
            return {};
          }};
}

// {pattern: value, ...}, in order. `fits` says whether a value may stand there.
template <class Member, class Fits>
Field patterns_field(const char* name, Member member, const char* expected, const Fits& fits) {
  return {name,
          [=](const TrainSpec& spec) {
            Json patterns = Json::object();
            for (const auto& [pattern, value] : std::invoke(member, spec))
              patterns.emplace(pattern, value);  // of equal ones the first holds
            return patterns;
          },
          [=](TrainSpec& spec, const Json& value) -> std::string {
            if (!value.is_object() || !std::all_of(value.begin(), value.end(), fits)) return expected;
            auto& patterns = std::invoke(member, spec);
            patterns.clear();
            for (const auto& [pattern, one] : value.items()) patterns.emplace_back(pattern, one);
            return {};
          }};
}

struct RankPattern {
  auto& operator()(auto& spec) const { return spec.lora.rank_pattern; }
};
struct AlphaPattern {
  auto& operator()(auto& spec) const { return spec.lora.alpha_pattern; }
};

// One of two words.
template <class Member, class Value>
Field choice(const char* name, Member member, std::pair<const char*, Value> first,
             std::pair<const char*, Value> second) {
  return {name,
          [=](const TrainSpec& spec) {
            return Json(std::invoke(member, spec) == first.second ? first.first : second.first);
          },
          [=](TrainSpec& spec, const Json& value) -> std::string {
            if (value != first.first && value != second.first)
              return fmt::format("\"{}\" or \"{}\"", first.first, second.first);
            std::invoke(member, spec) = value == first.first ? first.second : second.second;
            return {};
          }};
}

struct ScalingOf {
  auto& operator()(auto& spec) const { return spec.lora.scaling; }
};

void add_later_fields(std::vector<Field>& all) {
  using model::Activations;
  using model::Scaling;
  all.push_back(later(targets_field()));
  all.push_back(later(layers_field()));
  all.push_back(later(patterns_field("rank_pattern", RankPattern{}, "an object of ranks from 1 to 4096",
                                     [](const Json& v) { return v.is_number_integer() && v >= 1 && v <= most_rank; })));
  all.push_back(
      later(patterns_field("alpha_pattern", AlphaPattern{}, "an object of numbers of at least 0", [](const Json& v) {
        return v.is_number() && v.get<double>() >= 0 && v.get<double>() <= most_alpha;
      })));
  all.push_back(
      later(choice<ScalingOf, Scaling>("scaling", {}, {"by_rank", Scaling::by_rank}, {"by_root", Scaling::by_root})));
  all.push_back(later(number("dropout", Dropout{}, 0, 0.99)));
  all.push_back(later(number("b_rate_ratio", &TrainSpec::b_rate_ratio, 1e-6, 1e6)));
  all.push_back(later(number("neftune", &TrainSpec::neftune, 0, 1e6)));
  all.push_back(later(number("prompt_loss_weight", &TrainSpec::prompt_loss_weight, 0, 1e6)));
  all.push_back(later(choice("activations", &TrainSpec::activations, std::pair{"kept", Activations::kept},
                             std::pair{"recomputed", Activations::recomputed})));
}

std::vector<Field> fields() {
  constexpr int many = 1 << 30;
  std::vector<Field> all = {
      whole("rank", Rank{}, 1, most_rank),
      number("alpha", Alpha{}, 0, most_alpha),
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
  all.push_back(
      choice("decay", &TrainSpec::decay, std::pair{"linear", Decay::linear}, std::pair{"cosine", Decay::cosine}));
  add_later_fields(all);
  return all;
}

}  // namespace

Json to_json(const TrainSpec& spec) {
  Json json = Json::object();
  for (const Field& field : fields()) {
    if (const Json value = field.give(spec); !value.is_null()) json[field.name] = value;
  }
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

Sharing sharing_of(const TrainSpec& spec) {
  return spec.lora.dropout > 0 || spec.neftune > 0 ? Sharing::none : Sharing::prefixes;
}

std::vector<std::string> notices(const TrainSpec& spec) {
  std::vector<std::string> all;
  if (sharing_of(spec) == Sharing::none) {
    all.push_back(
        fmt::format("{} draws random numbers for each row, so rows no longer share the computation of what "
                    "they begin with: training takes longer.",
                    spec.lora.dropout > 0 ? "dropout" : "noise on the embeddings"));
  }
  return all;
}

}  // namespace hone::train
