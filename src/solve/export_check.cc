#include "solve/export_check.h"

#include <map>

#include "base/progress.h"
#include "generate/task_responder.h"
#include "model/export_gguf.h"
#include "text/prompt_encoding.h"

namespace hone::solve {
namespace {

struct Opened {
  model::Model base;
  std::optional<model::Adapter> adapter;
};

Opened open_exported(tensor::Exec& exec, const ExportedModel& exported, model::Parts parts) {
  Opened opened{.base = model::open_model(exec, exported.model, parts), .adapter = {}};
  if (parts == model::Parts::tokenizer_only) return opened;
  const model::Config& config = opened.base.decoder->config();
  if (!exported.peft.empty()) opened.adapter = value_or_throw(model::Adapter::load(exported.peft, config));
  if (!exported.gguf_adapter.empty())
    opened.adapter = value_or_throw(model::read_gguf_adapter(exported.gguf_adapter, config));
  return opened;
}

// How the trained contender asked: the exported files are asked the same way.
class Asker {
 public:
  Asker(const ExportSource& source, const data::Task& task)
      : source_(source),
        task_(task),
        make_(task_, {.name = "as trained", .shots = source.shots, .knn_shots = 0}, {}, nullptr,
              source.max_answer_tokens) {}

  int most_prompt_tokens(const model::Model& model) const {
    const int context = model.decoder->config().context;
    return source_.max_prompt_tokens > 0 ? source_.max_prompt_tokens : std::min(4096, context);
  }
  text::Request request(const data::Row& row) const { return make_(row); }
  const data::Task& task() const { return task_; }

  // Scored rows by id; fewer when stopped.
  std::map<std::string, eval::ScoredRow> ask(tensor::Exec& exec, const Opened& opened,
                                             const std::vector<data::Row>& rows, const Progress::Options& shown,
                                             std::stop_token stop) const {
    generate::LocalOptions options;
    options.today = source_.reference.today;
    options.max_prompt_tokens = most_prompt_tokens(opened.base);
    const auto responder =
        generate::task_responder(exec, opened.base, opened.adapter ? &*opened.adapter : nullptr, options, task_);
    std::vector<text::Request> requests;
    for (const data::Row& row : rows) requests.push_back(make_(row));
    std::map<std::string, eval::ScoredRow> answered;
    Progress progress(shown);
    responder->respond(
        requests,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          answered.emplace(rows[i].id, eval::score_row(rows[i], reply, task_));
          progress.update(answered.size());
        },
        std::move(stop));
    return answered;
  }

 private:
  const ExportSource& source_;
  const data::Task& task_;
  prompt::RequestMaker make_;
};

// The trained run's answers to these very rows, where its store has them all.
std::map<std::string, eval::ScoredRow> recorded_answers(const CheckSpec& spec, const std::vector<data::Row>& rows) {
  std::map<std::string, eval::ScoredRow> recorded;
  const track::Store& store = spec.workspace->store;
  const auto run = spec.source->answered_run.empty() ? std::nullopt : store.find(spec.source->answered_run);
  if (!run || run->manifest.value("data_key", std::string()) != spec.workspace->data_key) return recorded;
  for (eval::ScoredRow& row : store.rows(run->id, "test")) recorded.emplace(row.id, std::move(row));
  for (const data::Row& row : rows)
    if (!recorded.contains(row.id)) return {};
  return recorded;
}

bool same_answer(const eval::ScoredRow& exported, eval::ScoredRow trained, const data::Task& task) {
  if (exported.failed || trained.failed) return exported.failed == trained.failed;
  trained.gold = exported.answer;
  return trained.answer == exported.answer || eval::is_right(trained, task);
}

// Where the trained and the exported model see different prompts, or end answers differently.
std::optional<ExportCause> prompt_cause(const CheckSpec& spec, const Asker& asker, const model::Model& trained,
                                        const model::Model& exported) {
  const auto end = text::turn_end(trained.tokenizer, trained.chat_template);
  const auto exported_end = text::turn_end(exported.tokenizer, exported.chat_template);
  if (end && (!exported_end || *end != *exported_end))
    return ExportCause{"template", "an answer ends with another token in the exported files than in training"};
  for (const data::Row& row : spec.workspace->split.test) {
    const text::PromptSpec prompt{.max_tokens = 1 << 20, .today = spec.source->reference.today, .extra = {}};
    const text::Request request = asker.request(row);
    const auto a = text::encode_prompt(request.messages, trained.tokenizer, trained.chat_template, prompt);
    const auto b = text::encode_prompt(request.messages, exported.tokenizer, exported.chat_template, prompt);
    if (!a || !b || a->ids == b->ids) continue;
    if (a->rendered != b->rendered)
      return ExportCause{"template", fmt::format("the exported template renders row {} differently", row.id)};
    return ExportCause{"tokenizer",
                       fmt::format("the exported tokenizer makes {} tokens of row {}'s prompt, in training it was {}",
                                   b->ids.size(), row.id, a->ids.size())};
  }
  return std::nullopt;
}

std::string percent_text(double share) { return fmt::format("{:.3g} %", share * 100); }

ExportCause weight_cause(const WeightDifference& difference) {
  // Where rounding is larger than the change itself it may swallow a part of it: that is no wrong scale.
  const double off = std::abs(difference.scale - 1);
  if (off > 0.02 && off > difference.rounding / 2)
    return {"scale",
            fmt::format("what training changed is in the exported files {:.3g} times as strong", difference.scale)};
  if (difference.rounding > 1e-3)
    return {"precision",
            fmt::format("rounding to the exported type moves the weights by {} of what training changed, and leaves "
                        "{:.3g} of that; choose a wider --type, or export the adapter alone",
                        percent_text(difference.rounding), difference.scale)};
  return {"precision",
          "the exported weights are those that were trained; sums are rounded in another order or precision than in "
          "the run, and answers that were almost ties fell the other way"};
}

WeightDifference weight_difference(tensor::Exec& exec, const CheckSpec& spec) {
  const ModelReference& reference = spec.source->reference;
  if (reference.adapter.empty()) return {};
  const model::Model base = model::open_model(exec, reference.base, model::Parts::tokenizer_only);
  const model::BaseFiles files = value_or_throw(model::BaseFiles::open(base.path));
  const model::Adapter trained = value_or_throw(model::Adapter::load(reference.adapter, files.config()));
  if (!spec.exported.peft.empty())
    return compare_adapters(value_or_throw(model::Adapter::load(spec.exported.peft, files.config())), trained);
  if (!spec.exported.gguf_adapter.empty())
    return compare_adapters(value_or_throw(model::read_gguf_adapter(spec.exported.gguf_adapter, files.config())),
                            trained);
  const model::BaseFiles exported = value_or_throw(model::BaseFiles::open(spec.exported.model));
  return compare_merged(exec, exported, {&files, &trained});
}

std::vector<ExportCause> causes_of(tensor::Exec& exec, const CheckSpec& spec, const Asker& asker) {
  std::vector<ExportCause> causes;
  {
    const model::Model trained = model::open_model(exec, spec.source->reference.base, model::Parts::tokenizer_only);
    const Opened exported = open_exported(exec, spec.exported, model::Parts::tokenizer_only);
    if (auto cause = prompt_cause(spec, asker, trained, exported.base)) causes.push_back(std::move(*cause));
  }
  ExportCause weights = weight_cause(weight_difference(exec, spec));
  if (causes.empty() || weights.cause == "scale") causes.push_back(std::move(weights));
  return causes;
}

}  // namespace

ExportCheck check_export(const CheckSpec& spec, std::stop_token stop) {
  const std::vector<data::Row>& rows = spec.workspace->split.test;
  const data::Task& task = spec.source->reference.task ? *spec.source->reference.task : spec.workspace->task;
  const Asker asker(*spec.source, task);
  tensor::Exec exec(spec.workspace->threads);
  const auto shown = [&](const char* label) {
    return Progress::Options{.label = label, .unit = "rows", .total = rows.size(), .quiet = spec.quiet.progress};
  };
  auto trained = recorded_answers(spec, rows);
  if (trained.empty()) {
    LanguageModel opened = open_language_model(exec, spec.source->reference, model::Parts::everything);
    trained = asker.ask(exec, {.base = std::move(opened.base), .adapter = std::move(opened.adapter)}, rows,
                        shown("trained"), stop);
  }
  const auto exported =
      asker.ask(exec, open_exported(exec, spec.exported, model::Parts::everything), rows, shown("exported"), stop);
  ExportCheck check;
  check.interrupted = stop.stop_requested();
  for (const data::Row& row : rows) {
    const auto a = exported.find(row.id);
    const auto b = trained.find(row.id);
    if (a == exported.end() || b == trained.end()) continue;
    ++check.rows;
    if (same_answer(a->second, b->second, task)) {
      ++check.agreeing;
    } else {
      check.different.push_back(row.id);
    }
  }
  if (check.agreement() < least_agreement && !check.interrupted) check.causes = causes_of(exec, spec, asker);
  return check;
}

}  // namespace hone::solve
