// Answers of a teacher, kept in a file so that none is asked or paid for twice.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/files.h"
#include "text/message.h"

namespace hone::solve {

struct RecordedAnswers {
  std::int64_t answers = 0;  // that the file held
  double usd = 0;            // that they cost
};

// Gives what the file holds for a request, asks `inner` for the rest, and appends what comes: a line an answer, handed
// to the system at once, so that it outlives this process, and to the disk at the end of respond(). What a request is
// known by: the teacher's name, its messages and all of its answer spec. A line that a killed process left half written
// is passed over. `inner` outlives it. One process at a time has the file.
class RecordedResponder : public text::Responder {
 public:
  // `usd_of` says what an answer cost; may be empty. Failure: another process has the file, or it cannot be read.
  using Cost = std::function<double(const text::Usage&)>;
  RecordedResponder(const Path& file, std::string teacher, Cost usd_of);
  ~RecordedResponder() override;
  RecordedResponder(const RecordedResponder&) = delete;
  RecordedResponder& operator=(const RecordedResponder&) = delete;

  // Who is asked from now on for what is not known.
  void ask(text::Responder& inner) { inner_ = &inner; }
  void respond(std::span<const text::Request> requests, const text::OnReply& on_reply, std::stop_token stop) override;

  // What this teacher's answers of earlier starts came to.
  const RecordedAnswers& earlier() const { return earlier_; }
  std::int64_t asked() const { return asked_; }

 private:
  std::string key_of(const text::Request& request) const;
  void read(const Path& file);
  void append(const std::string& key, const text::Reply& reply);

  FileLock lock_;
  std::string teacher_;
  Cost usd_of_;
  text::Responder* inner_ = nullptr;
  std::FILE* file_ = nullptr;
  struct Known {
    std::string answer;
    std::string finish;
    text::Usage usage;
  };
  std::unordered_map<std::string, Known> known_;
  RecordedAnswers earlier_;
  std::int64_t asked_ = 0;
};

}  // namespace hone::solve
