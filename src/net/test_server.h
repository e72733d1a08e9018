// For tests only: an HTTP server on a loopback port that answers each connection once, as a function says.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace hone::net {

class TestServer {
 public:
  // Gets the whole request (head and body), gives the bytes to send; the connection is closed after them.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit TestServer(Answer answer) : answer_(std::move(answer)) {
    ::setenv("no_proxy", "127.0.0.1", 1);  // a proxy of the machine's would not find this server
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    HONE_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    HONE_CHECK(::listen(listener_, 8) == 0);
    socklen_t length = sizeof(address);
    HONE_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~TestServer() {
    thread_.request_stop();
    thread_.join();
    ::close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string reply(const std::string& status, const std::string& headers, const std::string& body) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status, body.size(),
                       headers, body);
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wanted{listener_, POLLIN, 0};
      if (::poll(&wanted, 1, 20) <= 0) continue;
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      answer(connection);
      ::close(connection);
    }
  }

  void answer(int connection) {
    std::string request;
    char buffer[4096];
    while (!whole(request)) {
      const ssize_t count = ::recv(connection, buffer, sizeof(buffer), 0);
      if (count <= 0) return;
      request.append(buffer, static_cast<std::size_t>(count));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string bytes = answer_(request);
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }

  static bool whole(const std::string& request) {
    const auto end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto length = request.find("Content-Length: ");
    return length == std::string::npos || request.size() >= end + 4 + std::stoul(request.substr(length + 16));
  }

  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

// Serves `content` with an ETag, honouring Range and If-Range; the first `cuts` answers break off after `cut_at` bytes.
class TestFile {
 public:
  TestFile(std::string content, int cuts, std::size_t cut_at)
      : content_(std::move(content)), cuts_(cuts), cut_at_(cut_at) {}
  std::string operator()(const std::string& request) {
    std::size_t from = 0;
    const auto range = request.find("Range: bytes=");
    if (range != std::string::npos && request.find("If-Range: " + tag_) != std::string::npos)
      from = std::stoul(request.substr(range + 13));
    if (from > 0 && from >= content_.size()) return TestServer::reply("416 Range Not Satisfiable", "", "");
    std::string head = fmt::format("ETag: {}\r\n", tag_);
    if (from > 0) head += fmt::format("Content-Range: bytes {}-{}/{}\r\n", from, content_.size() - 1, content_.size());
    std::string reply = TestServer::reply(from > 0 ? "206 Partial Content" : "200 OK", head, content_.substr(from));
    if (cuts_ > 0) {
      --cuts_;
      reply.resize(reply.find("\r\n\r\n") + 4 + cut_at_);
    }
    return reply;
  }

 private:
  std::string content_;
  int cuts_;
  std::size_t cut_at_;
  std::string tag_ = "\"v1\"";
};

}  // namespace hone::net
