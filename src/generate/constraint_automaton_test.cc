#include "generate/constraint_automaton.h"

#include <gtest/gtest.h>

#include "generate/constrained_step.h"
#include "generate/constraint_json.h"
#include "generate/constraint_sequence.h"
#include "generate/constraint_testing.h"
#include "text/regex.h"

namespace hone::generate {
namespace {

text::Automaton automaton_of(const std::string& pattern) { return value_or_throw(text::compile_whole_regex(pattern)); }

const std::vector<std::string>& patterns() {
  static const std::vector<std::string> all = {
      R"([A-Z]{2}-[0-9]{3})", R"((he|here|inner)( (he|here|inner)){0,3})", "a|b$|^c", "[^x]{3,8}",
      "no(be)*\n?",           "\xC3\xA9+[\xE2\x82\xAC-\xE2\x82\xAF]",
  };
  return all;
}

class AutomatonConstraintTest : public testing::Test {
 protected:
  MakeConstraint maker(const text::Automaton& automaton) {
    return value_or_throw(AutomatonConstraint::maker(vocabulary_, automaton));
  }
  Result<text::Reply> answer(const MakeConstraint& make, text::AnswerSpec spec) {
    return held_answer(exec_, model_, make, std::move(spec));
  }
  static text::AnswerSpec sampled(int seed, int limit) {
    text::AnswerSpec spec;
    spec.temperature = 1.5;
    spec.seed = static_cast<std::uint64_t>(seed);
    spec.max_tokens = limit;
    return spec;
  }

  tensor::Exec exec_{1};
  model::Model model_ = tiny_model();
  ConstraintVocabulary vocabulary_{model_.tokenizer};
};

// A mask is exactly the tokens whose bytes can be read, found one by one.
TEST_F(AutomatonConstraintTest, MasksAreExactAtTheByteLevel) {
  Rng rng(5);
  for (const std::string& pattern : patterns()) {
    const text::Automaton automaton = automaton_of(pattern);
    const auto constraint = maker(automaton)();
    std::int32_t state = 0;
    const auto after = [&](text::TokenId token) {
      std::int32_t next = state;
      for (const char c : model_.tokenizer.token_bytes(token)) {
        if (next >= 0) next = automaton->step(next, static_cast<unsigned char>(c));
      }
      return next;
    };
    for (int length = 0; length < 20; ++length) {
      const bool accepts = automaton->accepting[static_cast<std::size_t>(state)] != 0;
      std::vector<text::TokenId> possible;
      for (std::size_t i = 0; i < model_.tokenizer.vocabulary_size(); ++i) {
        const auto token = static_cast<text::TokenId>(i);
        const bool readable = !model_.tokenizer.is_special(token) && after(token) >= 0;
        EXPECT_EQ(allows(constraint->allowed(), token), readable || (token == turn_stop && accepts))
            << pattern << " token " << token << " after " << length;
        if (readable) possible.push_back(token);
      }
      EXPECT_EQ(constraint->may_end(), accepts);
      EXPECT_EQ(constraint->must_end(), possible.empty());
      if (possible.empty()) break;
      const auto chosen = static_cast<std::size_t>(rng.uniform() * static_cast<double>(possible.size()));
      state = after(possible[chosen]);
      constraint->take(possible[chosen]);
    }
  }
}

// A model of random weights says anything; under a pattern all of it matches as a whole, wherever the limit falls.
TEST_F(AutomatonConstraintTest, EveryAnswerMatchesAtEveryLimit) {
  int cut = 0;
  for (const std::string& pattern : patterns()) {
    for (int limit = 6; limit <= 12; ++limit) {
      const Result<text::Reply> reply = answer(maker(automaton_of(pattern)), sampled(limit, limit));
      ASSERT_TRUE(reply) << reply.error().message;
      EXPECT_TRUE(automaton_of(pattern)->accepts(reply->answer)) << pattern << ": " << reply->answer;
      EXPECT_LE(reply->usage.completion_tokens, limit);
      cut += reply->finish == "length" ? 1 : 0;
    }
  }
  EXPECT_GT(cut, 0);
  EXPECT_FALSE(answer(maker(automaton_of("[a-z]{9}")), sampled(1, 4)));
}

TEST_F(AutomatonConstraintTest, WritesWhatMustFollowWithoutTheModel) {
  const auto constraint = maker(automaton_of("(no){2}-[0-9]"))();
  EXPECT_EQ(constraint->forced(), "nono-");
  std::string text;
  for (const text::TokenId token : take_forced(*constraint, model_.tokenizer, 9)) {
    text += model_.tokenizer.token_bytes(token);
  }
  EXPECT_EQ(text, "nono");
}

TEST_F(AutomatonConstraintTest, LabelsThatBeginAlikeAreToldApart) {
  const std::vector<std::string> labels = {"he", "here", "in"};
  const auto constraint = maker(text::literal_texts(labels))();
  EXPECT_FALSE(constraint->may_end());
  constraint->take(256);  // "he"
  EXPECT_TRUE(constraint->may_end());
  EXPECT_FALSE(constraint->must_end());
  EXPECT_TRUE(allows(constraint->allowed(), turn_stop));
  EXPECT_TRUE(allows(constraint->allowed(), 'r'));
  EXPECT_FALSE(allows(constraint->allowed(), 'e'));
}

TEST_F(AutomatonConstraintTest, PatternsThatNothingMatchesAreErrors) {
  EXPECT_FALSE(AutomatonConstraint::maker(vocabulary_, automaton_of("a^b")));
  EXPECT_FALSE(text::compile_whole_regex("a(?=b)"));
}

// Patterns and labels need no more of a vocabulary than they are made of. A label that can't be spelled is an error,
// and never just left out.
TEST(AutomatonConstraint, AVocabularyMayLackBytesThatNothingNeeds) {
  const text::Tokenizer tokenizer = tiny_tokenizer_without('z');
  const ConstraintVocabulary vocabulary(tokenizer);
  EXPECT_TRUE(AutomatonConstraint::maker(vocabulary, automaton_of("[0-9]{3}")));
  EXPECT_TRUE(AutomatonConstraint::maker(vocabulary, automaton_of("[a-z]{3}")));
  const auto refused = AutomatonConstraint::maker(vocabulary, automaton_of("zoo|zebra"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  const std::vector<std::string> labels = {"bar", "zoo"};
  const auto unspelled = AutomatonConstraint::of_texts(vocabulary, labels);
  ASSERT_FALSE(unspelled);
  EXPECT_NE(unspelled.error().message.find("\"zoo\" can't be answered"), std::string::npos)
      << unspelled.error().message;
  EXPECT_NE(unspelled.error().message.find("0x7a"), std::string::npos) << unspelled.error().message;
  EXPECT_TRUE(AutomatonConstraint::of_texts(vocabulary, std::vector<std::string>{"bar", "bee"}));

  const text::Tokenizer no_colon = tiny_tokenizer_without(':');
  const ConstraintVocabulary without_marker(no_colon);
  const MakeConstraint digits = value_or_throw(AutomatonConstraint::maker(without_marker, automaton_of("[0-9]")));
  EXPECT_THROW(SequenceConstraint::maker(without_marker, 3, digits), Failure);
}

// Free text, the marker once, then a whole answer: wherever the limits fall.
TEST_F(AutomatonConstraintTest, ARationaleComesBeforeTheAnswer) {
  const MakeConstraint json =
      JsonConstraint::maker(vocabulary_, value_or_throw(text::JsonSchema::compile(R"({"enum": ["he", "inner"]})")), {});
  const text::Automaton quoted = automaton_of("\"(he|inner)\"");
  for (int limit = 24; limit <= 60; limit += 3) {
    for (const int rationale : {1, 5, 40}) {
      const Result<text::Reply> reply =
          answer(SequenceConstraint::maker(vocabulary_, rationale, json), sampled(limit, limit));
      ASSERT_TRUE(reply) << reply.error().message;
      const ReasonedAnswer parts = split_at_marker(reply->answer);
      EXPECT_TRUE(quoted->accepts(parts.answer)) << reply->answer;
      EXPECT_LE(reply->usage.completion_tokens, limit);
      EXPECT_LE(static_cast<int>(parts.rationale.size()), 2 * rationale * 3);
    }
  }
}

// The marker that the model writes itself ends the rationale, and so does the end of its turn.
TEST_F(AutomatonConstraintTest, TheModelMayEndTheRationaleItself) {
  const MakeConstraint make = SequenceConstraint::maker(vocabulary_, 100, maker(automaton_of("[0-9]")));
  const auto written = make();
  for (const char c : std::string("so\nAnswer")) written->take(static_cast<unsigned char>(c));
  EXPECT_EQ(written->forced(), "");
  written->take(':');
  EXPECT_EQ(written->forced(), "\n");
  EXPECT_FALSE(allows(written->allowed(), turn_stop));
  written->take('\n');
  EXPECT_FALSE(allows(written->allowed(), 'a'));
  written->take('7');
  EXPECT_TRUE(written->must_end());

  const auto ended = make();
  ended->take('s');
  EXPECT_TRUE(allows(ended->allowed(), turn_stop));
  std::vector<float> logits(static_cast<std::size_t>(tiny_config().vocabulary), 0.0F);
  logits[turn_stop] = 9;
  Rng rng(1);
  const ConstrainedStep step = constrained_step(*ended, {logits, {}, model_.tokenizer, rng, 40});
  EXPECT_EQ(step.finish, nullptr);
  std::string text;
  for (const text::TokenId token : step.tokens) text += model_.tokenizer.token_bytes(token);
  EXPECT_EQ(text, "\nAnswer:");
  EXPECT_EQ(ended->forced(), "\n");
}

TEST_F(AutomatonConstraintTest, SplitsAtTheFirstMarker) {
  const ReasonedAnswer parts = split_at_marker(" two words \nAnswer:\nyes\nAnswer:\n");
  EXPECT_EQ(parts.rationale, "two words");
  EXPECT_EQ(parts.answer, "yes\nAnswer:\n");
  EXPECT_EQ(split_at_marker("Answer:\nno").answer, "no");
  EXPECT_EQ(split_at_marker("  \nAnswer:\nno").rationale, "");
}

// Requests of one batch are held to different things; one that can't be is an error of its own.
TEST_F(AutomatonConstraintTest, EachRequestHasItsOwnConstraint) {
  const std::vector<std::string> wanted = {"[0-9]{3}", "", "x+y", "[A-C]"};
  std::vector<text::Request> requests;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    requests.push_back({"r" + std::to_string(i), {{"user", "here"}}, sampled(static_cast<int>(i), 9)});
  }
  const ConstraintOf constraint_of = [&](std::size_t i) -> Result<MakeConstraint> {
    if (wanted[i].empty()) return bad_input("not this one");
    return maker(automaton_of(wanted[i]));
  };
  const auto responder = constrained_responder(exec_, model_, nullptr, {}, EachHeld{constraint_of, {}});
  std::vector<bool> seen(wanted.size(), false);
  const auto on_reply = [&](std::size_t i, Result<text::Reply> reply) {
    seen[i] = true;
    ASSERT_EQ(reply.has_value(), !wanted[i].empty());
    if (reply) {
      EXPECT_TRUE(automaton_of(wanted[i])->accepts(reply->answer)) << reply->answer;
    }
  };
  responder->respond(requests, on_reply, {});
  EXPECT_EQ(seen, std::vector<bool>(wanted.size(), true));
}

}  // namespace
}  // namespace hone::generate
