// Formats as regular expressions. Each is a part of what its RFC allows, and all that validators in use agree on.
#include <array>

#include "text/json_schema_reader.h"
#include "text/regex.h"

namespace hone::text {

namespace {

const std::string day =
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
const std::string leap_year = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
const std::string date = "([0-9]{4}-" + day + "|" + leap_year + "-02-29)";
const std::string time_of_day =
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

const std::string octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const std::string ipv4 = octet + "(\\." + octet + "){3}";
const std::string h = "[0-9a-fA-F]{1,4}";
// RFC 4291: eight groups, one run of zeros as ::, the last two perhaps as IPv4.
std::string ipv6() {
  const std::string tail = "(" + h + ":" + h + "|" + ipv4 + ")";
  std::string all = "((" + h + ":){6}" + tail + "|::(" + h + ":){5}" + tail;
  for (int before = 1; before <= 5; ++before) {
    all += fmt::format("|({}(:{}){{0,{}}})?::({}:){{{}}}{}", h, h, before - 1, h, 5 - before, tail);
  }
  all += fmt::format("|({}(:{}){{0,5}})?::{}|({}(:{}){{0,6}})?::)", h, h, h, h, h);
  return all;
}

const std::string pchar = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})";
const std::string segments = "(/" + pchar + "*)*";
std::string authority() {
  const std::string reg_name = "([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9a-fA-F]{2})*";
  const std::string user = "(([A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9a-fA-F]{2})*@)?";
  return "(" + user + "(" + reg_name + "|\\[" + ipv6() + "\\])(:[0-9]*)?)";
}
std::string after_path() { return "(\\?(" + pchar + "|[/?])*)?(#(" + pchar + "|[/?])*)?"; }
std::string uri() {
  return "[A-Za-z][A-Za-z0-9+.-]*:(//" + authority() + segments + "|/(" + pchar + "+" + segments + ")?|" + pchar + "+" +
         segments + "|)" + after_path();
}
std::string relative() {
  const std::string no_colon = "([A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9a-fA-F]{2})+";
  return "(//" + authority() + segments + "|/(" + pchar + "+" + segments + ")?|" + no_colon + segments + "|)" +
         after_path();
}

const std::string label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const std::string host_name = label + "(\\." + label + ")*";
const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
std::string duration() {
  const std::string days = "[0-9]+D", months = "[0-9]+M(" + days + ")?", years = "[0-9]+Y(" + months + ")?";
  const std::string seconds = "[0-9]+S", minutes = "[0-9]+M(" + seconds + ")?", hours = "[0-9]+H(" + minutes + ")?";
  const std::string time = "T(" + hours + "|" + minutes + "|" + seconds + ")";
  return "P((" + days + "|" + months + "|" + years + ")(" + time + ")?|" + time + "|[0-9]+W)";
}

std::string pattern_of(const std::string& name) {
  if (name == "date") return date;
  if (name == "time") return time_of_day;
  if (name == "date-time") return date + "[Tt]" + time_of_day;
  if (name == "duration") return duration();
  if (name == "email") return atom + "(\\." + atom + ")*@" + host_name;
  if (name == "hostname") return host_name;
  if (name == "ipv4") return ipv4;
  if (name == "ipv6") return ipv6();
  if (name == "uuid") return "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  if (name == "uri") return uri();
  if (name == "uri-reference") return uri() + "|" + relative();
  if (name == "json-pointer") return "(/([^~/]|~[01])*)*";
  return "";
}

constexpr std::array not_enforced = {"idn-email",    "idn-hostname",          "iri",  "iri-reference",
                                     "uri-template", "relative-json-pointer", "regex"};

}  // namespace

Automaton format_texts(const std::string& name) {
  for (const char* other : not_enforced) {
    if (name == other) fail(ErrorCode::unsupported, "\"{}\" can't be enforced; use a pattern instead", name);
  }
  const std::string pattern = pattern_of(name);
  if (pattern.empty()) return nullptr;
  const Automaton texts = value_or_throw(compile_regex("^(" + pattern + ")$"));
  if (!name.starts_with("date")) return texts;
  return subtract(texts, value_or_throw(compile_regex("^0000")));  // no year 0
}

// RFC 1034, 3.1: 255 octets with the length of each label and the root.
std::int64_t format_length(const std::string& name) { return name == "hostname" ? 253 : without_end; }

}  // namespace hone::text
