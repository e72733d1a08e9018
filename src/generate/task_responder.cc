#include "generate/task_responder.h"

#include "data/output_schema.h"
#include "generate/constrained_responder.h"
#include "generate/constraint_json.h"

namespace hone::generate {
namespace {

// Keeps what the constraint looks into.
class SchemaResponder : public text::Responder {
 public:
  SchemaResponder(const text::Tokenizer& tokenizer, const std::string& schema)
      : vocabulary_(tokenizer),
        make_(JsonConstraint::maker(vocabulary_, value_or_throw(text::JsonSchema::compile(schema)),
                                    data::answer_spelling())) {}
  const MakeConstraint& constraint() const { return make_; }
  void answer_with(std::unique_ptr<text::Responder> responder) { responder_ = std::move(responder); }

  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override {
    responder_->respond(requests, on_reply, std::move(stop));
  }

 private:
  ConstraintVocabulary vocabulary_;
  MakeConstraint make_;
  std::unique_ptr<text::Responder> responder_;
};

}  // namespace

std::unique_ptr<text::Responder> task_responder(tensor::Exec& exec, const model::Model& model,
                                                const model::Adapter* adapter, const LocalOptions& options,
                                                const data::Task& task) {
  if (task.schema.empty() || !task.constrain) return local_responder(exec, model, adapter, options);
  auto responder = std::make_unique<SchemaResponder>(model.tokenizer, task.schema);
  responder->answer_with(constrained_responder(exec, model, adapter, options, responder->constraint()));
  return responder;
}

}  // namespace hone::generate
