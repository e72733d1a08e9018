// Many requests answered at once by one model: prompts enter in the order they came, as many as fit into one forward
// pass; sequences being decoded go on beside them and leave when they end. Single-threaded: a loop calls step().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "generate/answer_text.h"
#include "generate/constraint.h"
#include "generate/label_scoring.h"
#include "generate/shared_prefix.h"
#include "text/prompt_encoding.h"

namespace hone::generate {

class Scheduler {
 public:
  using Ticket = std::uint64_t;
  struct Callbacks {
    std::function<void(std::string_view text)> on_token;  // free text as it comes, whole characters; may be empty
    std::function<void(Result<text::Reply>)> on_reply;    // once, unless cancelled
  };
  using OnHidden = std::function<void(std::vector<float>)>;
  // The tokens of a constrained answer that has ended, told before its reply.
  using OnTokens = std::function<void(std::span<const text::TokenId> prompt, std::span<const text::TokenId> answer)>;

  // `model` and `adapter` (null: the bare base) outlive the scheduler. One caller at a time.
  Scheduler(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter, const LocalOptions& options);

  // What the free-text answers of requests submitted from now on must be; null: anything. `on_tokens` may be empty.
  void hold_to(MakeConstraint constraint, OnTokens on_tokens = {}) {
    constraint_ = std::move(constraint);
    on_tokens_ = std::move(on_tokens);
  }
  // Queues a request. What can't be encoded or answered gets its error through on_reply at once. Callbacks are called
  // from here and from step(); they may submit and cancel.
  Ticket submit(const text::Request& request, Callbacks callbacks);
  // The same for a prompt that is tokens already, free text only.
  Ticket submit_tokens(std::vector<text::TokenId> prompt, const text::Request& request, Callbacks callbacks);
  // The final-normed hidden state [width] at the last prompt token of `messages`; an error at once.
  Result<Ticket> submit_hidden(std::span<const text::Message> messages, OnHidden on_hidden);
  // Forgets a request: no further callback. False where it has ended already.
  bool cancel(Ticket ticket);

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t active() const { return active_.size(); }
  // One forward pass. False, and nothing done, where there is no work.
  bool step();

 private:
  struct Job;
  struct Pass;
  using JobPointer = std::shared_ptr<Job>;

  Ticket enqueue(JobPointer job);
  Ticket submit_text(std::vector<text::TokenId> prompt, const text::Request& request, AnswerText text,
                     Callbacks callbacks);
  Result<text::EncodedPrompt> encode(std::span<const text::Message> messages) const;
  std::shared_ptr<const LabelScoring> scoring_for(const text::AnswerSpec& answer);
  std::vector<JobPointer> admit();
  void lay_out(Pass& pass);
  void lay_out_labels(Pass& pass, std::span<const JobPointer> jobs, std::span<const Placed> placed);
  void score_labels(Pass& pass);
  void extend_texts(Pass& pass);
  Result<void> constrain(Job& job) const;
  void next_token(Job& job, std::span<const float> logits, Pass& pass);
  void next_constrained(Job& job, std::span<const float> logits, Pass& pass);
  void finish_text(Job& job, const char* why, Pass& pass);
  text::Reply reply_of(const Job& job) const;
  bool ends_turn(text::TokenId id) const;
  std::int64_t rows_in_use() const;

  tensor::Exec& exec_;
  const model::Model& model_;
  const model::Adapter* adapter_;
  LocalOptions options_;
  MakeConstraint constraint_;
  OnTokens on_tokens_;
  SharedPrefix prefix_;
  Result<text::AnswerForm> form_;
  std::map<std::string, std::shared_ptr<const LabelScoring>> scorings_;
  std::deque<JobPointer> waiting_;
  std::vector<JobPointer> active_;
  Ticket next_ticket_ = 1;
};

}  // namespace hone::generate
