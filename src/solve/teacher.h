// A model that is asked for something other than a contender's answers: to read a task, to write rows or reasons.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/task.h"
#include "prompt/api_responder.h"

namespace hone::solve {

struct TeacherSpec {
  std::string model;  // MODEL as every command takes it, or with `url` the name that the endpoint knows
  std::string url;    // of an OpenAI-compatible API, before /chat/completions; empty: a model on this machine
  std::optional<double> temperature = 0;  // none: the field is left out, for models that refuse it
  int max_tokens = 512;                   // of an answer
  int concurrency = 4;
  std::optional<prompt::TokenPrice> price;
  std::optional<double> max_usd;  // needs a price
  double spent_usd = 0;           // by earlier starts
};

class Teacher {
 public:
  // Failure: as resolve_model() and open_language_model(), or (usage) for a private task and another machine, a cap
  // without a price, an endpoint that needs a key and has none.
  static std::unique_ptr<Teacher> open(const data::Task& task, const TeacherSpec& spec,
                                       const prompt::Environment& environment);
  virtual ~Teacher() = default;

  // "gpt-x at api.example.com" or the model's name: what rows are marked with.
  const std::string& name() const { return name_; }
  bool is_api() const { return is_api_; }
  virtual text::Responder& responder() = 0;
  // How freely an API is to write from now on; a local model goes by each request. Nothing where the spec has none.
  virtual void set_temperature(double /*temperature*/) {}
  // What was spent, earlier starts included; nothing for a local model.
  virtual prompt::ApiTotals totals() const { return {}; }

 protected:
  std::string name_;
  bool is_api_ = false;
};

// The instruction and one input, as a contender without worked examples is asked: labels are scored by a local model
// and written by an API.
text::Request reading_request(const data::Task& task, const data::Row& row, const Teacher& teacher);

}  // namespace hone::solve
