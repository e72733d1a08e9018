#include <algorithm>

#include "generate/constrained_responder.h"
#include "generate/scheduler.h"

namespace hone::generate {

namespace {

constexpr std::size_t queue_ahead = 256;  // prompts encoded before their turn: enough to see what they share

class LocalResponder : public text::Responder {
 public:
  LocalResponder(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter,
                 const LocalOptions& options)
      : scheduler_(exec, model, adapter, options) {}
  void hold_each_to(EachHeld held) { held_ = std::move(held); }

  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override {
    // Whatever ends this call, nothing may call `on_reply` after it.
    struct Forget {
      Scheduler& scheduler;
      std::vector<Scheduler::Ticket> tickets;
      ~Forget() {
        for (const Scheduler::Ticket ticket : tickets) scheduler.cancel(ticket);
      }
    } sent{scheduler_, {}};
    std::size_t next = 0;
    while (!stop.stop_requested()) {
      while (next < requests.size() && scheduler_.waiting() < queue_ahead && !stop.stop_requested()) {
        const std::size_t index = next++;
        if (held_.constraint_of) {
          Result<MakeConstraint> constraint = held_.constraint_of(index);
          if (!constraint) {
            on_reply(index, tl::unexpected(constraint.error()));
            continue;
          }
          Scheduler::OnTokens on_tokens;
          if (held_.on_tokens) on_tokens = std::bind_front(std::cref(held_.on_tokens), index);
          scheduler_.hold_to(std::move(*constraint), std::move(on_tokens));
        }
        sent.tickets.push_back(scheduler_.submit(requests[index], {{}, [&on_reply, index](Result<text::Reply> reply) {
                                                                     on_reply(index, std::move(reply));
                                                                   }}));
      }
      if (!scheduler_.step() && next == requests.size()) return;
    }
  }

 private:
  Scheduler scheduler_;
  EachHeld held_;
};

}  // namespace

std::unique_ptr<text::Responder> local_responder(tensor::Exec& exec, const model::Model& model,
                                                 const model::Adapter* adapter, const LocalOptions& options) {
  return std::make_unique<LocalResponder>(exec, model, adapter, options);
}

std::unique_ptr<text::Responder> constrained_responder(tensor::Exec& exec, const model::Model& model,
                                                       const model::Adapter* adapter, const LocalOptions& options,
                                                       MakeConstraint constraint) {
  return constrained_responder(exec, model, adapter, options,
                               EachHeld{[constraint = std::move(constraint)](std::size_t) { return constraint; }, {}});
}

std::unique_ptr<text::Responder> constrained_responder(tensor::Exec& exec, const model::Model& model,
                                                       const model::Adapter* adapter, const LocalOptions& options,
                                                       EachHeld held) {
  auto responder = std::make_unique<LocalResponder>(exec, model, adapter, options);
  responder->hold_each_to(std::move(held));
  return responder;
}

Result<text::Reply> continue_text(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter,
                                  const text::Request& raw) {
  if (!raw.answer.labels.empty()) return bad_input("raw text is continued freely: labels need a conversation");
  std::vector<text::TokenId> ids;
  if (model.tokenizer.add_bos() && model.tokenizer.bos()) ids.push_back(*model.tokenizer.bos());
  for (const text::Message& message : raw.messages) {
    const std::vector<text::TokenId> part = model.tokenizer.encode(message.content);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  Scheduler scheduler(exec, model, adapter, {});
  Result<text::Reply> result = bad_input("no answer came");
  scheduler.submit_tokens(std::move(ids), raw, {{}, [&](Result<text::Reply> reply) { result = std::move(reply); }});
  while (scheduler.step()) {
  }
  return result;
}

std::vector<std::vector<float>> hidden_states(tensor::Exec& exec, const model::Model& model,
                                              std::span<const text::Request> requests, const LocalOptions& options,
                                              std::stop_token stop) {
  std::vector<std::vector<float>> states(requests.size());
  Scheduler scheduler(exec, model, nullptr, options);
  std::size_t next = 0;
  while (true) {
    if (stop.stop_requested()) {
      // Answered in the order they came, so what there is lies at the front.
      const auto missing = std::find_if(states.begin(), states.end(), [](const auto& state) { return state.empty(); });
      states.erase(missing, states.end());
      return states;
    }
    while (next < requests.size() && scheduler.waiting() < queue_ahead) {
      std::vector<float>& state = states[next];
      const auto ticket = scheduler.submit_hidden(requests[next].messages,
                                                  [&state](std::vector<float> values) { state = std::move(values); });
      if (!ticket) fail(ticket.error().code, "request {}: {}", requests[next].id, ticket.error().message);
      ++next;
    }
    if (!scheduler.step() && next == requests.size()) return states;
  }
}

}  // namespace hone::generate
