#include "classic/label_responder.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"

namespace hone::classic {
namespace {

const std::string& input_of(const text::Request& request) {
  const auto last = std::find_if(request.messages.rbegin(), request.messages.rend(),
                                 [](const auto& message) { return message.role == "user"; });
  HONE_CHECK(last != request.messages.rend());
  return last->content;
}

// Fills `reply` for each input in turn and times it.
class FunctionResponder : public text::Responder {
 public:
  using Fill = std::function<void(const std::string& input, text::Reply& reply)>;
  explicit FunctionResponder(Fill fill) : fill_(std::move(fill)) {}

  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override {
    for (std::size_t i = 0; i < requests.size() && !stop.stop_requested(); ++i) {
      const Stopwatch watch;
      text::Reply reply;
      reply.id = requests[i].id;
      fill_(input_of(requests[i]), reply);
      reply.latency_ms = watch.seconds() * 1000;
      on_reply(i, std::move(reply));
    }
  }

 private:
  Fill fill_;
};

}  // namespace

std::unique_ptr<text::Responder> label_responder(std::vector<std::string> labels,
                                                 std::function<std::vector<double>(const std::string&)> probabilities) {
  return std::make_unique<FunctionResponder>([labels = std::move(labels), probabilities = std::move(probabilities)](
                                                 const std::string& input, text::Reply& reply) {
    const std::vector<double> p = probabilities(input);
    HONE_CHECK(p.size() == labels.size() && !p.empty());
    for (std::size_t i = 0; i < p.size(); ++i) reply.label_probabilities.emplace_back(labels[i], p[i]);
    reply.answer = labels[static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin())];
    reply.finish = "label";
  });
}

std::unique_ptr<text::Responder> text_responder(std::function<std::string(const std::string&)> answer) {
  return std::make_unique<FunctionResponder>(
      [answer = std::move(answer)](const std::string& input, text::Reply& reply) {
        reply.answer = answer(input);
        reply.finish = "stop";
      });
}

}  // namespace hone::classic
