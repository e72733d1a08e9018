#include "report/report.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/rng.h"
#include "report/figures.h"
#include "report/html.h"
#include "report/width.h"

namespace hone::report {
namespace {

const std::vector<std::string> families = {"direct override", "role play",    "encoded",       "mail",
                                           "web page",        "code comment", "git questions", "security lecture",
                                           "story",           "tool output",  "multi-lingual", "shopping"};

eval::ContenderResult contender(const std::string& name, eval::ContenderKind kind, double right,
                                const data::Task& task) {
  eval::ContenderResult result;
  result.name = name;
  result.kind = kind;
  Rng rng(hash64(name));
  for (std::size_t i = 0; i < 420; ++i) {
    eval::ScoredRow row;
    row.id = std::to_string(i);
    row.gold = task.labels[i % 2];
    row.source = families[i % families.size()];
    const double skill = right - 0.012 * static_cast<double>(i % families.size());
    row.answer = rng.uniform() < skill ? row.gold : task.labels[1 - i % 2];
    if (kind == eval::ContenderKind::majority) row.answer = task.labels[0];
    result.test.push_back(row);
  }
  result.test_metrics = eval::measure(result.test, task, 1);
  result.latency = {right * 20, right * 31, 150};
  result.usd_per_million = 1.37;
  return result;
}

// What a run on the guard example gives, made up; HONE_SAMPLE_REPORT=FILE writes its page, to look at.
struct Sample {
  Sample() {
    task.name = "guard";
    task.labels = {"benign", "malicious"};
    task.positive = "malicious";
    task.metric = "macro_f1";
    task.target = 0.85;
    input.task = &task;
    input.title = "Prompt-injection guard";
    input.made = "2026-11-24T03:42:39Z";
    input.facts = {{"rows", "910 train, 210 validation, 420 test, 3 set aside"},
                   {"metric", "macro_f1"},
                   {"base model", "smollm2-135m"},
                   {"fine-tuning", "171 steps in 6 m 20 s, all epochs"},
                   {"test rows scored so far", "7 times over all contenders"}};
    add_contenders();
    add_comparisons();
    add_curve();
    input.known_sources = {families.begin(), families.begin() + 8};
    input.findings.push_back({"overfit",
                              data::Severity::warning,
                              "The validation loss rose 3 times in a row.",
                              Json{{"best_step", 120}, {"rises", 3}},
                              {"row 7", "row 9"},
                              "Stop earlier: 2 of 3 passes.",
                              "hone train --epochs 2"});
    input.next_commands = {{"ask the result one question", "hone ask examples/guard/bundle \"your text\""},
                           {"every run so far", "hone runs list examples/guard"}};
    decide::DecisionInput decision;
    decision.task = &task;
    decision.contenders = input.contenders;
    decision.test_rows = 420;
    decision.best_tuned = "fine-tuned";
    decision.best_untuned = "plain classifier";
    decision.prices = decide::built_in_prices();
    decision.today = "2026-11-24";
    decision.primary = input.comparisons.front().comparison;
    input.recommendation = decide::choose(decision);
  }

  void add_contenders() {
    using eval::ContenderKind;
    input.contenders = {contender("fine-tuned", ContenderKind::tuned, 1.03, task),
                        contender("plain classifier", ContenderKind::ngram, 0.915, task),
                        contender("linear probe", ContenderKind::probe, 0.90, task),
                        contender("kNN few-shot, 4 nearest examples", ContenderKind::prompted, 0.84, task),
                        contender("kNN (BM25)", ContenderKind::knn, 0.80, task),
                        contender("zero-shot", ContenderKind::prompted, 0.58, task),
                        contender("majority class", ContenderKind::majority, 0.5, task)};
    const std::vector<double> p50 = {44, 0.21, 43, 188, 0.9, 41, 0.002};
    for (std::size_t i = 0; i < p50.size(); ++i) {
      input.contenders[i].latency = {p50[i], p50[i] * 1.4, 150};
      input.contenders[i].usd_per_million = decide::local_usd_per_million(p50[i], 40, 0.3);
    }
    for (const std::size_t i : {0u, 3u, 5u}) {
      input.contenders[i].mean_prompt_tokens = 83 + 110 * static_cast<double>(i == 3);
      input.contenders[i].mean_completion_tokens = 3;
    }
  }

  void add_comparisons() {
    for (std::size_t i = 1; i < input.contenders.size(); ++i) {
      const auto& a = i == 1 ? input.contenders[0] : input.contenders[i];
      const auto& b = i == 1 ? input.contenders[1] : input.contenders[0];
      input.comparisons.push_back(
          {a.name, b.name, value_or_throw(eval::compare(a.test, b.test, task, 1)), 0.004, i == 1});
    }
  }

  void add_curve() {
    TrainCurve curve;
    curve.run = "r0007-fine-tune";
    Rng rng(4);
    for (int i = 1; i <= 171; ++i) {
      train::StepEvent step;
      step.step = i;
      step.steps = 171;
      step.loss = 0.7 * std::exp(-i / 40.0) + 0.05 + 0.12 * rng.uniform() * std::exp(-i / 90.0);
      curve.steps.push_back(step);
      if (i % 28 == 0)
        curve.validations.push_back({i, 0.96 - 0.4 * std::exp(-i / 30.0), 0.12 + 0.6 * std::exp(-i / 35.0)});
    }
    input.curves.push_back(curve);
  }

  data::Task task;
  ReportInput input;
};

class Report : public testing::Test {
 protected:
  Report() {
    static const Sample sample;  // thousands of resamples: made once
    task_ = sample.task;
    input_ = sample.input;
    input_.task = &task_;
  }
  data::Task task_;
  ReportInput input_;
};

void expect_within_80_columns(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    EXPECT_LE(display_width(text.substr(begin, end - begin)), 80u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

TEST_F(Report, TableFitsEightyColumnsAndNamesEachContender) {
  input_.contenders[1].name = "ein sehr langer Name für einen Klassifikator mit vielen Wörtern 日本語の名前 🙂";
  const std::string table = terminal_table(input_);
  expect_within_80_columns(table);
  for (const char* part : {"the best", "macro-F1", "p50 ms", "p95 ms", "examples", "langer"}) {  // names are not cut
    EXPECT_NE(table.find(part), table.npos) << part << "\n" << table;
  }
  EXPECT_NE(table.find("Best first by the validation rows"), table.npos) << "the order is said\n" << table;
  const std::size_t few_shot = table.find("kNN few-shot");
  const std::string line = table.substr(few_shot, table.find('\n', few_shot) - few_shot);
  EXPECT_NE(line.find("    188     263  "), line.npos) << line;  // its p50 and p95
  EXPECT_EQ(table.find("\x1b"), table.npos);
}

TEST_F(Report, TableShowsHostileNamesAsPlainText) {
  input_.contenders[2].name = "x\n\x1b[31mred\xff";
  const std::string table = terminal_table(input_);
  EXPECT_EQ(table.find('\x1b'), table.npos);
  EXPECT_NE(table.find("\\n"), table.npos);
}

TEST_F(Report, DifferencesAreThoseOfThePairedComparison) {
  const auto difference = difference_to_best(input_, input_.contenders[1]);
  ASSERT_TRUE(difference);
  const eval::Interval& primary = input_.comparisons[0].comparison.difference;
  EXPECT_DOUBLE_EQ(difference->value, -primary.value);
  EXPECT_DOUBLE_EQ(difference->low, -primary.high);
  input_.comparisons.clear();  // then it is computed
  EXPECT_NEAR(difference_to_best(input_, input_.contenders[1])->low, -primary.high, 1e-12);
  EXPECT_FALSE(difference_to_best(input_, input_.contenders[0]));
}

TEST_F(Report, PlainLineCountsOfAHundred) {
  eval::ContenderResult result;
  for (std::size_t i = 0; i < 200; ++i) {
    eval::ScoredRow row;
    row.id = std::to_string(i);
    row.gold = task_.labels[i % 2];
    const bool is_wrong = i < 6 ? i % 2 == 0 : i == 7 || i == 9 || i == 11;
    row.answer = is_wrong ? task_.labels[1 - i % 2] : row.gold;
    result.test.push_back(row);
  }
  result.test_metrics = eval::measure(result.test, task_, 1);
  EXPECT_EQ(plain_line(result, task_),
            "right on 97 of 100, between 94 and 99; 3 of 100 harmless ones blocked (between 1 and 8); 3 of 100 "
            "malicious ones "
            "let through (between 1 and 8)");
  // A label that is no danger blocks nothing.
  for (eval::ScoredRow& row : result.test) {
    for (std::string* label : {&row.gold, &row.answer}) *label = *label == "malicious" ? "refund" : "other";
  }
  task_.labels = {"other", "refund"};
  task_.positive = "refund";
  result.test_metrics = eval::measure(result.test, task_, 1);
  EXPECT_EQ(plain_line(result, task_),
            "right on 97 of 100, between 94 and 99; 3 of 100 other ones taken for refund (between 1 and 8); 3 of 100 "
            "refund ones missed (between 1 and 8)");
  EXPECT_EQ(plain_line({}, task_), "not scored yet");
}

TEST_F(Report, OfAHundredNeverRoundsAMistakeAway) {
  EXPECT_EQ(of_hundred(1), "100");
  EXPECT_EQ(of_hundred(0.997), "99.7");
  EXPECT_EQ(of_hundred(0.99999), "99.9");
  EXPECT_EQ(of_hundred(0.002), "0.2");
  EXPECT_EQ(of_hundred(0), "0");
}

TEST_F(Report, RecommendationIsWrappedButCommandsStayWhole) {
  input_.recommendation.reasons.push_back(std::string(30, 'x') + " " + std::string(60, 'y'));
  const std::string text = terminal_recommendation(input_);
  const std::string command = "hone ask examples/guard/bundle \"your text\"";
  EXPECT_NE(text.find(command), text.npos);
  expect_within_80_columns(text);
  EXPECT_NE(text.find(decide::name_of(input_.recommendation.verdict)), text.npos);
}

TEST_F(Report, PageIsOneFileWithAllItsParts) {
  const std::string page = html_report(input_);
  if (const char* file = std::getenv("HONE_SAMPLE_REPORT")) write_file(file, page);
  for (const char* part :
       {"All contenders on the same rows", "Is the difference real?", "Which mistakes", "By family", "<h2>Training",
        "Speed and cost", "Found on the way", "What to do next", "Families never seen in training"}) {
    EXPECT_EQ(count_of(page, part), 1u) << part;
  }
  EXPECT_EQ(page.find("http://"), page.npos);
  EXPECT_EQ(page.find("https://"), page.npos);
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_EQ(page.find("url("), page.npos);
  EXPECT_EQ(page.find("nan"), page.npos);
  for (const char* tag : {"svg", "div", "section", "table", "details", "ul", "li", "span", "g"}) {
    EXPECT_EQ(count_of(page, fmt::format("<{}>", tag)) + count_of(page, fmt::format("<{} ", tag)),
              count_of(page, fmt::format("</{}>", tag)))
        << tag;
  }
}

TEST_F(Report, PageHasEveryContendersLabels) {
  const std::string page = html_report(input_);
  for (const eval::ContenderResult& contender : input_.contenders) {
    EXPECT_EQ(count_of(page, escaped(contender.name) + ", label by label"), 1u) << contender.name;
  }
}

TEST_F(Report, PageSaysWhyAComparisonIsNotCalledBetter) {
  auto& demoted = input_.comparisons[2];
  demoted.comparison.p = 0.03;
  demoted.comparison.verdict = eval::Verdict::a_better;
  demoted.comparison.note.clear();
  std::vector<NamedComparison> several(3, demoted);
  eval::adjust_for_number(several);
  demoted = several.front();
  const std::string page = html_report(input_);
  EXPECT_NE(page.find("One of 3 comparisons: among so many"), page.npos);
  EXPECT_NE(page.find("the adjusted p (Holm) counts"), page.npos);
  EXPECT_EQ(page.find("a_better"), page.npos);
}

TEST_F(Report, LeadersAreThoseOfTheDeclaredComparison) {
  input_.comparisons.front().b = "linear probe";  // the plain classifier misses a latency limit, say
  const auto found = leaders(input_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1]->name, "linear probe");
}

TEST_F(Report, AnUnknownPriceIsNoPrice) {
  input_.contenders[1].kind = eval::ContenderKind::api;
  input_.contenders[1].usd_per_million = 0;
  EXPECT_NE(html_report(input_).find("price unknown"), std::string::npos);
  const std::string table = terminal_table(input_);
  const std::size_t begin = table.find("plain");
  EXPECT_EQ(table[table.find('\n', begin) - 1], '-') << table;
}

TEST_F(Report, PageEscapesEveryOutsideText) {
  const std::string hostile = "</title><script>alert('x')</script><img src=x onerror=\"y\">&\x1b\xff";
  input_.title = input_.made = hostile;
  input_.facts.emplace_back(hostile, hostile);
  input_.findings.push_back(
      {hostile, data::Severity::note, hostile, Json{{hostile, hostile}}, {hostile}, hostile, hostile});
  input_.next_commands.emplace_back(hostile, hostile);
  input_.recommendation.headline = input_.recommendation.use = hostile;
  input_.recommendation.reasons.push_back(hostile);
  input_.recommendation.caveats.push_back(hostile);
  input_.recommendation.break_even.notes.push_back(hostile);
  input_.comparisons[1].a = hostile;
  input_.curves.push_back(input_.curves[0]);
  input_.curves[1].run = hostile;
  task_.labels[1] = task_.positive = hostile;
  for (eval::ContenderResult& contender : input_.contenders) {
    for (eval::ScoredRow& row : contender.test) {
      row.source += hostile;
      if (row.gold == "malicious") row.gold = hostile;
      if (row.answer == "malicious") row.answer = hostile;
    }
    contender.test_metrics = eval::measure(contender.test, task_, 1);
  }
  input_.contenders[0].name = hostile;
  const std::string page = html_report(input_);
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_EQ(page.find("<img"), page.npos);
  EXPECT_EQ(page.find("onerror=\""), page.npos);
  EXPECT_EQ(page.find('\x1b'), page.npos);
  EXPECT_EQ(page.find('\xff'), page.npos);
  EXPECT_GE(count_of(page, "&lt;script&gt;"), 25u);
}

TEST_F(Report, EmptyInputStillGivesAPageAndATable) {
  ReportInput empty;
  empty.task = &task_;
  EXPECT_NE(html_report(empty).find("</html>"), std::string::npos);
  EXPECT_EQ(terminal_table(empty), "No contender has been scored yet.\n");
  EXPECT_FALSE(terminal_recommendation(empty).empty());
}

TEST(Escaped, LeavesNoMarkup) {
  EXPECT_EQ(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escaped("\x01"), "\\x01");
  EXPECT_EQ(escaped("grün 日本"), "grün 日本");
}

TEST(Scale, RoundsOutwardsAndGivesRoundTicks) {
  const Scale scale = scale_over(0.334, 0.981, 0, 1);
  EXPECT_LE(scale.low, 0.334);
  EXPECT_GE(scale.high, 0.981);
  const std::vector<double> ticks = ticks_of(scale);
  EXPECT_GE(ticks.size(), 3u);
  EXPECT_LE(ticks.size(), 9u);
  EXPECT_EQ(ticks_of(scale_over(0.5, 0.5, 0, 1)).empty(), false);
}

TEST(Wrapped, KeepsCommandsWhole) {
  const std::vector<std::string> lines = wrapped("to try it: `hone prompt here --model m`; done", 30);
  const std::vector<std::string> expected = {"to try it:", "`hone prompt here --model m`;", "done"};
  EXPECT_EQ(lines, expected);
  EXPECT_EQ(wrapped("a ` b", 3).size(), 2u);  // no pair: plain text
  const std::vector<std::string> pieces = {"ab", "日", "本", "c"};
  EXPECT_EQ(broken("ab 日本c", 2), pieces);
}

TEST(Width, CountsWideAndCombiningCharacters) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\u0301"), 1u);
  EXPECT_EQ(display_width(fitted("日本語の名前", 8)), 7u);
  EXPECT_EQ(fitted("abcdef", 5), "ab...");
}

}  // namespace
}  // namespace hone::report
