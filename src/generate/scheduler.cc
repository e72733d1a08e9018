#include "generate/scheduler.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/clock.h"
#include "base/hash.h"
#include "generate/constrained_step.h"
#include "generate/sampler.h"
#include "text/prompt_encoding.h"

namespace hone::generate {

namespace {

constexpr std::size_t most_label_sets = 64;     // kept prepared
constexpr std::size_t prompts_looked_at = 256;  // of those waiting, when a prefix is chosen
constexpr std::int64_t logit_rows = 32;         // computed together

Result<void> check(const text::AnswerSpec& answer) {
  if (!answer.labels.empty()) return {};
  if (answer.max_tokens < 1) return bad_input("max_tokens is {}, expected at least 1", answer.max_tokens);
  if (!(answer.temperature >= 0) || !std::isfinite(answer.temperature)) {
    return bad_input("temperature is {}, expected 0 or more", answer.temperature);
  }
  if (!(answer.top_p > 0 && answer.top_p <= 1)) {
    return bad_input("top_p is {}, expected more than 0 and at most 1", answer.top_p);
  }
  return {};
}

}  // namespace

struct Scheduler::Job {
  Ticket ticket = 0;
  std::string id;
  std::vector<text::TokenId> prompt;
  text::AnswerSpec answer;
  Callbacks callbacks;
  OnHidden on_hidden;
  std::shared_ptr<const LabelScoring> scoring;  // null: free text, or a hidden state
  bool cancelled = false;
  double milliseconds = 0;  // its share of the passes so far

  // Free text.
  AnswerText text{{}};
  Rng rng{0};
  int node = -1;                    // holds what was decoded so far
  std::vector<text::TokenId> feed;  // decoded, not yet run
  int tokens = 0;
  std::unique_ptr<Constraint> constraint;  // null: anything
  int opening = 0;                         // the last tokens of the prompt that are the answer's first
  OnTokens on_tokens;
  std::vector<text::TokenId> written;  // of a constrained answer that on_tokens is told
  std::vector<text::TokenLogprob> logprobs;

  // Once ended.
  std::string finish;
  std::vector<double> probabilities;
  std::vector<float> hidden;

  bool is_text() const { return !scoring && !on_hidden; }
};

struct Scheduler::Pass {
  model::Step step;
  std::vector<JobPointer> admitted;
  struct LabelUnit {
    std::shared_ptr<const LabelScoring> scoring;
    std::vector<int> rows;         // of its branching nodes, in the order of LabelScoring::probabilities
    std::vector<JobPointer> jobs;  // equal prompt and labels
  };
  std::vector<LabelUnit> units;
  std::vector<std::pair<int, JobPointer>> hidden;  // wanted row
  std::vector<std::pair<int, JobPointer>> texts;   // row that predicts the next token
  tensor::Tensor states;                           // [wanted, width]
  struct Event {
    JobPointer job;
    std::string text;
    bool is_last = false;
  };
  std::vector<Event> events;  // told to the callers when the pass is over

  const float* state(int row) const {
    const auto at = std::lower_bound(step.wanted.begin(), step.wanted.end(), row) - step.wanted.begin();
    return states.f32() + at * states.shape()[1];
  }
};

Scheduler::Scheduler(tensor::Exec& exec, const model::Model& model, const model::Adapter* adapter,
                     const LocalOptions& options)
    : exec_(exec),
      model_(model),
      adapter_(adapter),
      options_(options),
      prefix_(model.decoder->config(), options.batch_tokens),
      form_(text::answer_form(model.tokenizer, model.chat_template)) {}

Result<text::EncodedPrompt> Scheduler::encode(std::span<const text::Message> messages) const {
  text::PromptSpec spec;
  spec.max_tokens = std::min(options_.max_prompt_tokens, model_.decoder->config().context - 1);
  spec.today = options_.today;
  Result<text::EncodedPrompt> encoded = text::encode_prompt(messages, model_.tokenizer, model_.chat_template, spec);
  if (!encoded) return tl::unexpected(encoded.error());
  if (encoded->ids.empty()) return bad_input("the prompt is empty");
  return encoded;
}

std::shared_ptr<const LabelScoring> Scheduler::scoring_for(const text::AnswerSpec& answer) {
  const std::vector<std::string> labels = text::labels_of(answer);
  std::string key;
  for (const std::string& label : labels) key += fmt::format("{}:{}", label.size(), label);
  const auto known = scorings_.find(key);
  if (known != scorings_.end()) return known->second;
  if (scorings_.size() >= most_label_sets) scorings_.clear();
  auto scoring =
      std::make_shared<const LabelScoring>(LabelTrie(model_.tokenizer, labels, value_or_throw(form_)), labels.size());
  scorings_.emplace(std::move(key), scoring);
  return scoring;
}

Scheduler::Ticket Scheduler::enqueue(JobPointer job) {
  job->ticket = next_ticket_++;
  waiting_.push_back(std::move(job));
  return waiting_.back()->ticket;
}

Scheduler::Ticket Scheduler::submit(const text::Request& request, Callbacks callbacks) {
  const Stopwatch watch;
  const auto refuse = [&](Error error) {
    if (callbacks.on_reply) callbacks.on_reply(tl::unexpected(std::move(error)));
    return next_ticket_++;
  };
  Result<text::EncodedPrompt> prompt = encode(request.messages);
  if (!prompt) return refuse(prompt.error());
  if (prompt->cut_tokens > 0 && callbacks.on_reply) {
    callbacks.on_reply = [cut = prompt->cut_tokens, told = std::move(callbacks.on_reply)](Result<text::Reply> reply) {
      if (reply) reply->cut_tokens = cut;
      told(std::move(reply));
    };
  }
  if (request.answer.labels.empty()) {
    // What a constraint let through stays as it is.
    AnswerText text(request.answer.stop, form_ && !constraint_ ? form_->lead : std::string());
    return submit_text(std::move(prompt->ids), request, std::move(text), std::move(callbacks));
  }
  auto job = std::make_shared<Job>();
  job->id = request.id;
  job->prompt = std::move(prompt->ids);
  job->answer = request.answer;
  try {
    job->scoring = scoring_for(request.answer);
  } catch (const Failure& failure) {
    return refuse({failure.code(), failure.what()});
  }
  job->milliseconds = watch.seconds() * 1000;
  job->finish = "label";
  if (!job->scoring->root_branches() && job->scoring->runs().empty()) {
    // A single label needs no model.
    job->probabilities = job->scoring->probabilities({});
    if (callbacks.on_reply) callbacks.on_reply(reply_of(*job));
    return next_ticket_++;
  }
  job->callbacks = std::move(callbacks);
  return enqueue(std::move(job));
}

Scheduler::Ticket Scheduler::submit_tokens(std::vector<text::TokenId> prompt, const text::Request& request,
                                           Callbacks callbacks) {
  return submit_text(std::move(prompt), request, AnswerText(request.answer.stop), std::move(callbacks));
}

Scheduler::Ticket Scheduler::submit_text(std::vector<text::TokenId> prompt, const text::Request& request,
                                         AnswerText text, Callbacks callbacks) {
  Result<void> fits = check(request.answer);
  const int room = model_.decoder->config().context - static_cast<int>(prompt.size());
  if (fits && prompt.empty()) fits = bad_input("the prompt is empty");
  if (fits && room < 1) {
    fits = bad_input("the prompt has {} tokens, but the model reads at most {}", prompt.size(),
                     model_.decoder->config().context);
  }
  if (!fits) {
    if (callbacks.on_reply) callbacks.on_reply(tl::unexpected(fits.error()));
    return next_ticket_++;
  }
  auto job = std::make_shared<Job>();
  job->id = request.id;
  job->prompt = std::move(prompt);
  job->answer = request.answer;
  job->answer.max_tokens = std::min(request.answer.max_tokens, room);
  job->callbacks = std::move(callbacks);
  job->text = std::move(text);
  // Drawn by the request's own numbers, so that its answer doesn't depend on what else is in the batch.
  job->rng = Rng(request.answer.seed, hash64(request.id));
  if (const Result<void> possible = constrain(*job); !possible) {
    if (job->callbacks.on_reply) job->callbacks.on_reply(tl::unexpected(possible.error()));
    return next_ticket_++;
  }
  return enqueue(std::move(job));
}

// Starts the answer's constraint; what must come first is run with the prompt.
Result<void> Scheduler::constrain(Job& job) const {
  if (!constraint_) return {};
  if (!job.answer.stop.empty()) return bad_input("stop strings could cut an answer that must be whole; leave them out");
  job.constraint = constraint_();
  const std::size_t shortest = job.constraint->closing().size();
  if (shortest > static_cast<std::size_t>(job.answer.max_tokens)) {
    return bad_input(
        "a whole answer takes {} tokens or more, but at most {} may be written; allow more (--max-tokens), or "
        "shorten the prompt or the schema",
        shortest, job.answer.max_tokens);
  }
  const std::vector<text::TokenId> forced = take_forced(*job.constraint, model_.tokenizer, job.answer.max_tokens);
  for (const text::TokenId token : forced) {
    job.text.push(model_.tokenizer.token_bytes(token));
    if (job.answer.logprobs) job.logprobs.push_back({std::string(model_.tokenizer.token_bytes(token)), 0});
  }
  job.on_tokens = on_tokens_;
  if (job.on_tokens) job.written = forced;
  job.prompt.insert(job.prompt.end(), forced.begin(), forced.end());
  job.opening = job.tokens = static_cast<int>(forced.size());
  return {};
}

Result<Scheduler::Ticket> Scheduler::submit_hidden(std::span<const text::Message> messages, OnHidden on_hidden) {
  Result<text::EncodedPrompt> prompt = encode(messages);
  if (!prompt) return tl::unexpected(prompt.error());
  auto job = std::make_shared<Job>();
  job->prompt = std::move(prompt->ids);
  job->on_hidden = std::move(on_hidden);
  return enqueue(std::move(job));
}

bool Scheduler::cancel(Ticket ticket) {
  const auto is_it = [&](const JobPointer& job) { return job->ticket == ticket; };
  for (const auto& job : waiting_) {
    if (is_it(job)) job->cancelled = true;
  }
  for (const auto& job : active_) {
    if (is_it(job)) job->cancelled = true;
  }
  return std::erase_if(waiting_, is_it) + std::erase_if(active_, is_it) > 0;
}

std::int64_t Scheduler::rows_in_use() const {
  const model::KvCache& cache = prefix_.cache();
  if (cache.count() == 0) return 0;
  const model::KvNode& newest = cache.node(cache.count() - 1);
  return newest.begin + newest.capacity;
}

// Takes requests from the front of the queue while they fit into one pass and, for free text, into the cache.
std::vector<Scheduler::JobPointer> Scheduler::admit() {
  if (waiting_.empty()) return {};
  if (active_.empty()) {
    std::vector<Prompt> prompts;
    for (std::size_t i = 0; i < std::min(waiting_.size(), prompts_looked_at); ++i) {
      prompts.emplace_back(waiting_[i]->prompt);
    }
    prefix_.expect(prompts);
  }
  std::vector<JobPointer> admitted;
  std::int64_t new_tokens = 0;
  for (const JobPointer& job : active_) new_tokens += static_cast<std::int64_t>(job->feed.size());
  std::int64_t rows = rows_in_use();
  bool counts_prefix = !prefix_.in_cache();
  while (!waiting_.empty()) {
    const Job& job = *waiting_.front();
    auto added = static_cast<std::int64_t>(job.prompt.size());
    if (prefix_.continues(job.prompt) && (prefix_.in_cache() || active_.empty())) {
      if (!counts_prefix) added -= prefix_.kept_tokens();
      counts_prefix = false;
    }
    if (job.scoring) added += job.scoring->run_tokens();
    const std::int64_t reserved = added + (job.is_text() ? job.answer.max_tokens : 0);
    const bool is_first = admitted.empty() && active_.empty();
    if (!is_first && (new_tokens + added > options_.batch_tokens || rows + reserved > options_.cache_rows)) break;
    new_tokens += added;
    rows += reserved;
    admitted.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return admitted;
}

void Scheduler::lay_out(Pass& pass) {
  std::vector<JobPointer> texts, others;
  std::vector<Prompt> text_prompts, other_prompts;
  for (const JobPointer& job : pass.admitted) {
    (job->is_text() ? texts : others).push_back(job);
    (job->is_text() ? text_prompts : other_prompts).emplace_back(job->prompt);
  }
  for (const JobPointer& job : active_) {
    pass.step.pieces.push_back({job->node, static_cast<std::int32_t>(job->feed.size())});
    pass.step.ids.insert(pass.step.ids.end(), job->feed.begin(), job->feed.end());
    pass.texts.emplace_back(static_cast<int>(pass.step.ids.size()) - 1, job);
  }
  // What outlives the pass comes first, so that the rest can be dropped from the top of the cache.
  const std::vector<Placed> text_places = prefix_.place(text_prompts, pass.step);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i]->node = prefix_.cache().add_node(text_places[i].node, texts[i]->answer.max_tokens);
    pass.texts.emplace_back(text_places[i].row, texts[i]);
  }
  lay_out_labels(pass, others, prefix_.place(other_prompts, pass.step));
  std::vector<std::int32_t>& wanted = pass.step.wanted;
  for (const auto& [row, job] : pass.texts) wanted.push_back(row);
  for (const auto& [row, job] : pass.hidden) wanted.push_back(row);
  for (const Pass::LabelUnit& unit : pass.units) wanted.insert(wanted.end(), unit.rows.begin(), unit.rows.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
}

void Scheduler::lay_out_labels(Pass& pass, std::span<const JobPointer> jobs, std::span<const Placed> placed) {
  std::map<std::pair<int, const LabelScoring*>, std::size_t> known;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!jobs[i]->scoring) {
      pass.hidden.emplace_back(placed[i].row, jobs[i]);
      continue;
    }
    const LabelScoring& scoring = *jobs[i]->scoring;
    const auto [unit_at, is_new] = known.emplace(std::pair(placed[i].node, &scoring), pass.units.size());
    if (!is_new) {
      pass.units[unit_at->second].jobs.push_back(jobs[i]);
      continue;
    }
    Pass::LabelUnit unit{jobs[i]->scoring, {}, {jobs[i]}};
    if (scoring.root_branches()) unit.rows.push_back(placed[i].row);
    std::vector<int> nodes;
    for (const LabelScoring::Run& run : scoring.runs()) {
      const int parent = run.parent < 0 ? placed[i].node : nodes[static_cast<std::size_t>(run.parent)];
      nodes.push_back(add_piece(prefix_.cache(), parent, run.tokens, pass.step));
      unit.rows.push_back(static_cast<int>(pass.step.ids.size()) - 1);
    }
    pass.units.push_back(std::move(unit));
  }
}

void Scheduler::score_labels(Pass& pass) {
  for (const Pass::LabelUnit& unit : pass.units) {
    std::vector<std::vector<float>> logits;
    const auto score = [&](int node) {
      const std::vector<text::TokenId> tokens = unit.scoring->next_tokens(node);
      std::vector<float>& out = logits.emplace_back(tokens.size());
      model_.decoder->logits_at(exec_, pass.state(unit.rows[logits.size() - 1]), tokens, out);
    };
    if (unit.scoring->root_branches()) score(0);
    for (const LabelScoring::Run& run : unit.scoring->runs()) score(run.node);
    const std::vector<double> probabilities = unit.scoring->probabilities(logits);
    for (const JobPointer& job : unit.jobs) {
      job->probabilities = probabilities;
      pass.events.push_back({job, {}, true});
    }
  }
}

bool Scheduler::ends_turn(text::TokenId id) const {
  const auto& ends = model_.tokenizer.end_of_turn();
  return std::find(ends.begin(), ends.end(), id) != ends.end();
}

void Scheduler::finish_text(Job& job, const char* why, Pass& pass) {
  job.finish = why;
  pass.events.back().text += job.text.finish();
  pass.events.back().is_last = true;
}

void Scheduler::next_constrained(Job& job, std::span<const float> logits, Pass& pass) {
  const ConstrainedStep step = constrained_step(
      *job.constraint, {logits, job.answer, model_.tokenizer, job.rng, job.answer.max_tokens - job.tokens});
  std::string& told = pass.events.back().text;
  if (job.tokens == job.opening) told = job.text.text();
  for (std::size_t i = 0; i < step.tokens.size(); ++i) {
    const std::string_view bytes = model_.tokenizer.token_bytes(step.tokens[i]);
    if (job.answer.logprobs) job.logprobs.push_back({std::string(bytes), step.logprobs[i]});
    told += job.text.push(bytes);
  }
  job.tokens += static_cast<int>(step.tokens.size());
  if (job.on_tokens) job.written.insert(job.written.end(), step.tokens.begin(), step.tokens.end());
  job.feed = step.tokens;
  if (step.finish != nullptr) finish_text(job, step.finish, pass);
}

void Scheduler::next_token(Job& job, std::span<const float> logits, Pass& pass) {
  if (job.constraint) return next_constrained(job, logits, pass);
  const text::TokenId id = job.answer.temperature > 0
                               ? sample(logits, {job.answer.temperature, job.answer.top_p}, job.rng)
                               : arg_max(logits);
  if (ends_turn(id)) return finish_text(job, "stop", pass);
  const std::string_view bytes = model_.tokenizer.token_bytes(id);
  if (job.answer.logprobs) job.logprobs.push_back({std::string(bytes), log_probability(logits, id)});
  ++job.tokens;
  job.feed = {id};
  pass.events.back().text = job.text.push(bytes);
  if (job.text.stopped()) return finish_text(job, "stop", pass);
  if (job.tokens >= job.answer.max_tokens) finish_text(job, "length", pass);
}

void Scheduler::extend_texts(Pass& pass) {
  const std::int64_t width = model_.decoder->config().width;
  const std::int64_t vocabulary = model_.decoder->config().vocabulary;
  const auto count = static_cast<std::int64_t>(pass.texts.size());
  if (count == 0) return;
  tensor::Tensor states = tensor::Tensor::empty({logit_rows, width});
  tensor::Tensor logits = tensor::Tensor::empty({logit_rows, vocabulary});
  for (std::int64_t begin = 0; begin < count; begin += logit_rows) {
    const std::int64_t rows = std::min(logit_rows, count - begin);
    for (std::int64_t i = 0; i < rows; ++i) {
      const float* state = pass.state(pass.texts[static_cast<std::size_t>(begin + i)].first);
      std::memcpy(states.f32() + i * width, state, static_cast<std::size_t>(width) * sizeof(float));
    }
    model_.decoder->logits(exec_, states.view().rows(0, rows), logits.view().rows(0, rows));
    for (std::int64_t i = 0; i < rows; ++i) {
      const JobPointer& job = pass.texts[static_cast<std::size_t>(begin + i)].second;
      pass.events.push_back({job, {}, false});
      next_token(*job, {logits.f32() + i * vocabulary, static_cast<std::size_t>(vocabulary)}, pass);
    }
  }
}

text::Reply Scheduler::reply_of(const Job& job) const {
  text::Reply reply;
  reply.id = job.id;
  reply.finish = job.finish;
  reply.usage.prompt_tokens = static_cast<int>(job.prompt.size()) - job.opening;
  reply.latency_ms = job.milliseconds;
  if (!job.scoring) {
    reply.answer = job.text.text();
    reply.usage.completion_tokens = job.tokens;
    reply.logprobs = job.logprobs;
    return reply;
  }
  const std::vector<std::string> labels = labels_of(job.answer);
  const auto best = std::max_element(job.probabilities.begin(), job.probabilities.end()) - job.probabilities.begin();
  for (std::size_t i = 0; i < labels.size(); ++i)
    reply.label_probabilities.emplace_back(labels[i], job.probabilities[i]);
  reply.answer = labels[static_cast<std::size_t>(best)];
  reply.usage.completion_tokens = job.scoring->label_tokens(static_cast<int>(best));
  return reply;
}

bool Scheduler::step() {
  if (waiting_.empty() && active_.empty()) return false;
  const Stopwatch watch;
  Pass pass;
  pass.admitted = admit();
  lay_out(pass);
  pass.states =
      tensor::Tensor::empty({static_cast<std::int64_t>(pass.step.wanted.size()), model_.decoder->config().width});
  if (!pass.step.ids.empty()) {
    model_.decoder->forward(exec_, pass.step, adapter_, prefix_.cache(), pass.states.view());
  }
  score_labels(pass);
  extend_texts(pass);
  for (const auto& [row, job] : pass.hidden) {
    const float* state = pass.state(row);
    job->hidden.assign(state, state + model_.decoder->config().width);
    pass.events.push_back({job, {}, true});
  }
  for (const auto& [row, job] : pass.texts) {
    if (std::find(active_.begin(), active_.end(), job) == active_.end()) active_.push_back(job);
  }
  std::erase_if(active_, [](const JobPointer& job) { return !job->finish.empty(); });
  int kept = prefix_.kept_nodes();
  for (const JobPointer& job : active_) kept = std::max(kept, job->node + 1);
  prefix_.cache().rewind(kept);

  const double share = watch.seconds() * 1000 / static_cast<double>(pass.events.size());
  for (const Pass::Event& event : pass.events) event.job->milliseconds += share;
  for (Pass::Event& event : pass.events) {
    Job& job = *event.job;
    if (!job.cancelled && !event.text.empty() && job.callbacks.on_token) job.callbacks.on_token(event.text);
    if (job.cancelled || !event.is_last) continue;
    if (job.on_tokens) {
      const std::span<const text::TokenId> prompt(job.prompt);
      job.on_tokens(prompt.first(prompt.size() - static_cast<std::size_t>(job.opening)), job.written);
    }
    if (job.on_hidden) {
      job.on_hidden(std::move(job.hidden));
    } else if (job.callbacks.on_reply) {
      job.callbacks.on_reply(reply_of(job));
    }
  }
  return true;
}

}  // namespace hone::generate
