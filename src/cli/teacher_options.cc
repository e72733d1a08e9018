#include "cli/teacher_options.h"

#include <cstdlib>

#include "base/terminal.h"
#include "decide/decide.h"

namespace hone::cli {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

}  // namespace

std::optional<prompt::TokenPrice> listed_price(const TeacherOptions& options) {
  const decide::PriceList list =
      options.prices.empty() ? decide::built_in_prices() : value_or_throw(decide::load_prices(options.prices));
  const std::string& wanted = options.price_id.empty() ? options.spec.model : options.price_id;
  if (const decide::Price* price = decide::find_price(list, wanted)) {
    return prompt::TokenPrice{.id = price->id, .input = price->input, .cached = price->cached, .output = price->output};
  }
  if (!options.price_id.empty()) fail(ErrorCode::usage, "no price \"{}\" is listed", printable(options.price_id));
  return std::nullopt;
}

void add_teacher_options(CLI::App& command, TeacherOptions& options) {
  command.add_option("--url", options.spec.url,
                     "Ask the model at this OpenAI-compatible address, before /chat/completions; its key comes from "
                     "HONE_API_KEY or OPENAI_API_KEY (default: a model on this machine)");
  command.add_option("--max-usd", options.max_usd, "Stop before more than this would be spent")
      ->check(CLI::PositiveNumber);
  command.add_option("--price", options.price_id,
                     "Count with this entry of the price list (default: the model's name)");
  command.add_option("--prices", options.prices, "A price list of your own (JSON)");
  command.add_option("--concurrency", options.spec.concurrency, "Requests to an API at a time (default 4)")
      ->check(CLI::Range(1, 64));
  command.add_flag("--yes", options.yes, "Rows may leave this machine");
}

std::unique_ptr<solve::Teacher> open_teacher(const data::Task& task, const TeacherOptions& options,
                                             const std::string& what) {
  solve::TeacherSpec spec = options.spec;
  if (!spec.url.empty()) {
    spec.price = listed_price(options);
    const prompt::ApiEndpoint endpoint = value_or_throw(prompt::api_endpoint(spec.url, environment));
    if (!endpoint.is_local && !options.yes) {
      fail(ErrorCode::usage, "{} would be sent to {}. Nothing was sent. If this may leave the machine, add --yes.",
           what, endpoint.host);
    }
  }
  if (options.max_usd > 0) spec.max_usd = options.max_usd;
  if (spec.max_usd && spec.url.empty()) {
    fail(ErrorCode::usage, "--max-usd caps what an API may cost; without --url nothing is spent");
  }
  return solve::Teacher::open(task, spec, environment);
}

}  // namespace hone::cli
