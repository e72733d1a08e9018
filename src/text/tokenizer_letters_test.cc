// SentencePiece-type tokenizers: Gemma's and Llama 2's settings, from tokenizer.json and from GGUF.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "base/rng.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"

namespace hone::text {
namespace {

Json golden() {
  const Path path = Path(HONE_SOURCE_DIR) / "tests/golden/tokenizer_letters.json";
  return value_or_throw(parse_json(value_or_throw(read_file(path)), path.string()));
}

Json golden_named(std::string_view name) {
  const Json all = golden();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Json& one) { return one["name"] == name; });
  return *found;
}

Tokenizer golden_tokenizer(std::string_view name) {
  return value_or_throw(Tokenizer::from_json(golden_named(name)["tokenizer"], Json()));
}

std::vector<TokenId> ids_of(const Json& row) { return row["ids"].get<std::vector<TokenId>>(); }

// Tokens 0..2 control, then bytes, then pieces with falling scores.
GgufVocabulary vocabulary(const std::vector<std::string>& pieces) {
  GgufVocabulary made;
  made.model = "llama";
  const auto add = [&](const std::string& spelling, int type, float score) {
    made.tokens.push_back(spelling);
    made.types.push_back(type);
    made.scores.push_back(score);
  };
  add("<unk>", 2, 0);
  add("<s>", 3, 0);
  add("</s>", 3, 0);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 6, 0);
  for (const std::string& piece : pieces) add(piece, 1, -static_cast<float>(made.tokens.size()));
  made.bos = 1;
  made.eos = 2;
  made.unknown = 0;
  made.add_space_prefix = false;
  return made;
}

Tokenizer built(const GgufVocabulary& from) { return value_or_throw(Tokenizer::from_gguf(from)); }

std::vector<std::string> spelled(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> out;
  for (const TokenId id : tokenizer.encode(text)) out.emplace_back(tokenizer.token_bytes(id));
  return out;
}

using Pieces = std::vector<std::string>;

TEST(LetterTokenizer, IdsEqualHuggingFacesInEachFamilysSettings) {
  for (const Json& one : golden()) {
    const Tokenizer tokenizer = value_or_throw(Tokenizer::from_json(one["tokenizer"], Json()));
    for (const Json& row : one["plain"]) {
      EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>()), ids_of(row)) << one["name"] << row["text"];
    }
    for (const Json& row : one["marked"]) {
      const MarkedText text(row["text"].get<std::string>(), Origin::from_template);
      EXPECT_EQ(tokenizer.encode(text), ids_of(row)) << one["name"] << row["text"];
    }
  }
}

TEST(LetterTokenizer, AnyBytesRoundTripButForMarksAndMetaspacesFirstSpace) {
  Rng rng(2);
  for (const char* name : {"gemma", "llama2"}) {
    const Tokenizer tokenizer = golden_tokenizer(name);
    for (int i = 0; i < 300; ++i) {
      std::string bytes(rng.below(30), ' ');
      for (char& byte : bytes) byte = static_cast<char>(rng.below(2) == 0 ? rng.below(256) : "the \n\t"[rng.below(6)]);
      if (with_spaces_for_marks(bytes) != bytes) continue;
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(std::string_view(bytes))), bytes) << name;
    }
  }
  const Tokenizer metaspace = golden_tokenizer("metaspace");
  EXPECT_EQ(metaspace.decode(metaspace.encode(" cat")), "cat");
  EXPECT_EQ(metaspace.decode(metaspace.encode("cat ")), "cat ");
  const Tokenizer gemma = golden_tokenizer("gemma");
  EXPECT_EQ(gemma.decode(gemma.encode("a\u2581b")), "a b");
}

TEST(LetterTokenizer, BlankAddedTokensMatchInAnyTextAndOthersInTheTemplatesOnly) {
  const Tokenizer tokenizer = golden_tokenizer("gemma");
  const TokenId two_lines = *tokenizer.special_id("\n\n");
  EXPECT_EQ(tokenizer.encode("\n\n"), std::vector<TokenId>{two_lines});
  EXPECT_EQ(tokenizer.encode(MarkedText("\n\n", Origin::from_user)), std::vector<TokenId>{two_lines});
  const TokenId turn = *tokenizer.special_id("<turn>");
  MarkedText text("<turn>", Origin::from_template);
  text.append("<turn>", Origin::from_user);
  const auto ids = tokenizer.encode(text);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), turn), 1);
  EXPECT_EQ(tokenizer.decode(ids), "<turn><turn>");
}

TEST(LetterTokenizer, ABlankTokenMayReachAcrossOriginsAndASpecialOneNever) {
  const Tokenizer tokenizer = golden_tokenizer("gemma");
  MarkedText text("\n", Origin::from_template);
  text.append("\n", Origin::from_user);
  EXPECT_EQ(tokenizer.encode(text), std::vector<TokenId>{*tokenizer.special_id("\n\n")});
  MarkedText forged("<tu", Origin::from_user);
  forged.append("rn>", Origin::from_template);
  for (const TokenId id : tokenizer.encode(forged)) EXPECT_NE(id, *tokenizer.special_id("<turn>"));
}

TEST(LetterTokenizer, NormalizedTokensMatchInTemplateBytesOnly) {
  // "two words" is looked for as "two\u2581words" in normalised text.
  const Tokenizer tokenizer = golden_tokenizer("gemma");
  const TokenId token = *tokenizer.special_id("two words");
  const auto count = [&](const MarkedText& text) {
    const auto ids = tokenizer.encode(text);
    return std::count(ids.begin(), ids.end(), token);
  };
  EXPECT_EQ(count(MarkedText("two words", Origin::from_template)), 1);
  EXPECT_EQ(count(MarkedText("two\u2581words", Origin::from_template)), 1);
  EXPECT_EQ(count(MarkedText("two words", Origin::from_user)), 0);
  MarkedText mixed("two", Origin::from_template);
  mixed.append("\u2581", Origin::from_user);
  mixed.append("words", Origin::from_template);
  EXPECT_EQ(count(mixed), 0);
}

TEST(LetterTokenizer, AContinuationGetsNoSpaceInFront) {
  const Tokenizer tokenizer = golden_tokenizer("llama2");
  EXPECT_TRUE(tokenizer.spaces_lead());
  EXPECT_EQ(tokenizer.encode("the"), tokenizer.encode_behind(" the", Behind::text));
  EXPECT_NE(tokenizer.encode("the"), tokenizer.encode_behind("the", Behind::text));
  EXPECT_FALSE(golden_tokenizer("gemma").spaces_lead());
}

TEST(ScoredTokenizer, TheHighestScoreMergesFirstAndTheLeftmostOfEqualOnes) {
  GgufVocabulary from = vocabulary({"a", "b", "c", "bc", "ab", "aa"});
  EXPECT_EQ(spelled(built(from), "abc"), (Pieces{"a", "bc"}));
  std::swap(from.scores[from.scores.size() - 3], from.scores[from.scores.size() - 2]);
  EXPECT_EQ(spelled(built(from), "abc"), (Pieces{"ab", "c"}));
  EXPECT_EQ(spelled(built(from), "aaa"), (Pieces{"aa", "a"}));
  from = vocabulary({"a", "b", "c", "bc", "ab"});
  from.scores[from.scores.size() - 2] = from.scores.back();
  EXPECT_EQ(spelled(built(from), "abc"), (Pieces{"ab", "c"}));
}

TEST(ScoredTokenizer, LettersThatAreNoTokenMergeAllTheSameElseBecomeBytes) {
  const Tokenizer tokenizer = built(vocabulary({"x", "xy"}));
  EXPECT_EQ(spelled(tokenizer, "xy"), (Pieces{"xy"}));
  EXPECT_EQ(tokenizer.encode("y"), std::vector<TokenId>{3 + 'y'});
  EXPECT_EQ(tokenizer.encode("\u00e9"), (std::vector<TokenId>{3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(tokenizer.encode("\xFF"), std::vector<TokenId>{3 + 0xFF});
}

TEST(ScoredTokenizer, PlainTextNeverMergesIntoAControlToken) {
  const Tokenizer tokenizer = built(vocabulary({"<", "s", ">", "<s", "s>", "/"}));
  for (const TokenId id : tokenizer.encode("<s></s>")) EXPECT_FALSE(tokenizer.is_special(id));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("<s></s>")), "<s></s>");
}

TEST(ScoredTokenizer, TheSpaceInFrontComesAndGoes) {
  GgufVocabulary from = vocabulary({"\u2581", "a", "\u2581a"});
  EXPECT_EQ(spelled(built(from), "a a"), (Pieces{"a", " a"}));
  from.add_space_prefix = true;
  const Tokenizer tokenizer = built(from);
  EXPECT_EQ(spelled(tokenizer, "a a"), (Pieces{" a", " a"}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" a")), " a");
  EXPECT_EQ(tokenizer.encode(""), std::vector<TokenId>());
}

TEST(ScoredTokenizer, ARunOfSpacesSpelledAsSuchIsMatchedAndMarksKeepTheirLetter) {
  // As GGUF files of Gemma hold them.
  GgufVocabulary from = vocabulary({"\u2581", "a", "\u2581a"});
  from.tokens.emplace_back("  ");
  from.types.push_back(4);
  from.scores.push_back(-9);
  EXPECT_EQ(spelled(built(from), "a   a a"), (Pieces{"a", "  ", " a", " a"}));
}

TEST(ScoredTokenizer, UnknownLettersAreOneTokenEachWhereThereAreNoBytes) {
  GgufVocabulary from = vocabulary({"a"});
  for (std::int32_t& type : from.types) {
    if (type == 6) type = 5;
  }
  EXPECT_EQ(built(from).encode("a\u00e9\u00e9"), (std::vector<TokenId>{259, 0, 0}));
}

TEST(ScoredTokenizer, ScoresThatAreMissingOrNoNumbersAreRefused) {
  GgufVocabulary from = vocabulary({"a"});
  from.scores.back() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(Tokenizer::from_gguf(from).error().message.find("score of token 259"), std::string::npos);
  from.scores.pop_back();
  EXPECT_NE(Tokenizer::from_gguf(from).error().message.find("260 tokens and 259 scores"), std::string::npos);
}

TEST(LetterTokenizer, WhatWouldChangeIdsIsRefusedByName) {
  const Json good = golden_named("gemma")["tokenizer"];
  const auto refused = [&](const char* path, const Json& value) {
    Json changed = good;
    changed[Json::json_pointer(path)] = value;
    const auto made = Tokenizer::from_json(changed, Json());
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(refused("/normalizer", Json{{"type", "NFKC"}}).find("NFKC"), std::string::npos);
  EXPECT_NE(refused("/normalizer/content", "_").find("\"_\""), std::string::npos);
  EXPECT_NE(refused("/pre_tokenizer", Json{{"type", "Punctuation"}}).find("Punctuation"), std::string::npos);
  EXPECT_NE(refused("/model/ignore_merges", true).find("ignore_merges"), std::string::npos);
  EXPECT_NE(refused("/normalizer", Json()).find("Split"), std::string::npos);
}

TEST(Normalizer, OriginsGoThroughByteForByte) {
  Normalizer normalizer;
  normalizer.composes = true;
  normalizer.reads_marks = true;
  MarkedText text("ae", Origin::from_template);
  text.append("\u0301b\u2581", Origin::from_user);
  text.append("c", Origin::from_answer);
  const MarkedText made = normalizer.apply(text);
  EXPECT_EQ(made.text(), "a\u00e9b c");
  ASSERT_EQ(made.stretches().size(), 3U);
  EXPECT_EQ(made.stretches()[0].end, 1U);
  EXPECT_EQ(made.stretches()[1].origin, Origin::from_user);
  EXPECT_EQ(made.stretches()[2].origin, Origin::from_answer);
  std::string buffer;
  EXPECT_EQ(normalizer.apply(text.text(), buffer), made.text());
}

}  // namespace
}  // namespace hone::text
