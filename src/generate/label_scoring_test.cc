#include "generate/label_scoring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/rng.h"
#include "generate/generate_testing.h"

namespace hone::generate {
namespace {

// A label that the tokenizer would leave letters out of would be scored as another text.
TEST(LabelTrie, RefusesLabelsThatTheVocabularyCantSpell) {
  const text::Tokenizer tokenizer = tiny_tokenizer_without('z');
  const text::AnswerForm form = value_or_throw(text::answer_form(tokenizer, text::ChatTemplate::chatml()));
  const std::vector<std::string> good = {"bar", "caf\u00e9"}, bad = {"bar", "zoo"};
  EXPECT_NO_THROW(LabelTrie(tokenizer, good, form));
  try {
    const LabelTrie trie(tokenizer, bad, form);
    ADD_FAILURE() << "taken";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(failure.what()).find("\"zoo\""), std::string::npos) << failure.what();
  }
}

using Labels = std::vector<std::string>;
using Ids = std::vector<text::TokenId>;

LabelScoring scoring_of(const model::Model& model, const Labels& labels) {
  const text::AnswerForm form = value_or_throw(text::answer_form(model.tokenizer, model.chat_template));
  return LabelScoring(LabelTrie(model.tokenizer, labels, form), labels.size());
}

std::vector<Ids> sequences_of(const model::Model& model, const Labels& labels) {
  std::vector<Ids> sequences;
  for (const std::string& label : labels) {
    sequences.push_back(model.tokenizer.encode(label));
    sequences.back().push_back(turn_stop);
  }
  return sequences;
}

// The next tokens that some sequence beginning with `prefix` allows.
std::set<text::TokenId> allowed_after(const std::vector<Ids>& sequences, const Ids& prefix) {
  std::set<text::TokenId> allowed;
  for (const Ids& ids : sequences) {
    if (ids.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), ids.begin())) {
      allowed.insert(ids[prefix.size()]);
    }
  }
  return allowed;
}

// Probabilities token by token, each with its whole prefix run anew.
std::vector<double> naive_probabilities(tensor::Exec& exec, const model::Model& model, const Ids& prompt,
                                        const std::vector<Ids>& sequences) {
  std::vector<double> result;
  for (const Ids& ids : sequences) {
    double log_p = 0;
    for (std::size_t n = 0; n < ids.size(); ++n) {
      Ids all = prompt;
      all.insert(all.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n));
      const std::vector<float> logits = logits_after(exec, model, nullptr, all);
      double sum = 0;
      for (const text::TokenId id :
           allowed_after(sequences, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)})) {
        sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]));
      }
      log_p += logits[static_cast<std::size_t>(ids[n])] - std::log(sum);
    }
    result.push_back(std::exp(log_p));
  }
  return result;
}

const std::vector<Labels>& label_sets() {
  static const std::vector<Labels> sets = {
      {"malicious", "benign"},
      {"no", "none", "nobody", "yes"},             // a label that begins another
      {"card lost", "card late", "card", "cash"},  // shared beginnings
      {"other", "here", "herein", "hero", "he"},
      {"alone"},
  };
  return sets;
}

TEST(LabelScoring, EqualsTokenByTokenSoftmaxOverAllowedTokens) {
  tensor::Exec exec(2);
  const model::Model model = tiny_model();
  const text::Request request{"r", {{"system", "Sort it."}, {"user", "where is my card"}}, {}};
  const auto responder = local_responder(exec, model, nullptr, {});
  const Ids prompt = model.tokenizer.encode(value_or_throw(model.chat_template.render(request.messages, {})));
  for (const Labels& labels : label_sets()) {
    text::Request asked = request;
    asked.answer.labels = labels;
    const auto expected = naive_probabilities(exec, model, prompt, sequences_of(model, labels));
    int replies = 0;
    responder->respond(std::span(&asked, 1),
                       [&](std::size_t, Result<text::Reply> reply) {
                         ++replies;
                         ASSERT_TRUE(reply.has_value()) << reply.error().message;
                         double sum = 0;
                         std::size_t best = 0;
                         for (std::size_t i = 0; i < labels.size(); ++i) {
                           EXPECT_EQ(reply->label_probabilities[i].first, labels[i]);
                           EXPECT_NEAR(reply->label_probabilities[i].second, expected[i], 1e-5);
                           sum += reply->label_probabilities[i].second;
                           if (expected[i] > expected[best]) best = i;
                         }
                         EXPECT_NEAR(sum, 1, 1e-12);
                         EXPECT_EQ(reply->answer, labels[best]);
                         EXPECT_EQ(reply->finish, "label");
                         EXPECT_EQ(reply->usage.prompt_tokens, static_cast<int>(prompt.size()));
                       },
                       {});
    EXPECT_EQ(replies, 1);
  }
}

// SentencePiece's space before a text does not stand before an answer that goes on behind the prompt.
TEST(LabelTrie, LabelsContinueThePrompt) {
  text::GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.tokens = {"<unk>", "</s>", "\u2581", "y", "e", "s", "n", "o", "ye", "yes", "no", "\u2581no", "\u2581yes"};
  for (int byte = 0; byte < 256; ++byte) vocabulary.tokens.push_back(fmt::format("<0x{:02X}>", byte));
  vocabulary.types.assign(vocabulary.tokens.size(), 1);
  std::fill(vocabulary.types.begin() + 13, vocabulary.types.end(), 6);
  vocabulary.types[0] = 2;
  vocabulary.types[1] = 3;
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) vocabulary.scores.push_back(static_cast<float>(i));
  vocabulary.eos = 1;
  vocabulary.unknown = 0;
  const auto tokenizer = value_or_throw(text::Tokenizer::from_gguf(vocabulary));
  const auto first_tokens = [&](const char* source) {
    const auto chat = value_or_throw(text::ChatTemplate::parse(source));
    const Labels labels = {"yes", "no"};
    const LabelTrie trie(tokenizer, labels, value_or_throw(text::answer_form(tokenizer, chat)));
    Labels first;
    for (const int child : trie.nodes()[0].children) {
      first.emplace_back(tokenizer.token_bytes(trie.nodes()[static_cast<std::size_t>(child)].token));
    }
    return first;
  };
  EXPECT_EQ(
      first_tokens("{% for m in messages %}\n{{ m.content }}</s>{% endfor %}{{ 'A:\n' if add_generation_prompt }}"),
      (Labels{"yes", "no"}));
  EXPECT_EQ(first_tokens("{% for m in messages %}{{ m.content if m.role == 'user' else ' ' + m.content }}{% endfor %}"),
            (Labels{" yes", " no"}));
}

TEST(LabelScoring, RunsOnlyTokensWithABranchBelow) {
  const model::Model model = tiny_model();
  for (const Labels& labels : label_sets()) {
    const auto sequences = sequences_of(model, labels);
    std::set<Ids> branching, wanted;
    for (const Ids& ids : sequences) {
      for (std::size_t n = 0; n < ids.size(); ++n) {
        const Ids prefix(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n));
        if (allowed_after(sequences, prefix).size() > 1) branching.insert(prefix);
      }
    }
    for (const Ids& prefix : branching) {
      for (std::size_t n = 1; n <= prefix.size(); ++n) {
        wanted.insert(Ids(prefix.begin(), prefix.begin() + static_cast<std::ptrdiff_t>(n)));
      }
    }
    const LabelScoring scoring = scoring_of(model, labels);
    EXPECT_EQ(scoring.run_tokens(), static_cast<int>(wanted.size()));
    EXPECT_EQ(scoring.runs().size() + (scoring.root_branches() ? 1 : 0), branching.size());
  }
  EXPECT_EQ(scoring_of(model, {"malicious", "benign"}).run_tokens(), 0);
  EXPECT_EQ(scoring_of(model, {"alone"}).probabilities({}), std::vector<double>{1.0});
}

TEST(LabelScoring, ProbabilitiesSumToOneForAnyLogits) {
  const model::Model model = tiny_model();
  Rng rng(8);
  for (const Labels& labels : label_sets()) {
    const LabelScoring scoring = scoring_of(model, labels);
    std::vector<std::vector<float>> logits;
    const auto draw = [&](int node) {
      logits.emplace_back();
      for (std::size_t i = 0; i < scoring.next_tokens(node).size(); ++i) {
        logits.back().push_back(static_cast<float>(30 * rng.normal()));
      }
    };
    if (scoring.root_branches()) draw(0);
    for (const auto& run : scoring.runs()) draw(run.node);
    double sum = 0;
    for (const double p : scoring.probabilities(logits)) sum += p;
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(LabelTrie, NamesLabelsThatAreTheSameTokens) {
  const model::Model model = tiny_model();
  try {
    scoring_of(model, {"spam", "ham", "spam"});
    FAIL() << "accepted";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("\"spam\" and \"spam\""), std::string::npos);
  }
}

}  // namespace
}  // namespace hone::generate
