#include <gtest/gtest.h>

#include "formats/large_json.h"
#include "model/export_modelfile.h"
#include "model/export_testing.h"
#include "text/prompt_encoding.h"

namespace hone::model {
namespace {

using text::TokenId;
using text::Tokenizer;

constexpr const char* texts[] = {"he hen in  the inn\n\n12345 he's \xC3\xA9t\xC3\xA9 <|im_end|> !?",
                                 "   indented\tquite\r\n42nd", "\xE2\x82\xAC 3.14, er\xCC\x81"};

Tokenizer from_files(const TokenizerFiles& files) {
  return value_or_throw(
      Tokenizer::from_json(value_or_throw(formats::parse_large_json(files.tokenizer_json, "t")), files.config));
}

void expect_same(const Tokenizer& a, const Tokenizer& b) {
  for (const char* text : texts) EXPECT_EQ(a.encode(text), b.encode(text)) << text;
  EXPECT_EQ(a.bos(), b.bos());
  EXPECT_EQ(a.eos(), b.eos());
  EXPECT_EQ(a.add_bos(), b.add_bos());
  EXPECT_EQ(a.special_id("<|im_end|>"), b.special_id("<|im_end|>"));
}

// A GGUF's vocabulary as tokenizer.json, and that as a GGUF's again, gives the same ids.
TEST(ExportTokenizer, ByteLevelGoesBothWays) {
  for (const char* pre : {"smollm", "qwen2", "llama-bpe", "gpt-2"}) {
    SCOPED_TRACE(pre);
    text::GgufVocabulary words = tiny_words(pre);
    words.add_bos = words.pre == "llama-bpe";
    const Tokenizer original = value_or_throw(Tokenizer::from_gguf(words));
    const TokenIds ids{.bos = 266, .padding = {}, .ends = {267}};
    const TokenizerFiles files = value_or_throw(hugging_face_tokenizer(words, ids));
    const Tokenizer written = from_files(files);
    expect_same(original, written);
    const Json json = value_or_throw(formats::parse_large_json(files.tokenizer_json, "t"));
    const text::GgufVocabulary back = value_or_throw(gguf_words(json, written, tiny_rows));
    EXPECT_EQ(back.pre, pre);
    EXPECT_EQ(back.tokens.size(), static_cast<std::size_t>(tiny_rows));
    EXPECT_EQ(back.tokens.back(), "[PAD273]");
    expect_same(original, value_or_throw(Tokenizer::from_gguf(back)));
  }
}

TEST(ExportTokenizer, SentencePieceGoesBothWays) {
  text::GgufVocabulary words;
  words.model = "llama";
  const auto add = [&](const std::string& token, float score, int type) {
    words.tokens.push_back(token);
    words.scores.push_back(score);
    words.types.push_back(type);
  };
  const std::string mark = "\xE2\x96\x81";
  add("<unk>", 0, 2);
  add("<s>", 0, 3);
  add("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, 6);
  add("<|im_end|>", 0, 3);
  for (const std::string& token : {std::string("he"), mark + "t", mark + "the", std::string("in"), std::string("inn")})
    add(token, -static_cast<float>(words.tokens.size()), 1);
  for (const std::string& letter : {mark, std::string("h"), std::string("e"), std::string("t"), std::string("i"),
                                    std::string("n"), std::string("r"), std::string("<"), std::string("|")})
    add(letter, -1000, 1);
  words.unknown = 0;
  words.bos = 1;
  words.eos = 2;
  words.add_bos = true;
  for (const bool prefix : {false, true}) {
    SCOPED_TRACE(prefix);
    words.add_space_prefix = prefix;
    const Tokenizer original = value_or_throw(Tokenizer::from_gguf(words));
    const TokenizerFiles files = value_or_throw(hugging_face_tokenizer(words, {.bos = 1, .padding = {}, .ends = {2}}));
    const Tokenizer written = from_files(files);
    expect_same(original, written);
    const Json json = value_or_throw(formats::parse_large_json(files.tokenizer_json, "t"));
    expect_same(original, value_or_throw(Tokenizer::from_gguf(
                              value_or_throw(gguf_words(json, written, static_cast<int>(words.tokens.size()))))));
  }
}

TEST(ExportTokenizer, RefusesACutWithoutAName) {
  text::GgufVocabulary words = tiny_words("tekken");
  const auto json = hugging_face_tokenizer(words, {});
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, ErrorCode::unsupported);
  EXPECT_NE(json.error().message.find("tekken"), std::string::npos);
}

// The end of an answer is among what llama.cpp stops at, whatever the vocabulary calls it.
TEST(ExportTokenizer, TheEndOfATurnIsKnown) {
  text::GgufVocabulary words = tiny_words("smollm");
  words.eos = 266;
  const formats::GgufMetadata keys = gguf_tokenizer_keys(words, {.bos = {}, .padding = {}, .ends = {267, 266}});
  EXPECT_EQ(std::get<std::uint64_t>(keys.at("tokenizer.ggml.eos_token_id")), 266U);
  EXPECT_EQ(std::get<std::uint64_t>(keys.at("tokenizer.ggml.eot_token_id")), 267U);
}

// What Ollama's template renders for one system message and one input is the prompt itself.
TEST(ExportModelfile, TemplateRendersTheTasksPrompt) {
  const Tokenizer tokenizer = value_or_throw(Tokenizer::from_gguf(tiny_words("smollm")));
  const text::ChatTemplate chat = text::ChatTemplate::chatml();
  const text::Message system{"system", "Say a \"word\" {{ or two."};
  const std::string file = modelfile({.chat_template = &chat,
                                      .tokenizer = &tokenizer,
                                      .from = "./model.gguf",
                                      .adapter = {},
                                      .before = {&system, 1},
                                      .today = "2026-01-01",
                                      .context = 512});
  const std::string begin = "TEMPLATE \"\"\"";
  const std::size_t at = file.find(begin) + begin.size();
  std::string shown = file.substr(at, file.find("\"\"\"", at) - at);
  const auto replace = [&](const std::string& what, const std::string& by) {
    const std::size_t found = shown.find(what);
    ASSERT_NE(found, std::string::npos) << what << " in " << file;
    shown.replace(found, what.size(), by);
  };
  replace("{{ if .System }}", "");
  replace("{{ .System }}", system.content);
  const std::size_t other = shown.find("{{ else }}");
  shown.erase(other, shown.find("{{ end }}") + 9 - other);
  replace("{{ .Prompt }}", "What?");
  replace("{{ .Response }}", "");
  const text::Message messages[] = {system, {"user", "What?"}};
  const auto prompt = value_or_throw(text::encode_prompt(messages, tokenizer, chat, {}));
  EXPECT_EQ(shown, prompt.rendered);
  EXPECT_NE(file.find("SYSTEM \"\"\"Say a \"word\" {{ or two.\"\"\""), std::string::npos) << file;
  EXPECT_NE(file.find("PARAMETER stop \"<|im_end|>\""), std::string::npos) << file;
  EXPECT_NE(file.find("FROM ./model.gguf\n"), std::string::npos) << file;
}

}  // namespace
}  // namespace hone::model
