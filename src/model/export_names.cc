#include "model/export_names.h"

#include <charconv>
#include <utility>

namespace hone::model {
namespace {

constexpr std::string_view layer_prefix = "model.layers.";

constexpr std::pair<std::string_view, std::string_view> layer_parts[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.q_proj.bias", "attn_q.bias"},
    {"self_attn.k_proj.bias", "attn_k.bias"},
    {"self_attn.v_proj.bias", "attn_v.bias"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.q_norm.weight", "attn_q_norm.weight"},
    {"self_attn.k_norm.weight", "attn_k_norm.weight"},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight"},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
};

struct LayerName {
  int layer = 0;
  std::string_view part;
};

std::optional<LayerName> layer_name(std::string_view name) {
  if (!name.starts_with(layer_prefix)) return std::nullopt;
  name.remove_prefix(layer_prefix.size());
  LayerName found;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), found.layer);
  if (parsed.ec != std::errc() || parsed.ptr == name.data() + name.size() || *parsed.ptr != '.') return std::nullopt;
  found.part = name.substr(static_cast<std::size_t>(parsed.ptr - name.data()) + 1);
  return found;
}

bool is_one_of(std::string_view part, std::string_view first, std::string_view second) {
  return part.starts_with(first) || part.starts_with(second);
}

}  // namespace

std::string gguf_tensor_name(const Config& config, std::string_view name) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  const auto place = layer_name(name);
  HONE_CHECK(place);
  // With sandwich norms this one follows attention; without, it comes before the feed-forward block.
  if (place->part == "post_attention_layernorm.weight")
    return fmt::format("blk.{}.{}", place->layer,
                       config.sandwich_norm ? "post_attention_norm.weight" : "ffn_norm.weight");
  for (const auto& [part, gguf] : layer_parts)
    if (part == place->part) return fmt::format("blk.{}.{}", place->layer, gguf);
  HONE_CHECK(false);
}

std::optional<MapPlace> map_place(std::string_view name) {
  const auto place = layer_name(name);
  if (!place) return std::nullopt;
  for (const Site site : all_sites) {
    const std::string part = fmt::format("{}.{}.weight", site <= Site::o ? "self_attn" : "mlp", name_of(site));
    if (place->part == part) return MapPlace{place->layer, site};
  }
  return std::nullopt;
}

GgufConvention gguf_convention(const Config& config, std::string_view name) {
  GgufConvention convention;
  const auto place = layer_name(name);
  if (config.architecture == "llama" && place && is_one_of(place->part, "self_attn.q_proj.", "self_attn.k_proj."))
    convention.interleaved_width = config.head_width;
  if (config.architecture == "gemma3" && name.ends_with("norm.weight")) convention.added = 1;
  return convention;
}

std::int64_t row_in_gguf(std::int64_t row, std::int64_t width) {
  const std::int64_t within = row % width;
  return row - within + within % 2 * (width / 2) + within / 2;
}

std::int64_t gguf_row_of(std::int64_t row, std::int64_t width) {
  const std::int64_t within = row % width;
  return row - within + within % (width / 2) * 2 + within / (width / 2);
}

}  // namespace hone::model
