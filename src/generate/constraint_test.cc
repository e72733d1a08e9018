#include "generate/constraint.h"

#include <gtest/gtest.h>

#include <cmath>

#include "generate/constrained_step.h"
#include "generate/constraint_json.h"
#include "generate/constraint_testing.h"

namespace hone::generate {
namespace {

text::JsonSchema compiled(const std::string& schema) { return value_or_throw(text::JsonSchema::compile(schema)); }

const std::vector<std::string>& schemas() {
  static const std::vector<std::string> all = {
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer", "minimum": 0, "maximum": 120}}, "required": ["name", "age"], "additionalProperties": false})",
      R"({"type": "array", "items": {"enum": ["he", "here", "inner", "\u00e9\n\""]}, "minItems": 1, "maxItems": 3})",
      R"({"$defs": {"t": {"type": "object", "properties": {"v": {"type": "boolean"}, "in": {"$ref": "#/$defs/t"}}, "required": ["v"]}}, "$ref": "#/$defs/t"})",
      R"({"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"})",
      R"({"type": "number", "exclusiveMinimum": 0.5, "maximum": 2})",
      R"({"oneOf": [{"type": "object", "properties": {"k": {"const": "a"}, "x": {"type": "null"}}, "required": ["k", "x"]}, {"type": "object", "properties": {"k": {"const": "b"}}, "required": ["k"]}], "maxProperties": 3})",
      R"({"type": "object", "properties": {"w": {"enum": ["he", "here", "inner", "\u00e9\n"]}, "n": {"enum": [1, 12, 2.5]}}, "required": ["w", "n"], "additionalProperties": false})",
      R"({"type": "object", "properties": {"here": {"type": "null"}, "no": {"type": "null"}}, "patternProperties": {"^[a-i]{2,4}$": {"type": "integer", "maximum": 9}}, "required": ["here"], "additionalProperties": false, "maxProperties": 3})",
      R"({"type": "string", "pattern": "^(he|[^a]{2})*$", "minLength": 3, "maxLength": 9})",
  };
  return all;
}

bool accepts(const std::string& schema, const std::string& text) {
  text::JsonMatcher matcher(compiled(schema), {});
  text::JsonMatcher::State state = matcher.start();
  for (const char c : text) state = matcher.step(state, static_cast<unsigned char>(c));
  return matcher.accepts(state);
}

class ConstraintTest : public testing::Test {
 protected:
  MakeConstraint maker(const std::string& schema) { return JsonConstraint::maker(vocabulary_, compiled(schema), {}); }
  Result<text::Reply> answer(const std::string& schema, text::AnswerSpec spec) {
    return held_answer(exec_, model_, maker(schema), std::move(spec));
  }

  tensor::Exec exec_{1};
  model::Model model_ = tiny_model();
  ConstraintVocabulary vocabulary_{model_.tokenizer};
};

// Whether any of the bytes of `text` from `from` on belong to a member's value of which the schema allows few.
bool reaches_into_few(const std::string& schema, const std::string& text, std::size_t from) {
  text::JsonMatcher matcher(compiled(schema), {});
  text::JsonMatcher::State state = matcher.start();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && matcher.at_member_value(state) && matcher.few_values(state, most_field_values)) {
      std::size_t end = text[i] == '"' ? text.find('"', i + 1) : text.find_first_of(",}", i);
      end = std::min(end, text.size() - 1) + (text[i] == '"' ? 1 : 0);
      if (end > from) return true;
    }
    state = matcher.step(state, static_cast<unsigned char>(text[i]));
  }
  return false;
}

// A mask is exactly the tokens whose bytes can be read, found one by one; of those that reach into a value of a few it
// is some.
TEST_F(ConstraintTest, MasksAreExactAtTheByteLevel) {
  Rng rng(5);
  int narrowed = 0;
  for (const std::string& schema : schemas()) {
    const auto constraint = maker(schema)();
    text::JsonMatcher matcher(compiled(schema), {});
    text::JsonMatcher::State state = matcher.start();
    std::string text;
    for (int length = 0; length < 60; ++length) {
      std::vector<text::TokenId> possible;
      const auto allowed = constraint->allowed();
      for (std::size_t i = 0; i < model_.tokenizer.vocabulary_size(); ++i) {
        const auto token = static_cast<text::TokenId>(i);
        const std::string bytes(model_.tokenizer.token_bytes(token));
        text::JsonMatcher::State next = state;
        for (const char c : bytes) next = matcher.step(next, static_cast<unsigned char>(c));
        const bool special = model_.tokenizer.is_special(token);
        const bool readable = !special && next != text::JsonMatcher::dead;
        const bool ends = token == turn_stop && matcher.accepts(state);
        if (readable && !allows(allowed, token)) {
          ++narrowed;
          EXPECT_TRUE(reaches_into_few(schema, text + bytes, text.size())) << text << " token " << bytes;
        } else {
          EXPECT_EQ(allows(allowed, token), readable || ends) << schema << " token " << token << " after " << text;
        }
        if (readable && allows(allowed, token)) possible.push_back(token);
      }
      if (possible.empty()) {
        EXPECT_TRUE(matcher.accepts(state)) << "a dead end: " << text;
        break;
      }
      const text::TokenId token =
          possible[static_cast<std::size_t>(rng.uniform() * static_cast<double>(possible.size()))];
      constraint->take(token);
      text += model_.tokenizer.token_bytes(token);
      for (const char c : model_.tokenizer.token_bytes(token))
        state = matcher.step(state, static_cast<unsigned char>(c));
    }
  }
  EXPECT_GT(narrowed, 0);
}

// Texts are let through whatever tokens spell them, where only how an enumerated value is spelled stands against it.
TEST_F(ConstraintTest, ValuesOtherwiseSpelledCanBeRead) {
  const std::string schema = R"({"properties": {"k": {"enum": ["he", "hen", "\u00e9"]}}, "required": ["k"]})";
  const auto read = [&](const std::string& text) {
    JsonConstraint constraint(vocabulary_, compiled(schema), {});
    int otherwise = 0;
    for (const char c : text) {
      const text::TokenId byte = static_cast<unsigned char>(c);
      if (allows(constraint.allowed(), byte)) {
        constraint.take(byte);
      } else if (constraint.take_otherwise_spelled(byte)) {
        ++otherwise;
      } else {
        return -1;
      }
    }
    EXPECT_TRUE(constraint.may_end());
    return otherwise;
  };
  EXPECT_EQ(read(R"({"k":"he"})"), 1);  // "h", where the tokenizer writes "he"
  EXPECT_GT(read(R"({"k":"\u00e9"})"), 0);
  EXPECT_EQ(read(R"({"k":"hi"})"), -1);
  EXPECT_EQ(read(R"({"z":"hi","k":"he"})"), -1);  // keys come in the schema's order
}

// A model of random weights says anything; under a constraint all of it is valid, wherever the limit falls.
TEST_F(ConstraintTest, EveryAnswerIsValidAtEveryLimit) {
  int cut = 0;
  for (const std::string& schema : schemas()) {
    for (int limit = 30; limit <= 60; limit += 10) {
      text::AnswerSpec spec;
      spec.temperature = 1.5;
      spec.seed = static_cast<std::uint64_t>(limit);
      spec.max_tokens = limit;
      const Result<text::Reply> reply = answer(schema, spec);
      ASSERT_TRUE(reply) << reply.error().message;
      EXPECT_TRUE(accepts(schema, reply->answer)) << schema << ": " << reply->answer;
      EXPECT_LE(reply->usage.completion_tokens, limit);
      cut += reply->finish == "length" ? 1 : 0;
    }
  }
  EXPECT_GT(cut, 0);
}

TEST_F(ConstraintTest, NoRoomForAWholeAnswerIsAnError) {
  text::AnswerSpec spec;
  spec.max_tokens = 8;
  const Result<text::Reply> reply = answer(schemas()[0], spec);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("a whole answer takes"), std::string::npos) << reply.error().message;
  spec.max_tokens = 60;
  spec.stop = {","};
  EXPECT_FALSE(answer(schemas()[0], spec));
}

// Under a constraint the probabilities of the tokens that may follow sum to one.
TEST_F(ConstraintTest, LogProbabilitiesAreNormalisedAmongWhatMayFollow) {
  const auto constraint = maker(R"({"enum": [1, 2, 3]})")();
  std::vector<float> logits(static_cast<std::size_t>(tiny_config().vocabulary), 0.0F);
  logits['2'] = 1;
  logits['9'] = 50;
  Rng rng(1);
  text::AnswerSpec spec;
  spec.logprobs = true;
  const ConstrainedStep step = constrained_step(*constraint, {logits, spec, model_.tokenizer, rng, 5});
  ASSERT_EQ(step.tokens, std::vector<text::TokenId>{'2'});
  EXPECT_NEAR(step.logprobs[0], 1 - std::log(2 + std::exp(1.0)), 1e-6);
  EXPECT_STREQ(step.finish, "stop");
}

// A vocabulary that can't spell an enumeration's value is refused before anything is decoded, by the byte that it
// lacks.
TEST(ConstraintVocabulary, RefusesOneThatLacksAByte) {
  const text::JsonSchema anything = compiled("{}");
  for (const int missing : {static_cast<int>('z'), 0xA9}) {
    const text::Tokenizer lacking = tiny_tokenizer_without(missing);
    const ConstraintVocabulary vocabulary(lacking);
    try {
      const JsonConstraint constraint(vocabulary, anything, {});
      ADD_FAILURE() << "taken without " << missing;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ErrorCode::unsupported);
      const std::string named = fmt::format("no token for the byte 0x{:02x}", missing);
      EXPECT_NE(std::string(failure.what()).find(named), std::string::npos) << failure.what();
    }
  }
  // A byte that only begins long characters can be written as an escape.
  const text::Tokenizer without_lead = tiny_tokenizer_without(0xC3);
  const ConstraintVocabulary vocabulary(without_lead);
  const auto constraint = JsonConstraint::maker(vocabulary, compiled(R"({"enum": ["\u00e9"]})"), {})();
  std::string text;
  for (const text::TokenId token : constraint->closing()) text += without_lead.token_bytes(token);
  EXPECT_EQ(text, "\"\\u00e9\"");
}

// What must follow is written without asking the model.
TEST_F(ConstraintTest, ForcedStretchesAreAppended) {
  const auto constraint = maker(
      R"({"type": "object", "properties": {"here": {"type": "null"}}, "required": ["here"], "maxProperties": 1})")();
  EXPECT_EQ(constraint->forced(), "{\"here\":");
  const auto tokens = take_forced(*constraint, model_.tokenizer, 40);
  std::string text;
  for (const text::TokenId token : tokens) text += model_.tokenizer.token_bytes(token);
  EXPECT_EQ(text, "{\"here\"");
  EXPECT_TRUE(take_forced(*constraint, model_.tokenizer, 40).empty());
}

TEST_F(ConstraintTest, CountsTheCharactersOfTokensInsideStrings) {
  const auto none = vocabulary_.inside_strings(0), one = vocabulary_.inside_strings(1),
             two = vocabulary_.inside_strings(2);
  EXPECT_FALSE(allows(none, 'a'));
  EXPECT_TRUE(allows(one, 'a'));
  EXPECT_FALSE(allows(one, 256));  // "he"
  EXPECT_TRUE(allows(two, 256));
  EXPECT_FALSE(allows(two, '"'));
}

// What is remembered may be forgotten at any time: two answers that take turns are decided as alone, whatever the
// bound, and no more is held than the bound and what one step meets.
TEST_F(ConstraintTest, DecisionsAreTheSameWhateverIsForgotten) {
  Rng rng(7);
  for (const std::string& schema : schemas()) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{20'000}}) {
      const auto small = JsonConstraint::maker(vocabulary_, compiled(schema), {}, {bytes});
      std::vector<std::unique_ptr<Constraint>> tight, free;
      for (int i = 0; i < 2; ++i) {
        tight.push_back(small());
        free.push_back(maker(schema)());
      }
      for (int length = 0; length < 80; ++length) {
        const auto i = static_cast<std::size_t>(length % 2);
        const auto mine = tight[i]->allowed(), whole = free[i]->allowed();
        ASSERT_TRUE(std::equal(mine.begin(), mine.end(), whole.begin(), whole.end())) << schema;
        EXPECT_EQ(tight[i]->may_end(), free[i]->may_end());
        EXPECT_EQ(tight[i]->must_end(), free[i]->must_end());
        EXPECT_EQ(tight[i]->forced(), free[i]->forced());
        EXPECT_EQ(tight[i]->closing(), free[i]->closing());
        std::vector<text::TokenId> possible;
        for (int token = 0; token < tiny_config().vocabulary; ++token) {
          if (allows(mine, token) && token != turn_stop) possible.push_back(token);
        }
        if (possible.empty()) continue;
        const text::TokenId token =
            possible[static_cast<std::size_t>(rng.uniform() * static_cast<double>(possible.size()))];
        tight[i]->take(token);
        free[i]->take(token);
      }
    }
  }
}

// An answer for days: a string whose every place has states of its own.
TEST_F(ConstraintTest, WhatIsRememberedIsBounded) {
  constexpr std::size_t bound = 300'000;
  const text::JsonSchema schema = compiled(R"({"type": "array", "items": {"type": "string", "maxLength": 500}})");
  JsonConstraint* answer = nullptr;
  const auto owner = JsonConstraint::maker(vocabulary_, schema, {}, {bound})();
  answer = dynamic_cast<JsonConstraint*>(owner.get());
  ASSERT_NE(answer, nullptr);
  std::size_t most = 0, falls = 0, before = 0;
  for (const char c : std::string("[\"")) answer->take(static_cast<unsigned char>(c));
  for (int i = 0; i < 3000; ++i) {
    EXPECT_TRUE(allows(answer->allowed(), 'a'));
    answer->take(i % 400 == 399 ? '"' : 'a');
    if (i % 400 == 399) {
      answer->take(',');
      answer->take('"');
    }
    most = std::max(most, answer->shared_bytes());
    falls += answer->shared_bytes() < before ? 1 : 0;
    before = answer->shared_bytes();
  }
  EXPECT_GT(falls, 0U);
  EXPECT_LT(most, 10 * bound);
}

}  // namespace
}  // namespace hone::generate
