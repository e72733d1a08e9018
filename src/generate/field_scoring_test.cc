#include "generate/field_scoring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

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
  Answered answered(text::AnswerSpec spec, text::JsonSpelling spelling = {}) {
    const MakeConstraint make = JsonConstraint::maker(vocabulary_, schema_, spelling);
    const text::Request request = {"r", {{"user", "here"}}, std::move(spec)};
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
  static text::AnswerSpec drawn(std::uint64_t seed) {
    text::AnswerSpec spec;
    spec.temperature = 2;
    spec.seed = seed;
    return spec;
  }

  bool readable(const std::string& text) {
    text::JsonMatcher matcher(schema_, {});
    text::JsonMatcher::State state = matcher.start();
    for (const char c : text) state = matcher.step(state, static_cast<unsigned char>(c));
    return state != text::JsonMatcher::dead;
  }

  // What stands before a value: the text, and how much of it lies in the token that the value begins in.
  struct Before {
    std::string text, start;
    Ids tokens;
  };
  // The tokens that may come behind `read`, each with the value it leads to, by trying the whole vocabulary.
  std::multimap<text::TokenId, std::string> ways_on(const Before& before, const std::vector<std::string>& values,
                                                    const Ids& read) {
    std::multimap<text::TokenId, std::string> ways;
    const auto goes_on = [&](const Ids& all, std::size_t count) {
      return read.size() <= count && std::equal(read.begin(), read.end(), all.begin());
    };
    for (const std::string& value : values) {
      for (const std::string behind : {"", ",", "}"}) {
        if (!readable(before.text + value + behind)) continue;
        const Ids ids = model_.tokenizer.encode_behind(before.start + value + behind, text::Behind::text);
        const std::size_t inner = ids.size() - behind.size();
        if (!goes_on(ids, inner)) continue;
        std::set<text::TokenId> next;
        if (read.size() < inner) next.insert(ids[read.size()]);
        std::string last = read.size() < inner || behind.empty() ? "" : std::string(bytes_of(ids.back()));
        if (!last.empty()) last.pop_back();
        for (int token = 0; token < tiny_config().vocabulary && read.size() == inner; ++token) {
          const std::string bytes(bytes_of(token));
          if (model_.tokenizer.is_special(token) || bytes.size() <= last.size() || !bytes.starts_with(last)) continue;
          if (std::string(",}").find(bytes[last.size()]) == std::string::npos) continue;
          if (readable(before.text + value + bytes.substr(last.size()))) next.insert(token);
        }
        for (const text::TokenId token : next) {
          const auto [from, to] = ways.equal_range(token);
          if (std::none_of(from, to, [&](const auto& way) { return way.second == value; })) ways.emplace(token, value);
        }
      }
    }
    return ways;
  }

  // Token by token, each with its whole prefix run anew, from raw logits.
  Values brute_force(const Before& before, const std::vector<std::string>& values, const Ids& read) {
    const auto ways = ways_on(before, values, read);
    std::set<std::string> meant;
    for (const auto& [token, value] : ways) meant.insert(value);
    if (meant.size() == 1) return {{*meant.begin(), 1}};
    Ids all = before.tokens;
    all.insert(all.end(), read.begin(), read.end());
    const std::vector<float> logits = logits_after(exec_, model_, nullptr, all);
    const auto weight = [&](text::TokenId token) {
      return std::exp(static_cast<double>(logits[static_cast<std::size_t>(token)]));
    };
    double sum = 0;
    for (auto way = ways.begin(); way != ways.end(); way = ways.upper_bound(way->first)) sum += weight(way->first);
    Values result;
    for (auto way = ways.begin(); way != ways.end(); way = ways.upper_bound(way->first)) {
      std::vector<std::string> on;
      for (auto [from, to] = ways.equal_range(way->first); from != to; ++from) on.push_back(from->second);
      Ids further = read;
      further.push_back(way->first);
      const Values below = on.size() == 1 ? Values{{on.front(), 1}} : brute_force(before, on, further);
      for (const auto& [value, p] : below) result[value] += p * weight(way->first) / sum;
    }
    return result;
  }

  Before before(const Answered& answer, std::size_t value_begin) {
    Before before{answer.text.substr(0, value_begin), "", answer.prompt};
    std::size_t begin = 0;
    for (const text::TokenId token : answer.tokens) {
      const std::size_t end = begin + bytes_of(token).size();
      if (end > value_begin) break;
      before.tokens.push_back(token);
      begin = end;
    }
    before.start = before.text.substr(begin);
    return before;
  }

  std::string_view bytes_of(text::TokenId token) const { return model_.tokenizer.token_bytes(token); }

  // Of an answer: of each token from the one in which a value begins, the softmax among what the constraint allowed
  // there; at the last all tokens that end the value count.
  double steps_taken(const Answered& answer, text::JsonSpelling spelling, std::size_t begin, const std::string& value) {
    JsonConstraint constraint(vocabulary_, schema_, spelling);
    Ids all = answer.prompt;
    std::size_t at = 0;
    double product = 1;
    for (const text::TokenId token : answer.tokens) {
      const std::size_t end = at + bytes_of(token).size();
      if (at >= begin && at < begin + value.size()) {
        const std::string rest = value.substr(at - begin);
        const std::vector<float> logits = logits_after(exec_, model_, nullptr, all);
        const bool ends = end >= begin + value.size();
        double sum = 0, taken = 0;
        for (int other = 0; other < tiny_config().vocabulary; ++other) {
          if (!allows(constraint.allowed(), other)) continue;
          const double weight = std::exp(static_cast<double>(logits[static_cast<std::size_t>(other)]));
          sum += weight;
          if (ends ? bytes_of(other).starts_with(rest) : other == token) taken += weight;
        }
        product *= taken / sum;
      }
      constraint.take(token);
      all.push_back(token);
      at = end;
    }
    return product;
  }

  tensor::Exec exec_{1};
  model::Model model_ = tiny_model();
  ConstraintVocabulary vocabulary_{model_.tokenizer};
  text::JsonSchema schema_ = value_or_throw(text::JsonSchema::compile(record_schema));
};

// Where the value of a field begins, by the names in the text; what follows it.
std::pair<std::size_t, std::string> place_of(const std::string& text, const std::string& field, std::size_t from) {
  const std::size_t name = text.find("\"" + field + "\":", from);
  std::size_t begin = name + field.size() + 3;
  if (text[begin] == ' ') ++begin;
  std::size_t end = begin + 1;
  if (text[begin] == '"') {
    end = text.find('"', end) + 1;
  } else {
    end = text.find_first_of(",}", end);
  }
  return {begin, text.substr(begin, end - begin)};
}

TEST_F(FieldScoringTest, EqualsBruteForceFromRawLogits) {
  int differing = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Answered answer = answered(drawn(seed));
    text::JsonMatcher matcher(schema_, {});
    const std::vector<FieldProbabilities> fields =
        FieldScoring(model_, nullptr, vocabulary_).probabilities(exec_, matcher, {answer.prompt, answer.tokens, 0});
    ASSERT_EQ(fields.size(), allowed_values().size()) << answer.text;
    std::size_t from = 0;
    for (const FieldProbabilities& field : fields) {
      const std::vector<std::string>& values = allowed_values().at(field.field);
      const std::string name = field.field.starts_with("/in/") ? "a/b" : field.field.substr(1);
      from = place_of(answer.text, name, from).first;
      const Values expected = brute_force(before(answer, from), values, {});
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

// Answers and probabilities tell one story: an enumerated value is written as the tokenizer writes it, and its
// probability is that of the steps taken there.
TEST_F(FieldScoringTest, AnAnswerIsOneOfTheWaysThatAreScored) {
  const text::JsonSpelling spelling = {text::JsonSpelling::Keys::schema, text::JsonSpelling::Space::none};
  text::AnswerSpec greedy;
  std::vector<Answered> answers = {answered(greedy, spelling)};
  for (std::uint64_t seed = 1; seed <= 8; ++seed) answers.push_back(answered(drawn(seed), spelling));
  for (const Answered& answer : answers) {
    text::JsonMatcher matcher(schema_, spelling);
    const auto fields =
        FieldScoring(model_, nullptr, vocabulary_).probabilities(exec_, matcher, {answer.prompt, answer.tokens, 0});
    std::size_t from = 0;
    for (const FieldProbabilities& field : fields) {
      const std::string name = field.field.starts_with("/in/") ? "a/b" : field.field.substr(1);
      const auto [begin, value] = place_of(answer.text, name, from);
      from = begin;
      const Before where = before(answer, begin);
      const Ids written = model_.tokenizer.encode_behind(where.start + value, text::Behind::text);
      for (std::size_t i = 0; i + 1 < written.size(); ++i) {
        const std::size_t at = where.tokens.size() - answer.prompt.size() + i;
        EXPECT_EQ(answer.tokens[at], written[i]) << field.field << " in " << answer.text;
      }
      if (!where.start.empty() || field.field.starts_with("/in/") || field.field == "/last") continue;
      const auto found = std::find_if(field.values.begin(), field.values.end(),
                                      [&, written_value = value](const auto& v) { return v.first == written_value; });
      ASSERT_NE(found, field.values.end());
      EXPECT_NEAR(steps_taken(answer, spelling, begin, value), found->second, 1e-5) << field.field;
    }
  }
}

// The same fields behind a rationale, whose text is no part of the JSON.
TEST_F(FieldScoringTest, ReadsTheJsonFromItsBeginning) {
  const Answered answer = answered(drawn(3));
  Answered later = answer;
  const Ids rationale = model_.tokenizer.encode_behind("so {\"tone\": 1", text::Behind::text);
  later.prompt.insert(later.prompt.end(), rationale.begin(), rationale.end());
  Ids tokens = rationale;
  tokens.insert(tokens.end(), answer.tokens.begin(), answer.tokens.end());
  text::JsonMatcher matcher(schema_, {});
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
