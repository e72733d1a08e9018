#include "solve/answerer.h"

#include "base/hash.h"
#include "generate/bundle.h"
#include "generate/bundle_files.h"
#include "generate/task_responder.h"
#include "solve/recorded_job.h"

namespace hone::solve {
namespace {

generate::BundleOptions options_of(const ModelReference& reference) {
  return {.holding = reference.task->constrain ? generate::Holding::to_task : generate::Holding::to_nothing,
          .precision = reference.precision};
}

class BundleAnswerer : public Answerer {
 public:
  BundleAnswerer(const ModelReference& reference, const data::Task* task)
      : bundle_(generate::Bundle::open(exec_, reference.given, options_of(reference))) {
    task_ = task != nullptr ? *task : *reference.task;
    const Path folder = std::filesystem::absolute(reference.given).lexically_normal();
    identity_ = {{"bundle", folder.string()},
                 {"contender", reference.contender},
                 {"sha256", value_or_throw(sha256_file(folder / generate::record_file))}};
  }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop) override {
    bundle_->answer(inputs, base_answer, on_reply, std::move(stop));
  }

 private:
  tensor::Exec exec_;
  std::unique_ptr<generate::Bundle> bundle_;
};

// By what is asked, so that a drawn answer does not depend on where in a file it stands.
std::string request_id(const std::string& input) { return fmt::format("{:016x}", hash64(input)); }

text::Request request_for(const std::string& input, const data::Task& task, const text::AnswerSpec& base_answer) {
  text::AnswerSpec answer = base_answer;
  const text::AnswerSpec wanted = prompt::answer_spec(task);
  answer.labels = wanted.labels;
  answer.abstain = wanted.abstain;
  return {.id = request_id(input), .messages = data::conversation(task, {}, input), .answer = std::move(answer)};
}

Json identity_of(const ModelReference& reference, const std::string& base_sha256) {
  if (reference.kind == ModelKind::run) return {{"run", reference.run->id}, {"contender", reference.contender}};
  if (reference.adapter.empty()) return {{"model", reference.base}, {"sha256", base_sha256}};
  const Path folder = std::filesystem::absolute(reference.adapter).lexically_normal();
  return {{"adapter", folder.string()},
          {"sha256", value_or_throw(sha256_file(folder / "adapter_model.safetensors"))},
          {"base", reference.base},
          {"base_sha256", base_sha256}};
}

// A bare model, an adapter over one, or a trained run: zero-shot with the task.
class ModelAnswerer : public Answerer {
 public:
  ModelAnswerer(const ModelReference& reference, const data::Task& task)
      : opened_(open_language_model(exec_, reference, model::Parts::everything)) {
    task_ = task;
    identity_ = identity_of(reference, opened_.base.sha256);
    if (opened_.base.default_template) notices_.push_back(no_template_notice(opened_.base));
    if (reference.kind != ModelKind::run) model::record_precision(identity_, opened_.base.precision);
    generate::LocalOptions options;
    options.today = reference.today;
    options.max_prompt_tokens = std::min(4096, opened_.base.decoder->config().context);
    responder_ =
        generate::task_responder(exec_, opened_.base, opened_.adapter ? &*opened_.adapter : nullptr, options, task_);
  }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop) override {
    std::vector<text::Request> requests;
    for (const std::string& input : inputs) requests.push_back(request_for(input, task_, base_answer));
    responder_->respond(requests, on_reply, std::move(stop));
  }

 private:
  tensor::Exec exec_;
  LanguageModel opened_;
  std::unique_ptr<text::Responder> responder_;
};

// Under the key of the task as it is, whatever its answers are held to.
Workspace workspace_of(const ModelReference& reference) {
  Workspace workspace = open_workspace(reference.task->folder);
  workspace.task.constrain = workspace.task.constrain && reference.task->constrain;
  return workspace;
}

// Any other contender, made again from the rows it was made of.
class ContenderAnswerer : public Answerer {
 public:
  explicit ContenderAnswerer(const ModelReference& reference)
      : workspace_(workspace_of(reference)), recorded_(recorded_job(workspace_, *reference.run)) {
    task_ = workspace_.task;
    identity_ = {{"run", reference.run->id}, {"contender", reference.contender}};
  }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop) override {
    if (!responder_) responder_ = recorded_->job.make();
    std::vector<text::Request> requests;
    for (const std::string& input : inputs) {
      data::Row row;
      row.id = request_id(input);
      row.input = input;
      text::Request request = recorded_->job.request(row);
      text::AnswerSpec answer = base_answer;
      answer.labels = request.answer.labels;
      answer.abstain = request.answer.abstain;
      request.answer = std::move(answer);
      requests.push_back(std::move(request));
    }
    responder_->respond(requests, on_reply, std::move(stop));
  }

 private:
  Workspace workspace_;
  std::unique_ptr<RecordedJob> recorded_;
  std::shared_ptr<text::Responder> responder_;
};

}  // namespace

std::unique_ptr<Answerer> Answerer::open(const ModelReference& reference, const data::Task* task) {
  switch (reference.kind) {
    case ModelKind::bundle:
      return std::make_unique<BundleAnswerer>(reference, task);
    case ModelKind::run:
      if (!reference.adapter.empty()) return std::make_unique<ModelAnswerer>(reference, *reference.task);
      return std::make_unique<ContenderAnswerer>(reference);
    case ModelKind::bare:
      break;
  }
  if (task == nullptr) {
    fail(ErrorCode::usage, "{} is a bare model, so the task must be named: --task FOLDER", reference.given);
  }
  return std::make_unique<ModelAnswerer>(reference, *task);
}

}  // namespace hone::solve
