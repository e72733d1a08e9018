#include "model/model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/hash.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "model/catalogue.h"
#include "model/weights.h"

namespace hone::model {
namespace {

using formats::GgmlType;
using formats::GgufMetadata;
using formats::GgufTensor;

// The 256 spellings that GPT-2's byte-level vocabularies begin with, then two words and the turn markers.
std::vector<std::string> spellings() {
  std::vector<std::string> out;
  int extra = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int code = shown ? byte : 256 + extra++;
    out.push_back(code < 128 ? std::string(1, static_cast<char>(code))
                             : std::string{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))});
  }
  out.insert(out.end(), {"he", "llo", "<|im_start|>", "<|im_end|>"});
  return out;
}

GgufMetadata vocabulary_metadata() {
  std::vector<std::int64_t> types(260, 1);
  types[258] = types[259] = 3;
  return {{"general.architecture", std::string("llama")},
          {"tokenizer.ggml.model", std::string("gpt2")},
          {"tokenizer.ggml.pre", std::string("smollm")},
          {"tokenizer.ggml.tokens", spellings()},
          {"tokenizer.ggml.token_type", types},
          {"tokenizer.ggml.merges", std::vector<std::string>{"h e"}},
          {"tokenizer.ggml.bos_token_id", std::uint64_t{258}},
          {"tokenizer.ggml.eos_token_id", std::uint64_t{259}}};
}

Config small_config() {
  Config config;
  config.layers = 1;
  config.width = 8;
  config.hidden = 4;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_width = 4;
  config.vocabulary = 260;
  config.context = 32;
  return config;
}

std::string small_gguf(GgufMetadata metadata, std::int64_t rows) {
  metadata.insert({{"llama.block_count", std::uint64_t{1}},
                   {"llama.embedding_length", std::uint64_t{8}},
                   {"llama.feed_forward_length", std::uint64_t{4}},
                   {"llama.attention.head_count", std::uint64_t{2}},
                   {"llama.attention.head_count_kv", std::uint64_t{1}},
                   {"llama.context_length", std::uint64_t{32}},
                   {"llama.attention.layer_norm_rms_epsilon", 1e-5}});
  const std::string zeros(static_cast<std::size_t>(rows * 8 * 4), '\0');
  std::vector<GgufTensor> tensors;
  const auto add = [&](const char* name, tensor::Shape shape) {
    tensors.push_back(
        {name, GgmlType::f32, shape, std::string_view(zeros).substr(0, static_cast<std::size_t>(shape.count()) * 4)});
  };
  add("token_embd.weight", {rows, 8});
  add("output_norm.weight", {8});
  add("blk.0.attn_norm.weight", {8});
  add("blk.0.ffn_norm.weight", {8});
  add("blk.0.attn_q.weight", {8, 8});
  add("blk.0.attn_k.weight", {4, 8});
  add("blk.0.attn_v.weight", {4, 8});
  add("blk.0.attn_output.weight", {8, 8});
  add("blk.0.ffn_gate.weight", {4, 8});
  add("blk.0.ffn_up.weight", {4, 8});
  add("blk.0.ffn_down.weight", {8, 4});
  return formats::gguf_bytes(metadata, tensors);
}

class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("hone-model-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    if (const char* old = std::getenv("XDG_CACHE_HOME")) old_cache_ = old;
    ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
  }
  void TearDown() override {
    if (old_cache_) ::setenv("XDG_CACHE_HOME", old_cache_->c_str(), 1);
    if (!old_cache_) ::unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(folder_);
  }
  Path write(const std::string& name, const std::string& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  Model open(const Path& path, Parts parts) {
    tensor::Exec exec(1);
    return open_model(exec, path.string(), parts);
  }
  void expect_refused(const std::string& name, Parts parts, ErrorCode code, std::string_view part) {
    try {
      tensor::Exec exec(1);
      open_model(exec, name, parts);
      ADD_FAILURE() << "opened: " << name;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), code) << failure.what();
      EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what();
    }
  }
  // A Hugging Face folder without a chat template.
  Path write_folder() {
    Json vocabulary = Json::object();
    const std::vector<std::string> all = spellings();
    for (std::size_t i = 0; i < 258; ++i) vocabulary[all[i]] = i;
    const Json pre = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    Json added = Json::array();
    for (const std::size_t id : {258, 259})
      added.push_back({{"id", id},
                       {"content", all[id]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
    write("hf/tokenizer.json", to_text({{"version", "1.0"},
                                        {"added_tokens", added},
                                        {"normalizer", nullptr},
                                        {"pre_tokenizer", pre},
                                        {"post_processor", nullptr},
                                        {"decoder", {{"type", "ByteLevel"}}},
                                        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"h e"}}}}}));
    write("hf/tokenizer_config.json", to_text({{"bos_token", "<|im_start|>"}, {"eos_token", "<|im_end|>"}}));
    write("hf/config.json", to_text({{"architectures", {"LlamaForCausalLM"}},
                                     {"hidden_size", 8},
                                     {"intermediate_size", 4},
                                     {"num_hidden_layers", 1},
                                     {"num_attention_heads", 2},
                                     {"num_key_value_heads", 1},
                                     {"vocab_size", 260},
                                     {"max_position_embeddings", 32},
                                     {"tie_word_embeddings", true}}));
    const WeightsBuilder builder = value_or_throw(WeightsBuilder::make(small_config()));
    std::vector<tensor::Tensor> tensors;
    for (const auto& wanted : builder.wanted()) tensors.push_back(tensor::Tensor::zeros(wanted.shape));
    std::vector<formats::NamedView> views;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      views.push_back({builder.wanted()[i].name, std::as_const(tensors[i]).view()});
    formats::write_safetensors(folder_ / "hf" / "model.safetensors", views, {});
    return folder_ / "hf";
  }

  Path folder_;
  std::optional<std::string> old_cache_;
};

TEST_F(ModelTest, AVocabularyOnlyFileOpensForItsTokenizer) {
  const Path path = write("vocab.gguf", formats::gguf_bytes(vocabulary_metadata(), {}));
  const Model model = open(path, Parts::tokenizer_only);
  EXPECT_EQ(model.decoder, nullptr);
  EXPECT_EQ(model.tokenizer.vocabulary_size(), 260U);
  EXPECT_EQ(model.tokenizer.encode(std::string_view("he<|im_end|>"))[0], 256);
  EXPECT_EQ(model.tokenizer.eos(), 259);
  EXPECT_TRUE(model.default_template);
  expect_refused(path.string(), Parts::everything, ErrorCode::bad_input, "llama.block_count");
}

TEST_F(ModelTest, AFileOpensWithAllItsParts) {
  GgufMetadata metadata = vocabulary_metadata();
  metadata["tokenizer.chat_template"] = std::string("{{ messages[0]['content'] }}");
  const std::string bytes = small_gguf(metadata, 260);
  const Model model = open(write("m.gguf", bytes), Parts::everything);
  ASSERT_NE(model.decoder, nullptr);
  EXPECT_EQ(model.decoder->config().width, 8);
  EXPECT_EQ(model.sha256, sha256_hex(bytes));
  EXPECT_FALSE(model.default_template);
  EXPECT_EQ(model.chat_template.source(), "{{ messages[0]['content'] }}");
}

TEST_F(ModelTest, ATruncatedFileIsNamedAsDamaged) {
  const std::string bytes = small_gguf(vocabulary_metadata(), 260);
  for (const std::size_t length : {bytes.size() - 1, bytes.size() / 2, std::size_t{100}, std::size_t{10}}) {
    const Path path = write("cut.gguf", bytes.substr(0, length));
    expect_refused(path.string(), Parts::everything, ErrorCode::bad_input, "cut.gguf: ");
    expect_refused(path.string(), Parts::everything, ErrorCode::bad_input, "damaged or incomplete");
  }
}

TEST_F(ModelTest, ATokenizerLargerThanTheEmbeddingIsRefused) {
  const Path path = write("m.gguf", small_gguf(vocabulary_metadata(), 259));
  expect_refused(path.string(), Parts::everything, ErrorCode::bad_input, "260 tokens, but the embedding only 259 rows");
}

TEST_F(ModelTest, ABrokenTemplateNamesTheFile) {
  GgufMetadata metadata = vocabulary_metadata();
  metadata["tokenizer.chat_template"] = std::string("{% for x in %}");
  const Path path = write("m.gguf", formats::gguf_bytes(metadata, {}));
  expect_refused(path.string(), Parts::tokenizer_only, ErrorCode::bad_input, "m.gguf: chat template: ");
}

TEST_F(ModelTest, AFolderOpensWithAllItsParts) {
  const Path folder = write_folder();
  const Model model = open(folder, Parts::everything);
  EXPECT_EQ(model.decoder->config().vocabulary, 260);
  EXPECT_EQ(model.tokenizer.eos(), 259);
  EXPECT_EQ(model.sha256, value_or_throw(sha256_file(folder / "model.safetensors")));
  EXPECT_TRUE(model.default_template);
}

TEST_F(ModelTest, GenerationConfigNamesMoreEnds) {
  const Path folder = write_folder();
  EXPECT_EQ(open(folder, Parts::tokenizer_only).tokenizer.end_of_turn(), (std::vector<text::TokenId>{259}));
  write("hf/generation_config.json", to_text({{"eos_token_id", {259, 257, 4000}}}));
  EXPECT_EQ(open(folder, Parts::tokenizer_only).tokenizer.end_of_turn(), (std::vector<text::TokenId>{259, 257}));
  write("hf/generation_config.json", to_text({{"eos_token_id", 256}}));
  EXPECT_EQ(open(folder, Parts::tokenizer_only).tokenizer.end_of_turn(), (std::vector<text::TokenId>{259, 256}));
  write("hf/generation_config.json", to_text({{"eos_token_id", {1, "x"}}}));
  expect_refused(folder.string(), Parts::tokenizer_only, ErrorCode::bad_input,
                 "generation_config.json: field eos_token_id must be a token id or a list");
}

TEST_F(ModelTest, ATokenizerWithoutAnEndIsRefusedByField) {
  GgufMetadata metadata = vocabulary_metadata();
  metadata.erase("tokenizer.ggml.eos_token_id");
  auto tokens = spellings();
  tokens[259] = "<|other|>";
  metadata["tokenizer.ggml.tokens"] = tokens;
  const Path path = write("m.gguf", small_gguf(metadata, 260));
  expect_refused(path.string(), Parts::everything, ErrorCode::bad_input, "no end token (tokenizer.ggml.eos_token_id)");
}

TEST_F(ModelTest, AFolderWithoutAnEndTokenIsRefusedByField) {
  const Path folder = write_folder();
  std::string tokenizer = value_or_throw(read_file(folder / "tokenizer.json"));
  const std::string end = "<|im_end|>";
  tokenizer.replace(tokenizer.find(end), end.size(), "<|other|>");
  write("hf/tokenizer.json", tokenizer);
  write("hf/tokenizer_config.json", "{}");
  expect_refused(folder.string(), Parts::everything, ErrorCode::bad_input,
                 "no end token (eos_token of tokenizer_config.json, eos_token_id of generation_config.json)");
  // Any of its tokens may be named as one.
  write("hf/generation_config.json", to_text({{"eos_token_id", 257}}));
  EXPECT_EQ(open(folder, Parts::everything).tokenizer.end_of_turn(), (std::vector<text::TokenId>{257}));
}

TEST_F(ModelTest, AFoldersTemplateComesFromJinjaFileThenConfig) {
  const Path folder = write_folder();
  write("hf/tokenizer_config.json",
        to_text({{"chat_template",
                  {{{"name", "tool_use"}, {"template", "no"}}, {{"name", "default"}, {"template", "list"}}}}}));
  EXPECT_EQ(open(folder, Parts::tokenizer_only).chat_template.source(), "list");
  write("hf/tokenizer_config.json", to_text({{"chat_template", "config"}}));
  EXPECT_EQ(open(folder, Parts::tokenizer_only).chat_template.source(), "config");
  write("hf/chat_template.jinja", "file");
  EXPECT_EQ(open(folder, Parts::tokenizer_only).chat_template.source(), "file");
  std::filesystem::remove(folder / "chat_template.jinja");
  write("hf/tokenizer_config.json", to_text({{"chat_template", 7}}));
  expect_refused(folder.string(), Parts::tokenizer_only, ErrorCode::bad_input, "chat_template must be a text");
}

TEST_F(ModelTest, SeveralWeightFilesAreHashedInNameOrder) {
  const Path folder = write_folder();
  const std::string bytes = value_or_throw(read_file(folder / "model.safetensors"));
  std::filesystem::remove(folder / "model.safetensors");
  write("hf/b.safetensors", bytes);
  write("hf/a.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
  write("hf/model.safetensors.index.json", to_text({{"weight_map", {{"x", "b.safetensors"}, {"y", "a.safetensors"}}}}));
  const std::string lines = value_or_throw(sha256_file(folder / "a.safetensors")) + "  a.safetensors\n" +
                            sha256_hex(bytes) + "  b.safetensors\n";
  EXPECT_EQ(open(folder, Parts::everything).sha256, sha256_hex(lines));
}

TEST_F(ModelTest, ACatalogueNameThatIsNotHereSaysHowToFetchIt) {
  expect_refused(default_model, Parts::everything, ErrorCode::environment, "hone models pull smollm2-135m-instruct");
  expect_refused("qwen3-0.6b", Parts::everything, ErrorCode::environment, "hone models pull qwen3-0.6b");
}

TEST_F(ModelTest, ACatalogueFileOfAnotherHashIsRefusedWithBothHashes) {
  const CatalogueEntry& entry = *find_in_catalogue(default_model);
  write_file(cached_path(entry), "GGUF");
  std::filesystem::resize_file(cached_path(entry), entry.bytes);  // sparse
  expect_refused(default_model, Parts::everything, ErrorCode::bad_input, entry.sha256);
  expect_refused(default_model, Parts::everything, ErrorCode::bad_input,
                 value_or_throw(sha256_file(cached_path(entry))));
}

TEST_F(ModelTest, AnUnknownNameListsTheKnownOnes) {
  expect_refused("gpt-5", Parts::everything, ErrorCode::bad_input, default_model);
  std::filesystem::create_directories(folder_ / "empty");
  expect_refused((folder_ / "empty").string(), Parts::everything, ErrorCode::bad_input, "no config.json in it");
}

TEST(DefaultModel, OpensWithThirtyLayersAndItsOwnTemplate) {
  const char* path = std::getenv("HONE_TEST_MODEL");
  const CatalogueEntry& entry = *find_in_catalogue(default_model);
  const std::string name = path != nullptr ? path : default_model;
  if (path == nullptr && !is_cached(entry))
    GTEST_SKIP() << "the default model is not in the cache; set HONE_TEST_MODEL";
  tensor::Exec exec;
  const Model model = open_model(exec, name, Parts::everything);
  EXPECT_EQ(model.decoder->config().layers, 30);
  EXPECT_EQ(model.decoder->config().head_width, 64);
  EXPECT_EQ(model.tokenizer.vocabulary_size(), 49152U);
  EXPECT_EQ(model.sha256, entry.sha256);
  EXPECT_FALSE(model.default_template);
}

}  // namespace
}  // namespace hone::model
