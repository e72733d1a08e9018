#include <chrono>
#include <set>

#include "base/terminal.h"
#include "data/normal_text.h"
#include "decide/decide.h"
#include "decide/prices_data.h"

namespace hone::decide {
namespace {

using std::chrono::sys_days;

// "2026-11-23" or "2026-11" (its first day).
std::optional<sys_days> parse_date(const std::string& text) {
  constexpr auto digits = "0123456789";
  const bool is_full = text.size() == 10 && text[7] == '-';
  if ((!is_full && text.size() != 7) || text[4] != '-') return std::nullopt;
  const std::string bare = text.substr(0, 4) + text.substr(5, 2) + (is_full ? text.substr(8) : "01");
  if (bare.find_first_not_of(digits) != std::string::npos) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(std::stoi(bare.substr(0, 4))),
                                         std::chrono::month(static_cast<unsigned>(std::stoi(bare.substr(4, 2)))),
                                         std::chrono::day(static_cast<unsigned>(std::stoi(bare.substr(6)))));
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

Result<void> only_keys(const Json& json, const std::set<std::string>& known, const std::string& where) {
  if (!json.is_object()) return bad_input("{}: expected an object, but it is {}", where, json.type_name());
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key)) {
      return bad_input("{}: unknown key \"{}\"; known are {}", where, key, fmt::join(known, ", "));
    }
  }
  return {};
}

Result<double> amount(const Json& json, const char* key, std::optional<double> otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() && otherwise) return *otherwise;
  if (it == json.end()) return bad_input("{}: \"{}\" is missing", where, key);
  if (!it->is_number() || it->get<double>() < 0) {
    return bad_input("{}: \"{}\" should be a number of USD, 0 or more, but is {}", where, key, to_text(*it));
  }
  return it->get<double>();
}

Result<double> share(const Json& json, const char* key, double otherwise, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end()) return otherwise;
  if (!it->is_number() || it->get<double>() <= 0 || it->get<double>() > 1) {
    return bad_input("{}: \"{}\" should be a share, above 0 and at most 1, but is {}", where, key, to_text(*it));
  }
  return it->get<double>();
}

Result<std::string> date(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end()) return bad_input("{}: \"{}\" is missing (a date, YYYY-MM-DD)", where, key);
  if (!it->is_string() || !parse_date(it->get<std::string>())) {
    return bad_input("{}: \"{}\" should be a date, YYYY-MM-DD, but is {}", where, key, to_text(*it));
  }
  return it->get<std::string>();
}

Result<Price> parse_price(const Json& json, const std::string& place) {
  const std::set<std::string> known = {"id",     "input",   "cached",  "output", "effective_from",
                                       "source", "checked", "shutdown"};
  if (const auto checked = only_keys(json, known, place); !checked) return tl::unexpected(checked.error());
  if (!json.contains("id") || !json.at("id").is_string())
    return bad_input("{}: \"id\" should be the model's name", place);
  Price price;
  price.id = json.at("id").get<std::string>();
  const std::string where = fmt::format("{} ({})", place, price.id);
  const auto input = amount(json, "input", std::nullopt, where);
  const auto output = amount(json, "output", std::nullopt, where);
  const auto effective_from = date(json, "effective_from", where);
  const auto checked = date(json, "checked", where);
  if (!input) return tl::unexpected(input.error());
  if (!output) return tl::unexpected(output.error());
  if (!effective_from) return tl::unexpected(effective_from.error());
  if (!checked) return tl::unexpected(checked.error());
  const auto cached = amount(json, "cached", *input, where);  // no discount where none is listed
  if (!cached) return tl::unexpected(cached.error());
  price.input = *input;
  price.cached = *cached;
  price.output = *output;
  price.effective_from = *effective_from;
  price.checked = *checked;
  price.source = json.contains("source") && json.at("source").is_string() ? json.at("source").get<std::string>() : "";
  if (json.contains("shutdown")) {
    const auto shutdown = date(json, "shutdown", where);
    if (!shutdown) return tl::unexpected(shutdown.error());
    price.shutdown = *shutdown;
  }
  return price;
}

}  // namespace

Result<PriceList> parse_prices(std::string_view text, std::string_view name) {
  const std::string where(name);
  const Result<Json> json = parse_json(text, name);
  if (!json) return tl::unexpected(json.error());
  const auto known =
      only_keys(*json, {"checked", "cpu_usd_per_month", "engineer_usd_per_hour", "utilisation", "api"}, where);
  if (!known) return tl::unexpected(known.error());
  PriceList list;
  const auto host = amount(*json, "cpu_usd_per_month", list.cpu_usd_per_month, where);
  const auto engineer = amount(*json, "engineer_usd_per_hour", list.engineer_usd_per_hour, where);
  const auto utilisation = share(*json, "utilisation", list.utilisation, where);
  const auto checked = date(*json, "checked", where);
  if (!utilisation) return tl::unexpected(utilisation.error());
  if (!host) return tl::unexpected(host.error());
  if (!engineer) return tl::unexpected(engineer.error());
  if (!checked) return tl::unexpected(checked.error());
  list.cpu_usd_per_month = *host;
  list.engineer_usd_per_hour = *engineer;
  list.utilisation = *utilisation;
  list.checked = *checked;
  if (!json->contains("api") || !json->at("api").is_array()) {
    return bad_input("{}: \"api\" should be a list of prices", where);
  }
  for (const Json& entry : json->at("api")) {
    Result<Price> price = parse_price(entry, fmt::format("{}: api[{}]", where, list.api.size()));
    if (!price) return tl::unexpected(price.error());
    list.api.push_back(std::move(*price));
  }
  return list;
}

PriceList built_in_prices() { return value_or_throw(parse_prices(built_in_price_text(), "built-in prices")); }

Result<PriceList> load_prices(const Path& file) {
  const Result<std::string> text = read_file(file);
  if (!text) return tl::unexpected(text.error());
  return parse_prices(*text, file.string());
}

const Price* find_price(const PriceList& prices, const std::string& id) {
  for (const Price& price : prices.api) {
    if (price.id == id) return &price;
  }
  return nullptr;
}

Result<void> check_compare_price(const data::Task& task, const PriceList& prices) {
  const std::string& id = task.circumstances.compare_price;
  if (find_price(prices, id) != nullptr) return {};
  std::vector<std::string> known;
  for (const Price& price : prices.api) known.push_back(price.id);
  const std::string near = data::nearest_name(id, known);
  return bad_input(
      "{}: circumstances.compare_price: no price of \"{}\" is listed{}; listed are {}; a list of your own "
      "is given with --prices FILE",
      printable(task.file.string()), printable(id), near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near),
      data::name_list(known, 30));
}

std::vector<std::string> price_warnings(const Price& price, const std::string& today) {
  constexpr int stale_days = 60;
  std::vector<std::string> warnings;
  const auto now = parse_date(today);
  const auto checked = parse_date(price.checked);
  if (now && checked && (*now - *checked).count() > stale_days) {
    warnings.push_back(fmt::format("The price of {} was checked {} days ago ({}); look it up before relying on it.",
                                   price.id, (*now - *checked).count(), price.checked));
  }
  if (price.shutdown) {
    warnings.push_back(fmt::format("{} is to be shut down on {}; what is built on it has to move by then.", price.id,
                                   *price.shutdown));
  }
  return warnings;
}

}  // namespace hone::decide
