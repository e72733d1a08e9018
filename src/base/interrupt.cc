#include "base/interrupt.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace hone {

std::stop_token interrupt_token() {
  // A thread waits for the signals, because a stop_source may not be touched inside a signal handler. Other threads
  // must have the signals blocked, so the first call belongs at the start of main.
  static std::stop_source source = [] {
    std::stop_source made;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([made, signals]() mutable {
      int which = 0;
      sigwait(&signals, &which);
      made.request_stop();
      sigwait(&signals, &which);
      std::_Exit(130);
    }).detach();
    return made;
  }();
  return source.get_token();
}

}  // namespace hone
