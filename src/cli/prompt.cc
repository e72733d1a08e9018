// hone prompt: ask a large model over an HTTP API for every validation and test row; a contender like any other.
#include <cstdlib>

#include "base/clock.h"
#include "base/shell.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "decide/decide.h"
#include "decide/wording.h"
#include "eval/score.h"
#include "report/width.h"
#include "solve/api_stage.h"

namespace hone::cli {
namespace {

struct Options {
  std::string task = ".";
  std::string prices;
  std::string price_id;
  solve::ApiSpec api;
  double max_usd = 0;  // 0: no cap
  bool no_temperature = false;
  std::string response_format = "auto";
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// The listed price of the model, or of the entry that was named for it.
std::optional<decide::Price> price_of(const Options& options) {
  const decide::PriceList list =
      options.prices.empty() ? decide::built_in_prices() : value_or_throw(decide::load_prices(options.prices));
  const decide::Price* price =
      decide::find_price(list, options.price_id.empty() ? options.api.model : options.price_id);
  if (price != nullptr) return *price;
  if (options.price_id.empty()) return std::nullopt;
  std::vector<std::string> known;
  for (const auto& listed : list.api) known.push_back(listed.id);
  fail(ErrorCode::usage, "no price \"{}\" is listed; listed are {}", printable(options.price_id),
       fmt::join(known, ", "));
}

std::string price_line(const solve::ApiTrial& trial, const std::optional<decide::Price>& price) {
  if (!price) {
    if (trial.endpoint.is_local) return "Price: none known; a server of your own on this machine bills nothing.";
    return fmt::format("Price: unknown, none is listed for {} (--price ID, --prices FILE).",
                       printable(trial.spec.model));
  }
  return fmt::format(
      "Price: about {} ({}: {} for a million tokens read, {} written, checked {}). A model that reasons before it "
      "answers "
      "writes more than this counts.",
      decide::usd(*trial.estimate.usd), price->id, decide::usd(price->input), decide::usd(price->output),
      price->checked);
}

std::vector<std::string> plan_lines(const solve::ApiTrial& trial, const std::optional<decide::Price>& price) {
  const auto& estimate = trial.estimate;
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("{}: {} validation and test rows{}", printable(trial.job.name), estimate.rows,
                  estimate.recorded == 0 ? "" : fmt::format(", {} of them answered before", estimate.recorded)));
  if (estimate.missing() == 0) {
    lines.emplace_back("All rows are answered; nothing is sent.");
    return lines;
  }
  lines.push_back(fmt::format(
      "To {}{}: {} requests, each the instruction{} and one row's input; about {} tokens to read, {} to write.",
      printable(trial.endpoint.host), trial.endpoint.is_local ? " (this machine)" : "", estimate.missing(),
      trial.spec.shots > 0 ? ", the worked examples" : "", decide::grouped(estimate.prompt_tokens),
      decide::grouped(estimate.completion_tokens)));
  lines.push_back(price_line(trial, price));
  if (price) {
    for (const auto& warning : decide::price_warnings(*price, utc_today())) lines.push_back(warning);
  }
  if (trial.spec.max_usd) {
    lines.push_back(fmt::format(
        "Stops before {} would be passed{}.", decide::usd(*trial.spec.max_usd),
        estimate.spent_usd > 0 ? fmt::format(" ({} may be spent already)", decide::usd(estimate.spent_usd)) : ""));
  }
  return lines;
}

Json plan_json(const solve::ApiTrial& trial, const std::optional<decide::Price>& price) {
  const auto& estimate = trial.estimate;
  Json listed = nullptr;
  if (price)
    listed = {{"id", price->id}, {"input", price->input}, {"output", price->output}, {"checked", price->checked}};
  return {{"name", trial.job.name},
          {"model", trial.spec.model},
          {"host", trial.endpoint.host},
          {"local", trial.endpoint.is_local},
          {"rows", estimate.rows},
          {"to_ask", estimate.missing()},
          {"estimate",
           {{"prompt_tokens", static_cast<std::int64_t>(estimate.prompt_tokens)},
            {"completion_tokens", static_cast<std::int64_t>(estimate.completion_tokens)},
            {"usd", estimate.usd ? Json(*estimate.usd) : Json(nullptr)}}},
          {"price", listed},
          {"max_usd", trial.spec.max_usd ? Json(*trial.spec.max_usd) : Json(nullptr)}};
}

const char* ended_text(const solve::ApiOutcome& outcome) {
  if (outcome.result) return "finished";
  return outcome.totals.capped ? "capped" : "interrupted";
}

Json outcome_json(const solve::ApiTrial& trial, const solve::ApiOutcome& outcome) {
  const auto& totals = outcome.totals;
  Json document = {
      {"run", outcome.run},
      {"ended", ended_text(outcome)},
      {"answered", outcome.recorded},
      {"failed", outcome.failed},
      {"requests", totals.requests},
      {"usage", {{"prompt_tokens", totals.prompt_tokens}, {"completion_tokens", totals.completion_tokens}}},
      {"spent_usd", trial.spec.price ? Json(totals.usd) : Json(nullptr)},
      {"metrics", nullptr},
      {"latency_ms", nullptr}};
  if (!outcome.result) return document;
  const eval::ContenderResult& result = *outcome.result;
  document["metrics"] = eval::named_json(result.test_metrics);
  if (result.latency.n > 0) {
    document["latency_ms"] = {{"p50", result.latency.p50_ms}, {"p95", result.latency.p95_ms}, {"n", result.latency.n}};
  }
  return document;
}

void print_notes(const solve::ApiTrial& trial, const solve::ApiOutcome& outcome) {
  const auto& totals = outcome.totals;
  if (totals.malformed > 0)
    print_wrapped(fmt::format("{} answers are none of the labels; they count as wrong.", totals.malformed));
  if (totals.cut_answers > 0)
    print_wrapped(fmt::format("{} answers were cut off at {} tokens; --max-tokens allows more.", totals.cut_answers,
                              trial.spec.max_tokens));
  if (outcome.failed > 0)
    print_wrapped(
        fmt::format("{} rows got no answer and count as wrong; the same command asks them again. The first: {}",
                    outcome.failed, printable(outcome.failed_why)));
}

void print_outcome(const solve::ApiTrial& trial, const solve::ApiOutcome& outcome, const Options& options) {
  const auto& totals = outcome.totals;
  print_line("");
  if (!outcome.result) {
    print_wrapped(fmt::format("{}: {} of {} rows are answered and recorded.",
                              totals.capped ? "Stopped by the cap" : "Stopped", outcome.recorded, trial.estimate.rows));
  } else {
    print_line(fmt::format("{} test rows", outcome.result->test.size()));
    for (const auto& [name, interval] : outcome.result->test_metrics.named)
      print_line(
          fmt::format("  {:<10} {:.3f}  (95 %: {:.3f} to {:.3f})", name, interval.value, interval.low, interval.high));
    if (const auto& latency = outcome.result->latency; latency.n > 0)
      print_line(fmt::format("  one request: half within {:.0f} ms, 95 of 100 within {:.0f} ms", latency.p50_ms,
                             latency.p95_ms));
  }
  if (totals.requests > 0)
    print_wrapped(fmt::format("Sent {} requests; the endpoint counted {} tokens read and {} written{}.",
                              totals.requests, decide::grouped(static_cast<double>(totals.prompt_tokens)),
                              decide::grouped(static_cast<double>(totals.completion_tokens)),
                              trial.spec.price ? fmt::format("; {} in all so far", decide::usd(totals.usd)) : ""));
  print_notes(trial, outcome);
  if (!outcome.result) {
    print_wrapped(totals.capped ? "With a larger --max-usd the same command goes on from here."
                                : "The same command goes on from here.");
    return;
  }
  print_wrapped(fmt::format("Beside the other contenders: hone solve {}", shell_word(options.task)));
}

// At most `columns` wide.
std::string wrapped_text(const std::vector<std::string>& lines, std::size_t columns) {
  std::string text;
  for (const auto& line : lines) {
    for (const auto& part : report::wrapped(line, columns)) text += part + "\n";
  }
  return text;
}

void announce(const std::vector<std::string>& lines, const Options& options) {
  std::fputs(wrapped_text(lines, 80).c_str(), options.json ? stderr : stdout);
}

int run(Options options, std::stop_token stop) {
  const std::optional<decide::Price> price = price_of(options);
  if (price)
    options.api.price =
        prompt::TokenPrice{.id = price->id, .input = price->input, .cached = price->cached, .output = price->output};
  if (options.max_usd > 0) options.api.max_usd = options.max_usd;
  if (options.no_temperature) options.api.temperature = std::nullopt;
  options.api.schema = options.response_format == "schema" ? solve::SchemaSending::always
                       : options.response_format == "none" ? solve::SchemaSending::never
                                                           : solve::SchemaSending::offered;
  solve::Workspace workspace = solve::open_workspace(options.task);
  solve::ApiTrial trial = solve::open_trial(workspace, options.api, [](const char* name) { return std::getenv(name); });
  const auto lines = plan_lines(trial, price);
  Json document = plan_json(trial, price);
  if (options.dry_run) {
    options.json ? print_json(document) : announce(lines, options);
    return 0;
  }
  if (trial.estimate.missing() > 0 && !trial.endpoint.is_local && !options.yes) {
    constexpr std::size_t columns = 74;  // what "hone: " leaves
    fail(ErrorCode::usage, "{}Nothing was sent. If this may leave the machine, add --yes.",
         wrapped_text(lines, columns));
  }
  announce(lines, options);
  const solve::ApiOutcome outcome = solve::run_trial(workspace, trial, stop, {});
  if (options.json) {
    document.update(outcome_json(trial, outcome));
    print_json(document);
  } else {
    print_outcome(trial, outcome, options);
  }
  if (outcome.result) return 0;
  return exit_code(outcome.totals.capped ? ErrorCode::target_missed : ErrorCode::interrupted);
}

}  // namespace

void add_prompt(Cli& cli) {
  auto options = std::make_shared<Options>();
  auto* command = add_command(
      cli.app, "prompt", "Ask a large model over an HTTP API for a task's validation and test rows", options->json);
  command->add_option("task", options->task, "Folder with hone.toml (default: here)");
  command->add_option("--model", options->api.model, "The model's name at the endpoint")->required();
  command->add_option("--url", options->api.base,
                      "OpenAI-compatible address, before /chat/completions (default: OpenAI's); its key comes from "
                      "HONE_API_KEY or OPENAI_API_KEY");
  command->add_option("--shots", options->api.shots, "Worked examples to show (default: none)")
      ->check(CLI::Range(0, 1000));
  command->add_option("--max-usd", options->max_usd, "Stop before more than this would be spent")
      ->check(CLI::PositiveNumber);
  command->add_option("--price", options->price_id,
                      "Count with this entry of the price list (default: the model's name)");
  command->add_option("--prices", options->prices, "A price list of your own (JSON)");
  command
      ->add_option("--max-tokens", options->api.max_tokens, "Longest answer, hidden reasoning included (default 1024)")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--concurrency", options->api.concurrency, "Requests at a time (default 4)")
      ->check(CLI::Range(1, 64));
  command->add_option("--timeout", options->api.timeout_seconds, "Seconds to wait for one answer (default 120)")
      ->check(CLI::Range(0.1, 3600.0));
  command->add_flag("--no-temperature", options->no_temperature, "Leave temperature 0 out, for models that refuse it");
  command
      ->add_option("--response-format", options->response_format,
                   "Tell the endpoint a json task's schema: schema, none, or auto: where it is known to take one "
                   "(OpenAI, Azure, this machine)")
      ->check(CLI::IsMember({"auto", "schema", "none"}));
  command->add_flag("--dry-run", options->dry_run, "Say what would be sent and cost, and send nothing");
  command->add_flag("--yes", options->yes, "Rows may leave this machine");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run(*options, cli.stop); }; });
}

}  // namespace hone::cli
