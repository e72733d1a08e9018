// Scopes and depth that end with the block that opened them.
#pragma once

#include "base/error.h"
#include "text/jinja_render.h"

namespace hone::text::jinja {

// Nested statements, expressions and macro calls at once; each takes some hundred bytes of stack.
inline constexpr int deepest_evaluation = 1000;

class Renderer::ScopeGuard {
 public:
  ScopeGuard(Renderer& renderer, std::size_t parent) : renderer_(renderer) {
    renderer_.scopes_.push_back({parent, {}});
  }
  ~ScopeGuard() { renderer_.scopes_.pop_back(); }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

 private:
  Renderer& renderer_;
};

class Renderer::DepthGuard {
 public:
  explicit DepthGuard(Renderer& renderer) : renderer_(renderer) {
    if (++renderer_.depth_ > deepest_evaluation) {
      --renderer_.depth_;
      fail(ErrorCode::bad_input, "the template calls itself too deeply");
    }
  }
  ~DepthGuard() { --renderer_.depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  Renderer& renderer_;
};

}  // namespace hone::text::jinja
