#include "generate/field_scoring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/json.h"
#include "generate/constrained_responder.h"
#include "generate/constraint_json.h"
#include "generate/constraint_testing.h"

namespace hone::generate {
namespace {

using Ids = std::vector<text::TokenId>;
using Values = std::map<std::string, double>;

const char* const record_schema = R"({"type": "object", "properties": {
  "tone": {"enum": ["he", "hen", "here", "no\u00e9\n", "none"]},
  "open": {"type": "boolean"},
  "free": {"type": "string", "maxLength": 3},
  "in": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "object", "properties": {
    "a/b": {"enum": [1, 10, 100, 2.5, -3]}}, "required": ["a/b"], "additionalProperties": false}},
  "only": {"const": "x"},
  "last": {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 0, "maximum": 2}]}},
  "required": ["tone", "open", "free", "in", "only", "last"], "additionalProperties": false})";

// What each field may be, written out by hand.
const std::map<std::string, std::vector<std::string>>& allowed_values() {
  static const std::vector<std::string> numbers = {"1", "10", "100", "2.5", "-3"};
  static const std::map<std::string, std::vector<std::string>> all = {
      {"/tone", {"\"he\"", "\"hen\"", "\"here\"", "\"no\u00e9\\n\"", "\"none\""}},
      {"/open", {"true", "false"}},
      {"/in/0/a~1b", numbers},
      {"/in/1/a~1b", numbers},
      {"/only", {"\"x\""}},
      {"/last", {"null", "0", "1", "2"}}};
  return all;
}

struct Answered {
  Ids prompt, tokens;
  std::string text;
};

class FieldScoringTest : public testing::Test {
 protected:
  Answered answered(std::uint64_t seed) {
    const MakeConstraint make = JsonConstraint::maker(vocabulary_, schema_, spelling_);
    text::AnswerSpec spec;
    spec.temperature = 2;
    spec.seed = seed;
    const text::Request request = {"r", {{"user", "here"}}, spec};
    Answered answered;
    const EachHeld held = {
        [&](std::size_t) { return make; },
        [&](std::size_t, std::span<const text::TokenId> prompt, std::span<const text::TokenId> tokens) {
          answered.prompt.assign(prompt.begin(), prompt.end());
          answered.tokens.assign(tokens.begin(), tokens.end());
        }};
    constrained_responder(exec_, model_, nullptr, {}, held)
        ->respond({&request, 1},
                  [&](std::size_t, Result<text::Reply> reply) { answered.text = value_or_throw(reply).answer; }, {});
    return answered;
  }

  // Token by token, each with its whole prefix run anew, from raw logits.
  Values brute_force(const Answered& answer, std::size_t value_begin, const std::vector<std::string>& values,
                     char behind) {
    Ids before = answer.prompt;
    std::size_t begin = 0;
    for (const text::TokenId token : answer.tokens) {
      const std::size_t end = begin + model_.tokenizer.token_bytes(token).size();
      if (end > value_begin) break;
      before.push_back(token);
      begin = end;
    }
    const std::string start = answer.text.substr(begin, value_begin - begin);
    std::map<Ids, std::string> sequences;
    for (const std::string& value : values) {
      sequences[model_.tokenizer.encode_behind(start + value + behind, text::Behind::text)] = value;
    }
    Values result;
    for (const auto& [ids, value] : sequences) {
      double log_p = 0;
      for (std::size_t n = 0; n < ids.size(); ++n) {
        const Ids read(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n));
        Ids all = before;
        all.insert(all.end(), read.begin(), read.end());
        const std::vector<float> logits = logits_after(exec_, model_, nullptr, all);
        std::map<text::TokenId, double> next;
        for (const auto& [other, ignored] : sequences) {
          if (std::equal(read.begin(), read.end(), other.begin())) {
            next[other[n]] = std::exp(static_cast<double>(logits[static_cast<std::size_t>(other[n])]));
          }
        }
        double sum = 0;
        for (const auto& [token, weight] : next) sum += weight;
        log_p += std::log(next[ids[n]] / sum);
      }
      result[value] = std::exp(log_p);
    }
    return result;
  }

  tensor::Exec exec_{1};
  model::Model model_ = tiny_model();
  ConstraintVocabulary vocabulary_{model_.tokenizer};
  text::JsonSchema schema_ = value_or_throw(text::JsonSchema::compile(record_schema));
  text::JsonSpelling spelling_;
};

// Where the value of a field begins, by the names in the text; what follows it.
std::pair<std::size_t, char> place_of(const std::string& text, const std::string& field, std::size_t from) {
  const std::size_t name = text.find("\"" + field + "\":", from);
  std::size_t begin = name + field.size() + 3;
  if (text[begin] == ' ') ++begin;
  std::size_t end = begin + 1;
  if (text[begin] == '"') {
    end = text.find('"', end) + 1;
  } else {
    end = text.find_first_of(",}", end);
  }
  return {begin, text[end]};
}

TEST_F(FieldScoringTest, EqualsBruteForceFromRawLogits) {
  int differing = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Answered answer = answered(seed);
    text::JsonMatcher matcher(schema_, spelling_);
    const std::vector<FieldProbabilities> fields =
        FieldScoring(model_, nullptr, vocabulary_).probabilities(exec_, matcher, {answer.prompt, answer.tokens, 0});
    ASSERT_EQ(fields.size(), allowed_values().size()) << answer.text;
    std::size_t from = 0;
    for (const FieldProbabilities& field : fields) {
      const std::vector<std::string>& values = allowed_values().at(field.field);
      const std::string name = field.field.starts_with("/in/") ? "a/b" : field.field.substr(1);
      const auto [begin, behind] = place_of(answer.text, name, from);
      from = begin;
      const Values expected = brute_force(answer, begin, values, behind);
      ASSERT_EQ(field.values.size(), expected.size()) << field.field;
      double sum = 0, last = 1;
      for (const auto& [value, p] : field.values) {
        EXPECT_NEAR(p, expected.at(value), 1e-5) << field.field << " " << value << " in " << answer.text;
        EXPECT_LE(p, last);
        last = p;
        sum += p;
      }
      EXPECT_NEAR(sum, 1, 1e-9) << field.field;
      const Json written = parse_json(answer.text, "answer").value();
      differing += Json::parse(field.values.front().first) != written.at(Json::json_pointer(field.field)) ? 1 : 0;
    }
  }
  EXPECT_GT(differing, 0) << "answers drawn at random are not always the most probable ones";
}

// The same fields behind a rationale, whose text is no part of the JSON.
TEST_F(FieldScoringTest, ReadsTheJsonFromItsBeginning) {
  const Answered answer = answered(3);
  Answered later = answer;
  const Ids rationale = model_.tokenizer.encode_behind("so {\"tone\": 1", text::Behind::text);
  later.prompt.insert(later.prompt.end(), rationale.begin(), rationale.end());
  Ids tokens = rationale;
  tokens.insert(tokens.end(), answer.tokens.begin(), answer.tokens.end());
  text::JsonMatcher matcher(schema_, spelling_);
  const FieldScoring scoring(model_, nullptr, vocabulary_);
  const auto whole = scoring.probabilities(exec_, matcher, {later.prompt, answer.tokens, 0});
  const auto behind =
      scoring.probabilities(exec_, matcher, {answer.prompt, tokens, std::string("so {\"tone\": 1").size()});
  ASSERT_EQ(whole.size(), behind.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].field, behind[i].field);
    for (std::size_t k = 0; k < whole[i].values.size(); ++k) {
      EXPECT_EQ(whole[i].values[k].first, behind[i].values[k].first);
      EXPECT_NEAR(whole[i].values[k].second, behind[i].values[k].second, 1e-5);
    }
  }
}

}  // namespace
}  // namespace hone::generate
