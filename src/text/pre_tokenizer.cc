#include "text/pre_tokenizer.h"

#include <optional>
#include <string>
#include <utility>

#include "base/terminal.h"
#include "text/ascii_pieces.h"

namespace hone::text {
namespace {

// Type of one entry, or "" where it has none.
std::string type_of(const Json& entry) {
  if (!entry.is_object() || !entry.contains("type") || !entry["type"].is_string()) return "";
  return entry["type"].get<std::string>();
}

std::optional<bool> flag(const Json& entry, const char* name) {
  if (!entry.contains(name) || !entry[name].is_boolean()) return std::nullopt;
  return entry[name].get<bool>();
}

tl::unexpected<Error> refused(const Json& entry, std::string_view why) {
  return make_error(ErrorCode::unsupported, "tokenizer.json: the pre-tokenizer {} is not supported ({})",
                    clipped(to_text(entry), 160), why);
}

Result<std::string> split_regex(const Json& entry) {
  const std::string behaviour = entry.contains("behavior") && entry["behavior"].is_string()
                                    ? entry["behavior"].get<std::string>()
                                    : std::string();
  if (behaviour != "Isolated" || flag(entry, "invert").value_or(false))
    return refused(entry, "only behaviour Isolated is");
  if (!entry.contains("pattern") || !entry["pattern"].is_object()) return refused(entry, "it has no pattern");
  const Json& pattern = entry["pattern"];
  if (!pattern.contains("Regex") || !pattern["Regex"].is_string()) return refused(entry, "only Regex patterns are");
  return pattern["Regex"].get<std::string>();
}

Result<void> add_step(const Json& entry, std::vector<std::string>& patterns) {
  const std::string type = type_of(entry);
  if (type == "Split") {
    Result<std::string> regex = split_regex(entry);
    if (!regex) return tl::unexpected(regex.error());
    patterns.push_back(std::move(*regex));
    return {};
  }
  if (type == "Digits") {
    patterns.emplace_back(flag(entry, "individual_digits").value_or(false) ? std::string(single_digits_pattern)
                                                                           : std::string(single_digits_pattern) + "+");
    return {};
  }
  if (type == "ByteLevel") {
    if (flag(entry, "add_prefix_space").value_or(true)) return refused(entry, "it adds a space before the text");
    if (flag(entry, "use_regex").value_or(true)) patterns.emplace_back(gpt2_pattern);
    return {};
  }
  return refused(entry, "only Split, Digits, ByteLevel and a Sequence of them are");
}

}  // namespace

Result<PreTokenizer> PreTokenizer::from_patterns(std::vector<std::string> patterns) {
  if (patterns.size() == 2 && patterns[0] == single_digits_pattern && patterns[1] == gpt2_pattern) {
    patterns = {std::string(gpt2_after_single_digits_pattern)};
  }
  PreTokenizer made;
  for (const std::string& pattern : patterns) {
    Result<SplitPattern> step = SplitPattern::compile(pattern);
    if (!step) return tl::unexpected(step.error());
    made.steps_.push_back(std::move(*step));
  }
  return made;
}

Result<PreTokenizer> PreTokenizer::from_gguf_name(std::string_view pre) {
  if (pre == "smollm") return from_patterns({std::string(gpt2_after_single_digits_pattern)});
  if (pre == "gpt-2" || pre == "gpt2") return from_patterns({std::string(gpt2_pattern)});
  if (pre == "qwen2" || pre == "deepseek-r1-qwen") return from_patterns({std::string(qwen2_pattern)});
  if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") return from_patterns({std::string(llama3_pattern)});
  return make_error(
      ErrorCode::unsupported,
      "the model file names the pre-tokenizer '{}' (tokenizer.ggml.pre); known here are smollm, gpt-2, "
      "qwen2 and llama-bpe. Another way to cut the text would change its tokens silently, so the model is "
      "refused; try its safetensors folder with a tokenizer.json",
      printable(pre));
}

Result<PreTokenizer> PreTokenizer::from_json(const Json& pre_tokenizer) {
  std::vector<std::string> patterns;
  if (type_of(pre_tokenizer) == "Sequence" && pre_tokenizer.contains("pretokenizers")) {
    for (const Json& entry : pre_tokenizer["pretokenizers"]) {
      if (Result<void> added = add_step(entry, patterns); !added) return tl::unexpected(added.error());
    }
  } else if (Result<void> added = add_step(pre_tokenizer, patterns); !added) {
    return tl::unexpected(added.error());
  }
  return from_patterns(std::move(patterns));
}

void PreTokenizer::split(std::string_view text, std::vector<std::size_t>& ends) const {
  if (text.empty()) return;
  if (steps_.size() == 1) return steps_[0].split(text, 0, ends);
  const std::size_t before = ends.size();
  ends.push_back(text.size());
  std::vector<std::size_t> coarse;
  for (const SplitPattern& step : steps_) {
    coarse.assign(ends.begin() + static_cast<std::ptrdiff_t>(before), ends.end());
    ends.resize(before);
    std::size_t begin = 0;
    for (const std::size_t end : coarse) {
      step.split(text.substr(begin, end - begin), begin, ends);
      begin = end;
    }
  }
}

}  // namespace hone::text
