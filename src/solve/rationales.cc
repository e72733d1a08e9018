// The second half of solve/synthesis.h: a sentence of reason for each training row.
#include <algorithm>
#include <functional>
#include <span>

#include "base/clock.h"
#include "base/terminal.h"
#include "prompt/api_request.h"
#include "solve/synthesis.h"

namespace hone::solve {
namespace {

constexpr std::size_t batch_rows = 50;  // between which rows reach the disk

class Reasoning {
 public:
  Reasoning(const Workspace& workspace, const RationaleSpec& spec, Teacher& teacher, RecordedResponder& answers)
      : task_(workspace.task), spec_(spec), teacher_(teacher), answers_(answers) {
    teacher.set_temperature(0);
    answers_.ask(teacher.responder());
  }

  RationaleOutcome run(const std::vector<const data::Row*>& rows, const std::stop_token& stop) {
    outcome_.ended = "finished";
    for (std::size_t begin = 0; begin < rows.size(); begin += batch_rows) {
      const std::size_t count = std::min(batch_rows, rows.size() - begin);
      run_batch(std::span(rows).subspan(begin, count), stop);
      if (stop.stop_requested()) outcome_.ended = "interrupted";
      if (teacher_.totals().capped) outcome_.ended = "capped";
      if (outcome_.ended != "finished") break;
      write_file(spec_.out, file_text_);
    }
    return std::move(outcome_);
  }

 private:
  void run_batch(std::span<const data::Row* const> rows, const std::stop_token& stop) {
    std::vector<text::Request> requests;
    for (const data::Row* row : rows) requests.push_back(prompt::rationale_request(task_, *row));
    std::vector<std::optional<std::string>> reasons(rows.size());
    ask(
        requests,
        [&](std::size_t i, const std::string& answer) {
          reasons[i] = prompt::rationale_in(answer);
          outcome_.unusable += reasons[i] ? 0 : 1;
        },
        stop);
    drop_disagreed(rows, reasons, stop);
    if (stop.stop_requested()) return;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ++outcome_.rows;
      if (reasons[i]) add(*rows[i], *reasons[i]);
    }
  }

  void ask(const std::vector<text::Request>& requests,
           const std::function<void(std::size_t, const std::string&)>& on_answer, const std::stop_token& stop) {
    answers_.respond(
        requests,
        [&](std::size_t i, const Result<text::Reply>& reply) {
          if (reply) return on_answer(i, reply->answer);
          ++outcome_.failed;
          if (outcome_.failed_why.empty()) outcome_.failed_why = reply.error().message;
        },
        stop);
  }

  void drop_disagreed(std::span<const data::Row* const> rows, std::vector<std::optional<std::string>>& reasons,
                      const std::stop_token& stop) {
    if (spec_.agreeing == Agreeing::nobody || task_.kind != data::Kind::classify) return;
    std::vector<text::Request> requests;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!reasons[i]) continue;
      requests.push_back(prompt::reasoned_request(task_, *rows[i], *reasons[i]));
      if (teacher_.is_api()) requests.back().messages.front().content = prompt::api_instruction(task_);
      places.push_back(i);
    }
    std::vector<std::string> found(requests.size());
    ask(
        requests, [&](std::size_t i, const std::string& answer) { found[i] = answer; }, stop);
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (found[i] == rows[places[i]]->output) continue;
      reasons[places[i]].reset();
      ++outcome_.disagreed;
    }
  }

  void add(const data::Row& row, const std::string& reason) {
    file_text_ += to_text(Json{{"id", row.id},
                               {"input", row.input},
                               {"output", row.output},
                               {"rationale", reason},
                               {"rationale_by", teacher_.name()},
                               {"reasoned_output", fmt::format("{}\nAnswer:\n{}", reason, row.output)},
                               {"made_on", utc_today()}}) +
                  "\n";
    ++outcome_.accepted;
  }

  const data::Task& task_;
  const RationaleSpec& spec_;
  Teacher& teacher_;
  RecordedResponder& answers_;
  std::string file_text_;
  RationaleOutcome outcome_;
};

}  // namespace

RationaleOutcome write_rationales(const Workspace& workspace, const RationaleSpec& spec, Teacher& teacher,
                                  RecordedResponder& answers, std::stop_token stop) {
  if (spec.agreeing == Agreeing::classifier) {
    fail(ErrorCode::usage, "--agree: reasons are judged by the teacher or by nobody: a classifier reads no reasons");
  }
  std::vector<const data::Row*> rows;
  for (const data::Row& row : workspace.split.train) {
    if (!data::is_generated(row) && (spec.count == 0 || rows.size() < spec.count)) rows.push_back(&row);
  }
  return Reasoning(workspace, spec, teacher, answers).run(rows, stop);
}

}  // namespace hone::solve
