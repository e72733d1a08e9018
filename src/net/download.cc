#include "net/download.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

#include "base/hash.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "net/curl.h"
#include "net/http.h"

namespace hone::net {
namespace {

constexpr int max_redirects = 8;
constexpr std::uint64_t max_error_page = 1ULL << 20;

Path beside(const Path& target, const char* ending) {
  Path path = target;
  path += ending;
  return path;
}

// What has come so far: `target`.part, and in `target`.part.tag the server's mark of the file's version.
class Partial {
 public:
  explicit Partial(const Path& target) : path_(beside(target, ".part")), tag_path_(beside(target, ".part.tag")) {}
  ~Partial() { close(); }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  const Path& path() const { return path_; }
  std::uint64_t size() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    return error ? 0 : size;
  }
  std::string tag() const { return read_file(tag_path_).value_or(std::string()); }

  void remove() {
    close();
    std::error_code error;
    std::filesystem::remove(path_, error);
    std::filesystem::remove(tag_path_, error);
  }
  Result<void> open_at(std::uint64_t offset, const std::string& tag) {
    close();
    if (offset == 0) {
      remove();
      try {
        if (!tag.empty()) write_file(tag_path_, tag);
      } catch (const Failure& failure) {
        return tl::unexpected<Error>(Error{failure.code(), failure.what()});
      }
    }
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0 || ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0) return failed();
    return {};
  }
  Result<void> append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> finish(const Path& target) {
    if (descriptor_ >= 0 && ::fsync(descriptor_) != 0) return failed();
    close();
    if (::rename(path_.c_str(), target.c_str()) != 0) return failed();
    std::error_code error;
    std::filesystem::remove(tag_path_, error);
    return {};
  }

 private:
  tl::unexpected<Error> failed() const {
    return make_error(ErrorCode::environment,
                      "cannot write {}: {}; free some disk space or choose another cache folder", path_.string(),
                      std::strerror(errno));
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  Path path_;
  Path tag_path_;
  int descriptor_ = -1;
};

// The total of "bytes 100-199/1234", and whether it starts at `offset`.
std::optional<std::uint64_t> range_total(std::string_view text, std::uint64_t offset) {
  const std::string start = fmt::format("bytes {}-", offset);
  const auto slash = text.find('/');
  if (!text.starts_with(start) || slash == std::string_view::npos) return std::nullopt;
  std::uint64_t total = 0;
  const auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), total);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(total) : std::nullopt;
}

// A version mark that If-Range may carry: a strong ETag, else the date.
std::string version_mark(const std::map<std::string, std::string>& headers) {
  const auto tag = headers.find("etag");
  if (tag != headers.end() && tag->second.starts_with('"')) return tag->second;
  const auto date = headers.find("last-modified");
  return date == headers.end() ? "" : date->second;
}

// One exchange. The body's first bytes decide, from the status and headers, where they go.
class Attempt {
 public:
  Attempt(const Download& download, Partial& partial, Progress& progress)
      : download_(download), partial_(partial), progress_(progress) {}

  enum class Outcome { done, retry, give_up };

  Outcome run(const std::stop_token& stop) {
    const std::string tag = partial_.tag();
    offset_ = tag.empty() ? 0 : partial_.size();
    Curl curl(download_.url, max_redirects, stop);
    curl.set(CURLOPT_WRITEFUNCTION, &Attempt::on_body);
    curl.set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    curl.set_timeouts(download_.connect_seconds, 0);
    curl.set(CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max(1.0, download_.stall_seconds)));
    if (offset_ > 0) {
      curl.add_header("Range", fmt::format("bytes={}-", offset_));
      curl.add_header("If-Range", tag);
    }
    curl_ = &curl;
    const CURLcode code = curl.perform();
    return judge(code);
  }

  const Error& error() const { return error_; }
  std::uint64_t resumed_from() const { return resumed_from_; }

 private:
  Outcome fail_with(ErrorCode code, std::string message, Outcome outcome) {
    error_ = {code, std::move(message)};
    return outcome;
  }
  Outcome fail_with(std::string message, Outcome outcome) {
    return fail_with(ErrorCode::environment, shown_url(download_.url) + ": " + std::move(message), outcome);
  }

  Outcome judge(CURLcode code) {
    if (local_) {
      error_ = *local_;
      return Outcome::give_up;
    }
    const int status = curl_->status();
    if (code == CURLE_OK && status == 416) {
      // Nothing lies beyond what we have: it is whole, or of another file. The checks of size and hash would tell, but
      // without a total to go by the honest way is to begin anew.
      partial_.remove();
      return fail_with("the server has nothing after what had come so far", Outcome::retry);
    }
    if (code == CURLE_OK || code == CURLE_WRITE_ERROR) {
      if (status >= 500 || status == 429)
        return fail_with(fmt::format("the server answered {}", status), Outcome::retry);
      if (status != 200 && status != 206)
        return fail_with(fmt::format("the server answered {}{}", status, status == 404 ? " (no such file)" : ""),
                         Outcome::give_up);
    }
    if (code != CURLE_OK) {
      error_ = curl_->error(code);
      const bool midway = code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING ||
                          (code == CURLE_OPERATION_TIMEDOUT && started_);
      return midway ? Outcome::retry : Outcome::give_up;
    }
    if (started_ || begin()) return Outcome::done;
    error_ = local_.value_or(Error{});
    return Outcome::give_up;
  }

  // Opens the partial file once the headers are known. False: local_ says why not.
  bool begin() {
    started_ = true;
    if (curl_->status() != 206) {
      at_ = 0;
    } else if (const auto range = curl_->headers().find("content-range");
               range != curl_->headers().end() && range_total(range->second, offset_)) {
      at_ = offset_;
      resumed_from_ = offset_;
    } else {
      return refuse("the server's Content-Range does not fit what was asked for");
    }
    Result<void> opened = partial_.open_at(at_, version_mark(curl_->headers()));
    if (!opened) local_ = opened.error();
    return opened.has_value();
  }

  bool refuse(const std::string& what) {
    local_ = Error{ErrorCode::environment, shown_url(download_.url) + ": " + what};
    return false;
  }

  bool take(std::string_view bytes) {
    const int status = curl_->status();
    if (status != 200 && status != 206) return (ignored_ += bytes.size()) < max_error_page;
    if (!started_ && !begin()) return false;
    at_ += bytes.size();
    const std::uint64_t limit = download_.bytes != 0 ? download_.bytes : download_.max_bytes;
    if (limit != 0 && at_ > limit) {
      partial_.remove();
      return refuse(fmt::format("the file is larger than the {} bytes expected", limit));
    }
    Result<void> written = partial_.append(bytes);
    if (!written) local_ = written.error();
    if (written) progress_.update(at_);
    return written.has_value();
  }

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<Attempt*>(self)->take({data, size * count}) ? size * count : 0;
  }

  const Download& download_;
  Partial& partial_;
  Progress& progress_;
  Curl* curl_ = nullptr;
  std::uint64_t offset_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t resumed_from_ = 0;
  std::uint64_t ignored_ = 0;  // bytes of an error page
  bool started_ = false;
  std::optional<Error> local_;  // what went wrong on our side of the wire
  Error error_;
};

// False if a stop came first.
bool wait(double seconds, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
  return !stop.stop_requested();
}

Result<void> make_room(const Download& download) {
  std::error_code error;
  const Path folder = download.target.parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return make_error(ErrorCode::environment, "cannot make folder {}: {}", folder.string(), error.message());
  const std::uint64_t have = Partial(download.target).size();
  const std::uint64_t need = download.bytes > have ? download.bytes - have : 0;
  const std::uintmax_t free = free_disk_bytes(download.target);
  if (need > free)
    return make_error(ErrorCode::environment, "{} needs {} more, but only {} are free there; free some disk space",
                      download.target.string(), bytes_text(need), bytes_text(free));
  return {};
}

Result<Downloaded> check_and_move(const Download& download, Partial& partial) {
  Downloaded done;
  done.bytes = partial.size();
  if (download.bytes != 0 && done.bytes != download.bytes) {
    const std::uint64_t found = done.bytes;
    partial.remove();
    return make_error(ErrorCode::environment, "{}: expected {} bytes, got {}", shown_url(download.url), download.bytes,
                      found);
  }
  Result<std::string> hash = sha256_file(partial.path());
  if (!hash) return tl::unexpected<Error>(hash.error());
  done.sha256 = *hash;
  if (!download.sha256.empty() && done.sha256 != download.sha256) {
    partial.remove();
    return make_error(ErrorCode::environment, "{}: the file's SHA-256 is {}, expected {}; it was not kept",
                      shown_url(download.url), done.sha256, download.sha256);
  }
  Result<void> moved = partial.finish(download.target);
  if (!moved) return tl::unexpected<Error>(moved.error());
  return done;
}

}  // namespace

Result<Downloaded> download(const Download& download, const std::stop_token& stop) {
  Result<void> room = make_room(download);
  if (!room) return tl::unexpected<Error>(room.error());
  Partial partial(download.target);
  Progress progress(
      {.label = download.label, .unit = "bytes", .total = download.bytes, .quiet = download.label.empty()});
  std::uint64_t resumed_from = 0;
  if (download.bytes != 0 && !download.sha256.empty() && partial.size() == download.bytes) {
    // All had come when an earlier call ended. A wrong hash removes it, and the loop below begins anew.
    Result<Downloaded> done = check_and_move(download, partial);
    if (done) {
      done->resumed_from = download.bytes;
      return done;
    }
    if (partial.size() != 0) return done;  // whole, but it cannot be put in place
  }
  for (int left = std::max(1, download.attempts);; --left) {
    Attempt attempt(download, partial, progress);
    const Attempt::Outcome outcome = attempt.run(stop);
    resumed_from = std::max(resumed_from, attempt.resumed_from());
    if (outcome == Attempt::Outcome::done) break;
    if (stop.stop_requested()) return make_error(ErrorCode::interrupted, "{}: stopped", shown_url(download.url));
    if (outcome == Attempt::Outcome::give_up || left == 1) return tl::unexpected<Error>(attempt.error());
    if (!wait(1, stop)) return make_error(ErrorCode::interrupted, "{}: stopped", shown_url(download.url));
  }
  Result<Downloaded> done = check_and_move(download, partial);
  if (done) done->resumed_from = resumed_from;
  return done;
}

}  // namespace hone::net
