#include "train/checkpoint.h"

#include <cmath>
#include <limits>

#include "base/hash.h"
#include "base/json.h"
#include "formats/safetensors.h"

namespace hone::train {

namespace {

constexpr int format_version = 1;

// JSON has no infinities: null stands for a value that is not finite.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
double number(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json to_json(const StepEvent& event) {
  return Json::array({event.step, event.steps, event.epoch, number(event.loss), number(event.gradient_norm),
                      event.learning_rate, event.tokens, event.computed, event.seconds, event.skipped});
}

StepEvent event_from(const Json& json) {
  StepEvent event;
  event.step = json.at(0).get<int>();
  event.steps = json.at(1).get<int>();
  event.epoch = json.at(2).get<double>();
  event.loss = number(json.at(3));
  event.gradient_norm = number(json.at(4));
  event.learning_rate = json.at(5).get<double>();
  event.tokens = json.at(6).get<std::int64_t>();
  event.computed = json.at(7).get<std::int64_t>();
  event.seconds = json.at(8).get<double>();
  event.skipped = json.at(9).get<bool>();
  return event;
}

Json to_json(const TrainState& state, const CheckpointIdentity& identity) {
  Json json = {{"version", format_version},
               {"fingerprint", identity.fingerprint},
               {"threads", identity.threads},
               {"step", state.step},
               {"updates", state.updates},
               {"skipped_in_a_row", state.skipped_in_a_row},
               {"best_step", state.best_step},
               {"without_gain", state.without_gain},
               {"tokens", state.tokens},
               {"seconds", state.seconds},
               {"has_best", state.best.has_value()},
               {"ended", state.ended},
               {"events", Json::array()},
               {"validations", Json::array()}};
  for (const StepEvent& event : state.events) json["events"].push_back(to_json(event));
  for (const Validation& v : state.validations) {
    json["validations"].push_back(Json::array({v.step, number(v.metric), number(v.loss)}));
  }
  return json;
}

void read_counters(const Json& json, TrainState& state) {
  state.step = json.at("step").get<int>();
  state.updates = json.at("updates").get<int>();
  state.skipped_in_a_row = json.at("skipped_in_a_row").get<int>();
  state.best_step = json.at("best_step").get<int>();
  state.without_gain = json.at("without_gain").get<int>();
  state.tokens = json.at("tokens").get<std::int64_t>();
  state.seconds = json.at("seconds").get<double>();
  state.ended = json.at("ended").get<std::string>();
  for (const Json& event : json.at("events")) state.events.push_back(event_from(event));
  for (const Json& v : json.at("validations")) {
    state.validations.push_back({v.at(0).get<int>(), number(v.at(1)), number(v.at(2))});
  }
}

void read_tensors(const formats::SafetensorsFile& file, const std::string& prefix, model::Adapter& adapter) {
  for (const auto& named : adapter.tensors()) {
    tensor::Tensor values = value_or_throw(file.f32(prefix + named.name));
    if (values.shape() != named.tensor->shape()) {
      fail(ErrorCode::bad_input, "tensor {}{} has shape {}, expected {}", prefix, named.name, values.shape().text(),
           named.tensor->shape().text());
    }
    *named.tensor = std::move(values);
  }
}

TrainState read_state(const formats::SafetensorsFile& file, const Json& json, TrainState state) {
  read_counters(json, state);
  read_tensors(file, "adapter/", state.adapter);
  read_tensors(file, "first_moment/", state.first_moments);
  read_tensors(file, "second_moment/", state.second_moments);
  if (json.at("has_best").get<bool>()) {
    state.best = state.adapter.zeros_like();
    read_tensors(file, "best/", *state.best);
  }
  return state;
}

[[noreturn]] void damaged(const Path& path, const std::string& why) {
  fail(ErrorCode::bad_input,
       "{}: this training checkpoint can't be read ({}). Delete the file to start this training from its first step.",
       path.string(), why);
}

}  // namespace

TrainState first_state(const model::Config& config, const model::LoraSpec& lora) {
  TrainState state;
  state.adapter = model::Adapter::init(config, lora);
  state.first_moments = state.adapter.zeros_like();
  state.second_moments = state.adapter.zeros_like();
  return state;
}

std::string fingerprint(const model::Config& config, const TrainJob& job) {
  Json spec = to_json(job.spec);
  spec.erase("checkpoint_every");
  spec.erase("activations");
  Sha256 hash;
  hash.add(to_text(spec));
  hash.add(fmt::format("|{} {} {} {} {} {} {} {} {}|{}|{}|", config.architecture, config.layers, config.width,
                       config.hidden, config.heads, config.kv_heads, config.head_width, config.vocabulary,
                       config.rope_base, job.base_sha256, job.examples.size()));
  for (const data::Example& example : job.examples) {
    const auto add = [&](const std::vector<text::TokenId>& ids) {
      hash.add(fmt::format("{}:", ids.size()));
      hash.add({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(text::TokenId)});
    };
    add(example.prompt);
    add(example.answer);
  }
  return hash.hex();
}

Path checkpoint_file(const Path& folder) { return folder / "checkpoint.safetensors"; }

void save_checkpoint(const Path& folder, TrainState& state, const CheckpointIdentity& identity) {
  std::vector<formats::NamedView> views;
  const auto add = [&](const std::string& prefix, model::Adapter& adapter) {
    for (const auto& named : adapter.tensors()) views.push_back({prefix + named.name, named.tensor->view()});
  };
  add("adapter/", state.adapter);
  add("first_moment/", state.first_moments);
  add("second_moment/", state.second_moments);
  if (state.best) add("best/", *state.best);
  formats::write_safetensors(checkpoint_file(folder), views, {{"hone", to_text(to_json(state, identity))}});
}

std::optional<LoadedCheckpoint> load_checkpoint(const Path& folder, const model::Config& config,
                                                const model::LoraSpec& lora, const CheckpointIdentity& identity) {
  const Path path = checkpoint_file(folder);
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto file = formats::SafetensorsFile::open(path);
  if (!file) damaged(path, file.error().message);
  const auto facts = file->metadata().find("hone");
  if (facts == file->metadata().end()) damaged(path, "it has no \"hone\" record");
  const auto json = parse_json(facts->second, path.string());
  if (!json) damaged(path, json.error().message);
  try {
    if (json->at("version") != format_version) damaged(path, "it was written by another version of Hone");
    if (json->at("fingerprint") != identity.fingerprint) {
      fail(ErrorCode::bad_input,
           "{}: this checkpoint belongs to another training job (other rows, settings or base model). Train in another "
           "folder, or delete the file.",
           path.string());
    }
    LoadedCheckpoint loaded{read_state(*file, *json, first_state(config, lora)), {}};
    if (json->at("threads") != identity.threads) {
      loaded.notice =
          fmt::format("training went on with {} threads so far and resumes with {}: results agree within rounding only",
                      json->at("threads").get<int>(), identity.threads);
    }
    return loaded;
  } catch (const nlohmann::json::exception& e) {
    damaged(path, e.what());
  }
}

}  // namespace hone::train
