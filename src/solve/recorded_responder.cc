#include "solve/recorded_responder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/json.h"
#include "base/terminal.h"

namespace hone::solve {

RecordedResponder::RecordedResponder(const Path& file, std::string teacher, Cost usd_of)
    : lock_(value_or_throw(FileLock::try_lock(Path(file.string() + ".lock")))),
      teacher_(std::move(teacher)),
      usd_of_(std::move(usd_of)) {
  read(file);
  file_ = std::fopen(file.c_str(), "ab");
  if (file_ == nullptr)
    fail(ErrorCode::environment, "cannot write {}: {}", printable(file.string()), std::strerror(errno));
}

RecordedResponder::~RecordedResponder() { std::fclose(file_); }

void RecordedResponder::read(const Path& file) {
  std::error_code missing;
  if (!std::filesystem::exists(file, missing)) return;
  const std::string text = value_or_throw(read_file(file));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const auto json = parse_json(std::string_view(text).substr(begin, end - begin), "answer");
    begin = end + 1;
    if (!json || !json->is_object() || json->value("teacher", Json()) != Json(teacher_)) continue;
    try {
      Known known{json->at("answer").get<std::string>(), json->at("finish").get<std::string>(), {}};
      known.usage.prompt_tokens = json->at("prompt_tokens").get<int>();
      known.usage.completion_tokens = json->at("completion_tokens").get<int>();
      if (!known_.insert_or_assign(json->at("key").get<std::string>(), known).second) continue;
      ++earlier_.answers;
      if (usd_of_) earlier_.usd += usd_of_(known.usage);
    } catch (const nlohmann::json::exception&) {
      continue;  // not a line of ours: it is asked again
    }
  }
}

std::string RecordedResponder::key_of(const text::Request& request) const {
  Json messages = Json::array();
  for (const text::Message& message : request.messages) messages.push_back({message.role, message.content});
  const text::AnswerSpec& answer = request.answer;
  return sha256_hex(
      to_text(Json::array({teacher_, std::move(messages), answer.labels, answer.abstain, answer.max_tokens,
                           answer.temperature, answer.top_p, answer.seed, answer.stop})));
}

void RecordedResponder::append(const std::string& key, const text::Reply& reply) {
  // A line feed first, where a killed process left half a line.
  const std::string line = "\n" + to_text(Json{{"teacher", teacher_},
                                               {"key", key},
                                               {"answer", reply.answer},
                                               {"finish", reply.finish},
                                               {"prompt_tokens", reply.usage.prompt_tokens},
                                               {"completion_tokens", reply.usage.completion_tokens}});
  const bool is_written = std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
  if (!is_written) fail(ErrorCode::environment, "cannot keep the teacher's answers: {}", std::strerror(errno));
  known_.insert_or_assign(key, Known{reply.answer, reply.finish, reply.usage});
}

void RecordedResponder::respond(std::span<const text::Request> requests, const text::OnReply& on_reply,
                                std::stop_token stop) {
  std::vector<text::Request> unknown;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto found = known_.find(key_of(requests[i]));
    if (found == known_.end()) {
      unknown.push_back(requests[i]);
      places.push_back(i);
      continue;
    }
    text::Reply reply;
    reply.id = requests[i].id;
    reply.answer = found->second.answer;
    reply.finish = found->second.finish;
    reply.usage = found->second.usage;
    on_reply(i, std::move(reply));
  }
  if (unknown.empty()) return;
  HONE_CHECK(inner_ != nullptr);
  inner_->respond(
      unknown,
      [&](std::size_t i, Result<text::Reply> reply) {
        ++asked_;
        if (reply) append(key_of(unknown[i]), *reply);
        on_reply(places[i], std::move(reply));
      },
      std::move(stop));
  if (::fsync(::fileno(file_)) != 0) {
    fail(ErrorCode::environment, "cannot keep the teacher's answers: {}", std::strerror(errno));
  }
}

}  // namespace hone::solve
