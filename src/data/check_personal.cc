// Secrets and personal data: what a model learns it can repeat.
#include <algorithm>
#include <map>

#include "base/terminal.h"
#include "data/check_parts.h"
#include "data/personal_data.h"

namespace hone::data {
namespace {

constexpr std::size_t most_examples = 5;

struct Holder {
  const Row* row;
  std::string kinds;
};

void add(const CheckInput& input, const std::vector<Holder>& rows, const std::map<std::string, std::size_t>& counts,
         Finding finding, Findings& findings) {
  if (rows.empty()) return;
  finding.severity = Severity::warning;
  finding.evidence = Json{{"rows", rows.size()}, {"kinds", counts}, {"examples", Json::array()}};
  for (const Holder& holder : rows) {
    finding.rows.push_back(holder.row->id);
    if (finding.evidence["examples"].size() == most_examples) continue;
    // What they are is said; they are not repeated here.
    Json example = {{"line", holder.row->line},
                    {"why", fmt::format("{}: \"{}\"", holder.kinds, clipped(redacted(holder.row->input), 60))},
                    {"id", holder.row->id}};
    if (const Path file = file_of(input, *holder.row); file != input.task->data.train)
      example["file"] = file.filename().string();
    finding.evidence["examples"].push_back(std::move(example));
  }
  finding.command = check_command(*input.task) + " --redact redacted";
  findings.push_back(std::move(finding));
}

}  // namespace

void check_personal(const CheckInput& input, Findings& findings) {
  std::vector<Holder> secret;
  std::vector<Holder> personal;
  std::map<std::string, std::size_t> secret_kinds;
  std::map<std::string, std::size_t> personal_kinds;
  for (const auto* rows : {&input.train, &input.validation, &input.test}) {
    for (const Row& row : *rows) {
      std::map<std::string, std::size_t> kinds;
      for (const std::string* text : {&row.input, &row.output, &row.rationale}) {
        for (const PersonalData& found : personal_data_in(*text)) ++kinds[found.kind];
      }
      std::string secrets;
      std::string others;
      for (const auto& [kind, count] : kinds) {
        const bool is_secret = PersonalData{.kind = kind}.is_secret();
        (is_secret ? secret_kinds : personal_kinds)[kind] += count;
        std::string& names = is_secret ? secrets : others;
        names += (names.empty() ? "" : ", ") + kind;
      }
      if (!secrets.empty()) secret.push_back({&row, secrets});
      if (!others.empty()) personal.push_back({&row, others});
    }
  }
  Finding secrets;
  secrets.id = "secrets";
  secrets.title =
      fmt::format("{} what looks like a key to a service.", count_of(secret.size(), "row holds", "rows hold"));
  secrets.suggestion = "Have the keys withdrawn where they are real, and train on redacted rows.";
  add(input, secret, secret_kinds, std::move(secrets), findings);
  Finding person;
  person.id = "personal-data";
  person.title =
      fmt::format("{} addresses, numbers or accounts of people.", count_of(personal.size(), "row holds", "rows hold"));
  person.suggestion = "Train on redacted rows unless the task needs them: a model can repeat what it learnt.";
  add(input, personal, personal_kinds, std::move(person), findings);
}

}  // namespace hone::data
