#include "decide/wording.h"
#include "report/figures.h"
#include "report/sections.h"

namespace hone::report {
namespace {

const eval::ContenderResult* used(const ReportInput& input) {
  for (const eval::ContenderResult& contender : input.contenders) {
    if (contender.name == input.recommendation.use) return &contender;
  }
  return nullptr;
}

std::string tile(const std::string& figure, const std::string& small, const std::string& caption) {
  return fmt::format("<div class=\"tile\"><b>{} <small>{}</small></b><span>{}</span></div>\n", escaped(figure),
                     escaped(small), escaped(caption));
}

// What the recommended contender does, in four figures.
std::string tiles(const ReportInput& input, const eval::ContenderResult& contender) {
  const auto& named = contender.test_metrics.named;
  const bool by_label = input.task->kind == data::Kind::classify;
  const auto rate = named.find(by_label ? "accuracy" : "exact");
  std::string out = "<div class=\"tiles\">\n";
  if (rate != named.end() && contender.test_metrics.n > 0) {
    out += tile(of_hundred(rate->second.value), "of 100",
                fmt::format("{}, {}", by_label ? "right" : "exactly right", between_text(rate->second)));
  }
  for (const AlarmFigure& alarm : alarm_figures(contender, *input.task)) {
    out += tile(of_hundred(alarm.share.value), "of 100", fmt::format("{}, {}", alarm.what, between_text(alarm.share)));
  }
  if (const auto chrf = named.find("chrf"); chrf != named.end()) {
    out += tile(decide::points(chrf->second.value), "chrF", "likeness to the wanted text");
  }
  if (contender.latency.n > 0) {
    out += tile(decide::milliseconds_text(contender.latency.p50_ms), "", "for one request");
    if (contender.usd_per_million > 0) {
      out += tile(decide::usd(contender.usd_per_million), "", "for a million requests");
    }
  }
  return out + "</div>\n";
}

std::string hero(const ReportInput& input) {
  const decide::Recommendation& recommendation = input.recommendation;
  std::string out = fmt::format(
      "<div class=\"hero\"><p class=\"eyebrow\">Recommendation</p><p class=\"verdict\">{}</p>"
      "<p class=\"headline\">{}</p>\n",
      escaped(decide::name_of(recommendation.verdict)), escaped_sentence(headline_after_verdict(recommendation)));
  if (const eval::ContenderResult* contender = used(input)) {
    out += fmt::format("<p class=\"eyebrow\" style=\"margin-top:1.5rem\">{}, on {} rows it had never seen</p>",
                       escaped(contender->name), contender->test_metrics.n) +
           tiles(input, *contender);
  }
  return out + "</div>\n";
}

std::string facts(const ReportInput& input) {
  if (input.facts.empty()) return {};
  std::string out = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : input.facts) {
    out += "<div><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd></div>\n";
  }
  return out + "</dl>\n";
}

std::string list_card(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string out = "<div class=\"card\"><h3>" + title + "</h3><ul class=\"plain\">\n";
  for (const std::string& line : lines) out += "<li>" + escaped_sentence(line) + "</li>\n";
  return out + "</ul></div>\n";
}

std::string reasons(const ReportInput& input) {
  const std::string cards =
      list_card("Why", input.recommendation.reasons) + list_card("Keep in mind", input.recommendation.caveats);
  return cards.empty() ? "" : "<section><div class=\"pair\">\n" + cards + "</div></section>\n";
}

std::string how_made() {
  return "<section><details><summary>How these figures were made</summary><ul class=\"plain\">"
         "<li>Every contender answered the same rows; choices were made on validation rows, figures come from test "
         "rows. A row "
         "without an answer counts as wrong.</li>"
         "<li>Rates have Wilson intervals. Macro-F1, MCC and chrF have percentile intervals of 2,000 seeded resamples, "
         "differences of 10,000; near-duplicates are drawn together.</li>"
         "<li>One comparison was declared beforehand: the best tuned contender against the best untuned one, both "
         "chosen on validation rows. The p values of the others are adjusted for their number by Holm's method: among "
         "ten comparisons of equals one or another would look certain by chance.</li>"
         "<li>Equivalent means that the whole range lies within the margin, and still would with two more rows right "
         "in each contender alone. Better means that the range leaves out 0, that swapping the answers of "
         "near-duplicate "
         "rows by chance gives as much in at most 5 of 100 cases (adjusted), and that the better one does certainly "
         "better than guessing, on test and on validation rows. All else is undecided.</li>"
         "<li>A contender's own cost is the rent of a machine over the requests it answers at its usual speed, kept "
         "busy "
         "for the share of time named above; an API's is its tokens at the dated price.</li>"
         "</ul></details></section>\n";
}

}  // namespace

std::string html_report(const ReportInput& input) {
  HONE_CHECK(input.task != nullptr);
  const std::string title = escaped(input.title);
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
      "<title>" +
      title + " &middot; Hone</title><style>";
  page += style_sheet();
  page += "</style></head>\n<body><header class=\"top\"><h1>" + title + "</h1><span>Hone report, " +
          escaped(input.made) + "</span></header>\n<main>\n";
  page += hero(input) + facts(input) + reasons(input);
  page += contenders_section(input) + differences_section(input) + mistakes_section(input) + sources_section(input);
  page +=
      training_section(input) + speed_section(input) + findings_section(input) + commands_section(input) + how_made();
  page +=
      "<footer>Made by Hone on this machine from its own records. Nothing on this page is loaded from "
      "elsewhere.</footer>"
      "\n</main></body></html>\n";
  return page;
}

}  // namespace hone::report
