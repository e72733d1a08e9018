#include "solve/teacher.h"

#include <algorithm>

#include "base/terminal.h"
#include "data/encode.h"
#include "generate/generate.h"
#include "prompt/api_request.h"
#include "solve/model_reference.h"

namespace hone::solve {
namespace {

constexpr int longest_prompt = 4096;

class LocalTeacher : public Teacher {
 public:
  LocalTeacher(const data::Task& task, const TeacherSpec& spec)
      : reference_(resolve_model(spec.model, task.file)),
        opened_(open_language_model(exec_, reference_, model::Parts::everything)) {
    name_ = spec.model;
    generate::LocalOptions options;
    options.today = reference_.today;
    options.max_prompt_tokens = std::min(longest_prompt, opened_.base.decoder->config().context);
    responder_ = generate::local_responder(exec_, opened_.base, opened_.adapter ? &*opened_.adapter : nullptr, options);
  }
  text::Responder& responder() override { return *responder_; }

 private:
  tensor::Exec exec_;
  ModelReference reference_;
  LanguageModel opened_;
  std::unique_ptr<text::Responder> responder_;
};

prompt::ApiOptions options_of(const TeacherSpec& spec, const prompt::ApiEndpoint& endpoint) {
  const bool is_openai = endpoint.host == "api.openai.com" || endpoint.host.ends_with(".openai.azure.com");
  prompt::ApiOptions options;
  options.endpoint = endpoint;
  options.asking = {.model = spec.model,
                    .temperature = spec.temperature,
                    .max_tokens = spec.max_tokens,
                    .max_tokens_field = is_openai ? "max_completion_tokens" : "max_tokens"};
  options.concurrency = spec.concurrency;
  options.price = spec.price;
  options.max_usd = spec.max_usd;
  options.spent_usd = spec.spent_usd;
  return options;
}

class ApiTeacher : public Teacher {
 public:
  ApiTeacher(const TeacherSpec& spec, const prompt::ApiEndpoint& endpoint) : spec_(spec), endpoint_(endpoint) {
    name_ = fmt::format("{} at {}", spec.model, endpoint.host);
    is_api_ = true;
    responder_.emplace(options_of(spec_, endpoint_));
  }
  text::Responder& responder() override { return *responder_; }

  void set_temperature(double temperature) override {
    if (!spec_.temperature || *spec_.temperature == temperature) return;
    past_ = totals();
    spec_.temperature = temperature;
    spec_.spent_usd = past_.usd;
    responder_.emplace(options_of(spec_, endpoint_));
  }

  prompt::ApiTotals totals() const override {
    prompt::ApiTotals sum = responder_->totals();
    sum.requests += past_.requests;
    sum.retries += past_.retries;
    sum.prompt_tokens += past_.prompt_tokens;
    sum.completion_tokens += past_.completion_tokens;
    sum.uncertain_usd += past_.uncertain_usd;
    sum.cut_answers += past_.cut_answers;
    sum.malformed += past_.malformed;
    sum.capped = sum.capped || past_.capped;
    return sum;
  }

 private:
  TeacherSpec spec_;
  prompt::ApiEndpoint endpoint_;
  prompt::ApiTotals past_;  // of the responders before this one
  std::optional<prompt::ApiResponder> responder_;
};

prompt::ApiEndpoint endpoint_of(const data::Task& task, const TeacherSpec& spec,
                                const prompt::Environment& environment) {
  prompt::ApiEndpoint endpoint = value_or_throw(prompt::api_endpoint(spec.url, environment));
  if (task.circumstances.is_private && !endpoint.is_local) {
    fail(ErrorCode::usage,
         "the task is private (private = true in {}), so its rows are not sent to {}; take a model on this machine, or "
         "take the line out of the file",
         task.file.filename().string(), endpoint.host);
  }
  if (endpoint.needs_key && endpoint.key.empty()) {
    fail(ErrorCode::environment, "{} needs a key; set it in the environment: export HONE_API_KEY=...", endpoint.host);
  }
  return endpoint;
}

}  // namespace

std::unique_ptr<Teacher> Teacher::open(const data::Task& task, const TeacherSpec& spec,
                                       const prompt::Environment& environment) {
  if (spec.max_usd && !spec.price) {
    fail(ErrorCode::usage,
         "a cap needs a price, and none of \"{}\" is known; name a listed one with --price ID, or give a list of your "
         "own with --prices FILE",
         printable(spec.model));
  }
  if (spec.url.empty()) return std::make_unique<LocalTeacher>(task, spec);
  return std::make_unique<ApiTeacher>(spec, endpoint_of(task, spec, environment));
}

text::Request reading_request(const data::Task& task, const data::Row& row, const Teacher& teacher) {
  text::Request request{
      .id = row.id, .messages = data::messages_for(task, row.input), .answer = prompt::answer_spec(task)};
  if (teacher.is_api()) request.messages.front().content = prompt::api_instruction(task);
  return request;
}

}  // namespace hone::solve
