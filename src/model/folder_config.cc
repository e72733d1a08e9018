#include "model/folder_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/terminal.h"
#include "model/json_fields.h"
#include "model/nf4_folder.h"

namespace hone::model {
namespace {

constexpr const char* gemma3_with_images = "Gemma3ForConditionalGeneration";
constexpr int most_layers = 4096;  // as check() has it; bounds what is made before it is called

bool is_gemma3(const Config& config) { return config.architecture == "gemma3"; }
bool is_qwen(const Config& config) { return config.architecture == "qwen2" || config.architecture == "qwen3"; }

std::string architecture_of(const Json& json) {
  const auto architectures = json.find("architectures");
  if (architectures != json.end() && architectures->is_array() && !architectures->empty() &&
      (*architectures)[0].is_string()) {
    return (*architectures)[0].get<std::string>();
  }
  const auto type = json.find("model_type");
  return type != json.end() && type->is_string() ? type->get<std::string>() : "";
}

// By its architecture, or where there is none by its model_type ("llama"; Gemma's is "gemma3_text").
const Family* family_of(const std::string& architecture) {
  if (architecture == gemma3_with_images || architecture == "gemma3_text") return find_family("gemma3");
  for (const Family& family : families()) {
    if (architecture == family.hugging_face || architecture == family.name) return &family;
  }
  return nullptr;
}

// The kind of `rope`, an object of rope_scaling or rope_parameters; nullopt: one that Hone does not have.
std::optional<RopeScaling::Kind> scaling_kind(const Json& rope) {
  const Json* type = nullptr;
  for (const char* name : {"type", "rope_type"}) {
    const auto found = rope.find(name);
    if (found != rope.end() && !found->is_null()) type = &*found;
  }
  if (type == nullptr || *type == "default") return RopeScaling::Kind::none;
  if (*type == "linear") return RopeScaling::Kind::linear;
  if (*type == "llama3") return RopeScaling::Kind::llama3;
  return std::nullopt;
}

struct Rope {
  float base = 0;
  RopeScaling scaling;
};

// One RoPE of `holder`, which field `name` of `fields` holds. `base` where it names none.
Rope read_rope(JsonFields& fields, const char* name, const Json& holder, const Config& config, float base) {
  Rope rope{base, {}};
  const std::optional<RopeScaling::Kind> kind = holder.is_object() ? scaling_kind(holder) : std::nullopt;
  if (!kind) {
    fields.unsupported(name);
    return rope;
  }
  JsonFields inner(holder, fmt::format("in field {}", name));
  rope.base = inner.number("rope_theta", base);
  rope.scaling.kind = *kind;
  const float factor = inner.number("factor", 1);
  if (*kind == RopeScaling::Kind::none && factor != 1) fields.unsupported(name);
  if (*kind != RopeScaling::Kind::none) {
    if (inner.find("factor") == nullptr) {
      fields.refuse(ErrorCode::bad_input, fmt::format("field {} must have a number factor", name));
    }
    rope.scaling.factor = factor;
  }
  if (*kind == RopeScaling::Kind::llama3) {
    rope.scaling.low_frequency = inner.number("low_freq_factor", 1);
    rope.scaling.high_frequency = inner.number("high_freq_factor", 4);
    rope.scaling.original_context = inner.size("original_max_position_embeddings", config.context);
  }
  if (inner.number("partial_rotary_factor", 1) != 1) fields.unsupported(name);
  if (inner.failed()) fields.refuse(inner.error().code, inner.error().message);
  return rope;
}

// rope_parameters of transformers 5: one object, or for Gemma 3 one for each type of layer.
void read_rope_parameters(JsonFields& fields, const Json& rope, Config& config) {
  constexpr const char* name = "rope_parameters";
  const bool by_type = rope.is_object() && (rope.contains("full_attention") || rope.contains("sliding_attention"));
  if (by_type != is_gemma3(config)) return fields.unsupported(name);
  if (!by_type) {
    Rope read = read_rope(fields, name, rope, config, config.rope_base);
    config.rope_base = read.base;
    config.rope_scaling = std::move(read.scaling);
    return;
  }
  if (const auto full = rope.find("full_attention"); full != rope.end() && !full->is_null()) {
    Rope read = read_rope(fields, name, *full, config, config.rope_base);
    config.rope_base = read.base;
    config.rope_scaling = std::move(read.scaling);
  }
  if (const auto sliding = rope.find("sliding_attention"); sliding != rope.end() && !sliding->is_null()) {
    const Rope read = read_rope(fields, name, *sliding, config, config.sliding_rope_base);
    config.sliding_rope_base = read.base;
    if (read.scaling.kind != RopeScaling::Kind::none) fields.unsupported(name);
  }
}

void read_ropes(JsonFields& fields, Config& config) {
  config.rope_base = fields.number("rope_theta", config.rope_base);
  config.sliding_rope_base = fields.number("rope_local_base_freq", config.sliding_rope_base);
  if (const Json* scaling = fields.find("rope_scaling")) {
    Rope read = read_rope(fields, "rope_scaling", *scaling, config, config.rope_base);
    config.rope_base = read.base;
    config.rope_scaling = std::move(read.scaling);
  }
  if (const Json* parameters = fields.find("rope_parameters")) read_rope_parameters(fields, *parameters, config);
  if (fields.number("partial_rotary_factor", 1) != 1) fields.unsupported("partial_rotary_factor");
}

void read_layer_types(JsonFields& fields, const Json& types, Config& config) {
  if (!types.is_array() || types.size() != static_cast<std::size_t>(config.layers)) {
    fields.refuse(ErrorCode::bad_input,
                  fmt::format("field layer_types must be a list of num_hidden_layers ({}) names", config.layers));
    return;
  }
  for (const Json& type : types) {
    if (type != "sliding_attention" && type != "full_attention") return fields.unsupported("layer_types");
    config.sliding.push_back(type == "sliding_attention");
  }
}

// Without layer_types: all of Gemma 3's layers but every sixth, Qwen's from max_window_layers on.
void make_layer_types(JsonFields& fields, Config& config) {
  const int pattern = is_gemma3(config) ? fields.size("sliding_window_pattern", 6) : 0;
  const int first = is_gemma3(config) ? 0 : fields.count("max_window_layers", 28);
  for (int layer = 0; layer < config.layers; ++layer) {
    config.sliding.push_back(layer >= first && (pattern == 0 || (layer + 1) % pattern != 0));
  }
}

// Which layers slide; of Qwen's only where use_sliding_window says so.
void read_windows(JsonFields& fields, Config& config) {
  if (!is_gemma3(config) && !is_qwen(config)) return;
  if (config.layers > most_layers) return;  // check() says so
  if (is_gemma3(config) || (fields.boolean("use_sliding_window") && fields.find("sliding_window") != nullptr)) {
    config.window = fields.size("sliding_window", 4096);
  }
  if (const Json* types = fields.find("layer_types")) {
    read_layer_types(fields, *types, config);
  } else if (config.window > 0) {
    make_layer_types(fields, config);
  }
  // One form for models none of whose layers slide.
  if (std::find(config.sliding.begin(), config.sliding.end(), true) == config.sliding.end()) {
    config.sliding.clear();
    config.window = 0;
  }
}

void check_what_the_decoder_lacks(JsonFields& fields, const Config& config) {
  for (const char* name : {"mlp_bias", "use_bidirectional_attention"}) {
    if (fields.boolean(name)) fields.unsupported(name);
  }
  // Qwen2's biases are always there; those that this field adds elsewhere come with one of the output map.
  if (!config.attention_bias && fields.boolean("attention_bias")) fields.unsupported("attention_bias");
  for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (fields.find(name) != nullptr) fields.unsupported(name);
  }
  const Json* quantization = fields.find("quantization_config");
  if (quantization != nullptr && !is_nf4(*quantization)) fields.unsupported("quantization_config");
  for (const char* name : {"hidden_act", "hidden_activation"}) {
    const Json* activation = fields.find(name);
    if (activation == nullptr) continue;
    const bool silu = *activation == "silu" || *activation == "swish";
    if (config.gate == Gate::silu ? !silu : *activation != "gelu_pytorch_tanh") fields.unsupported(name);
  }
}

void read_sizes(JsonFields& fields, Config& config) {
  const bool gemma = is_gemma3(config);
  config.layers = fields.size("num_hidden_layers");
  config.width = fields.size("hidden_size");
  config.hidden = fields.size("intermediate_size");
  // Gemma's published configs leave out what equals transformers' defaults.
  const auto if_gemma = [&](int size) { return gemma ? std::optional<int>(size) : std::nullopt; };
  config.heads = fields.size("num_attention_heads", if_gemma(8));
  config.kv_heads = fields.size("num_key_value_heads", gemma ? 4 : config.heads);
  int head_width = config.heads > 0 ? config.width / config.heads : 0;
  if (config.architecture == "qwen3") head_width = 128;
  config.head_width = fields.size("head_dim", gemma ? 256 : head_width);
  config.vocabulary = fields.size("vocab_size", if_gemma(262208));
  config.context = fields.size("max_position_embeddings", gemma ? 131072 : is_qwen(config) ? 32768 : 2048);
  config.norm_epsilon = fields.number("rms_norm_eps", 1e-6F);
  config.tied_head =
      fields.boolean("tie_word_embeddings", gemma ? JsonFields::Otherwise::yes : JsonFields::Otherwise::no);
  if (!gemma) return;
  config.query_scalar = fields.number("query_pre_attn_scalar", 256);
  // transformers rounds this to the dtype it computes in; Hone computes in f32, as llama.cpp does.
  config.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(config.width)));
}

Result<Config> read_config(const Json& json, const std::string& where, const Family& family) {
  JsonFields fields(json, where);
  Config config = family_config(family);
  read_sizes(fields, config);
  read_ropes(fields, config);
  read_windows(fields, config);
  check_what_the_decoder_lacks(fields, config);
  if (fields.failed()) return tl::unexpected<Error>(fields.error());
  const Result<void> valid = check(config);
  if (!valid) return make_error(valid.error().code, "{}: {}", where, valid.error().message);
  return config;
}

}  // namespace

Result<Config> folder_config(const Json& json, const std::string& where) {
  const std::string shown = printable(where);
  if (!json.is_object()) return bad_input("{}: expected a JSON object", shown);
  const std::string architecture = architecture_of(json);
  const Family* family = family_of(architecture);
  if (family == nullptr) {
    return make_error(ErrorCode::unsupported, "{}: architecture {} cannot be run by this version of Hone; it runs {}",
                      shown, architecture.empty() ? "(none named)" : clipped(architecture, 80), supported_families());
  }
  if (architecture != gemma3_with_images) return read_config(json, shown, *family);
  const auto text = json.find("text_config");
  if (text == json.end() || !text->is_object()) return bad_input("{}: expected an object text_config", shown);
  return read_config(*text, shown + ": text_config", *family);
}

}  // namespace hone::model
