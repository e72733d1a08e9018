#include "generate/bundle.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/prompt_version.h"
#include "generate/bundle_files.h"
#include "generate/prompt_size.h"
#include "generate/scheduler.h"
#include "generate/task_responder.h"

namespace hone::generate {

namespace {

text::AnswerSpec answer_spec(const BundleRecord& record, const text::AnswerSpec& base) {
  const data::Task& task = record.task;
  text::AnswerSpec spec = base;
  const bool is_default = base.max_tokens == text::AnswerSpec().max_tokens;
  if (is_default && record.max_answer_tokens > 0) spec.max_tokens = record.max_answer_tokens;
  spec.labels.clear();
  spec.abstain = false;
  if (task.kind == data::Kind::classify) {
    spec.labels = task.labels;
    spec.abstain = task.abstain;
  }
  return spec;
}

// By what was asked, so that a drawn answer doesn't depend on where in a batch it stands.
std::string request_id(const std::string& input) { return fmt::format("{:016x}", hash64(input)); }

class ClassicBundle : public Bundle {
 public:
  ClassicBundle(BundleRecord record, std::unique_ptr<text::Responder> responder)
      : record_(std::move(record)), responder_(std::move(responder)) {}
  const BundleRecord& record() const override { return record_; }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop) override {
    std::vector<text::Request> requests;
    for (const std::string& input : inputs) {
      requests.push_back({request_id(input), {{"user", input}}, answer_spec(record_, base_answer)});
    }
    responder_->respond(requests, on_reply, stop);
  }

 private:
  BundleRecord record_;
  std::unique_ptr<text::Responder> responder_;
};

LocalOptions options_of(const BundleRecord& record) {
  LocalOptions options;
  options.max_prompt_tokens = record.max_prompt_tokens;
  options.today = record.today;
  return options;
}

// Prompted and tuned.
class ModelBundle : public Bundle {
 public:
  ModelBundle(tensor::Exec& exec, BundleRecord record, model::Model model, std::optional<model::Adapter> adapter,
              std::vector<data::Row> rows)
      : record_(std::move(record)), model_(std::move(model)), adapter_(std::move(adapter)), rows_(std::move(rows)) {
    if (record_.knn_shots > 0) index_.emplace(rows_);
    responder_ = task_responder(exec, model_, adapter_ ? &*adapter_ : nullptr, options_of(record_), record_.task);
  }
  const BundleRecord& record() const override { return record_; }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec& base_answer, const text::OnReply& on_reply,
              std::stop_token stop) override {
    std::vector<text::Request> requests;
    for (const std::string& input : inputs) {
      requests.push_back({request_id(input), messages_of(input), answer_spec(record_, base_answer)});
    }
    responder_->respond(requests, on_reply, stop);
  }

 private:
  std::vector<text::Message> messages_of(const std::string& input) const {
    if (!index_) return data::conversation(record_.task, record_.shots, input);
    auto hits = index_->nearest(input, record_.knn_shots);
    std::reverse(hits.begin(), hits.end());  // the nearest stands next to the input
    std::vector<const data::Row*> nearest;
    for (const auto& hit : hits) nearest.push_back(&rows_[hit.row]);
    return data::conversation(record_.task, data::shots_of(nearest), input);
  }

  BundleRecord record_;
  model::Model model_;
  std::optional<model::Adapter> adapter_;
  std::vector<data::Row> rows_;
  std::optional<classic::Bm25Index> index_;
  std::unique_ptr<text::Responder> responder_;
};

// A linear head on the hidden states of the bare base.
class ProbeBundle : public Bundle {
 public:
  ProbeBundle(tensor::Exec& exec, BundleRecord record, model::Model model, classic::LinearHead head)
      : record_(std::move(record)),
        model_(std::move(model)),
        head_(std::move(head)),
        scheduler_(exec, model_, nullptr, options_of(record_)) {}
  const BundleRecord& record() const override { return record_; }

  void answer(std::span<const std::string> inputs, const text::AnswerSpec&, const text::OnReply& on_reply,
              std::stop_token stop) override {
    const Stopwatch watch;
    std::vector<Scheduler::Ticket> tickets;
    std::size_t answered = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto ticket = scheduler_.submit_hidden(
          data::conversation(record_.task, record_.shots, inputs[i]), [&, i](std::vector<float> state) {
            ++answered;
            on_reply(i, reply_of(inputs[i], state, watch.seconds() * 1000 / static_cast<double>(answered)));
          });
      if (ticket) {
        tickets.push_back(*ticket);
      } else {
        on_reply(i, tl::unexpected(ticket.error()));
      }
    }
    while (!stop.stop_requested() && scheduler_.step()) {
    }
    for (const Scheduler::Ticket ticket : tickets) scheduler_.cancel(ticket);
  }

 private:
  text::Reply reply_of(const std::string& input, const std::vector<float>& state, double milliseconds) const {
    const std::vector<double> probabilities = head_.probabilities(state);
    text::Reply reply;
    reply.id = request_id(input);
    reply.finish = "label";
    reply.usage.prompt_tokens =
        prompt_tokens(model_, data::conversation(record_.task, record_.shots, input), options_of(record_));
    reply.latency_ms = milliseconds;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      reply.label_probabilities.emplace_back(head_.labels()[i], probabilities[i]);
    }
    const auto best = std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
    reply.answer = head_.labels()[static_cast<std::size_t>(best)];
    return reply;
  }

  BundleRecord record_;
  model::Model model_;
  classic::LinearHead head_;
  Scheduler scheduler_;
};

void require(const Path& folder, const BundleRecord& record, const std::string& name) {
  if (record.hashes.contains(name)) return;
  fail(ErrorCode::bad_input, "{}: a bundle of kind {} needs the file {}, which its record doesn't name",
       (folder / record_file).string(), name_of(record.kind), name);
}

model::Model open_base(tensor::Exec& exec, const Path& folder, const BundleRecord& record) {
  model::Model model = model::open_model(exec, record.base_model, model::Parts::everything, record.precision);
  if (!record.base_sha256.empty() && model.sha256 != record.base_sha256) {
    fail(ErrorCode::bad_input, "{}: the bundle was made for {} with SHA-256 {}, but {} has {}", folder.string(),
         record.base_model, record.base_sha256, model.path.string(), model.sha256);
  }
  return model;
}

std::unique_ptr<text::Responder> classic_responder(const Path& folder, const BundleRecord& record) {
  if (record.kind == BundleKind::ngram) {
    return value_or_throw(classic::NgramClassifier::load(folder / classifier_folder)).responder();
  }
  if (record.kind == BundleKind::copy) return classic::copy_input();
  require(folder, record, rows_file);
  const std::vector<data::Row> rows = read_rows(folder);
  if (record.kind == BundleKind::majority) return classic::majority(rows, record.task.labels);
  if (record.kind == BundleKind::nearest) return classic::nearest_output(rows);
  return classic::knn(rows, record.task.labels, record.neighbours);
}

}  // namespace

std::unique_ptr<Bundle> Bundle::open(tensor::Exec& exec, const Path& folder, const BundleOptions& options) {
  BundleRecord record = read_record(folder);
  if (options.holding == Holding::to_nothing) record.task.constrain = false;
  record.precision = options.precision.value_or(record.precision);
  switch (record.kind) {
    case BundleKind::majority:
    case BundleKind::knn:
    case BundleKind::ngram:
    case BundleKind::copy:
    case BundleKind::nearest: {
      auto responder = classic_responder(folder, record);
      return std::make_unique<ClassicBundle>(std::move(record), std::move(responder));
    }
    case BundleKind::probe: {
      require(folder, record, head_file);
      const Json json =
          value_or_throw(parse_json(value_or_throw(read_file(folder / head_file)), (folder / head_file).string()));
      auto head = classic::LinearHead::from_json(json);
      if (!head) {
        fail(ErrorCode::bad_input, "{}: {}; write the bundle again with `hone solve`", (folder / head_file).string(),
             head.error().message);
      }
      auto model = open_base(exec, folder, record);
      return std::make_unique<ProbeBundle>(exec, std::move(record), std::move(model), std::move(*head));
    }
    case BundleKind::prompted: {
      std::vector<data::Row> rows;
      if (record.knn_shots > 0) {
        require(folder, record, rows_file);
        rows = read_rows(folder);
      }
      auto model = open_base(exec, folder, record);
      return std::make_unique<ModelBundle>(exec, std::move(record), std::move(model), std::nullopt, std::move(rows));
    }
    case BundleKind::tuned: {
      require(folder, record, adapter_config);
      require(folder, record, adapter_weights);
      auto model = open_base(exec, folder, record);
      auto adapter = value_or_throw(model::Adapter::load(folder / adapter_folder, model.decoder->config()));
      return std::make_unique<ModelBundle>(exec, std::move(record), std::move(model), std::move(adapter),
                                           std::vector<data::Row>());
    }
  }
  fail(ErrorCode::bad_input, "{}: unknown kind of bundle", folder.string());
}

}  // namespace hone::generate
