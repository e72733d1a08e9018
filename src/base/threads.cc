#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace hone {

namespace {

// Tells the core that this is a waiting loop.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waking a sleeping thread takes as long as a small op: a worker looks for its next task this long before it sleeps,
// and no longer, so that a busy machine gets its cores back.
constexpr std::chrono::microseconds most_spinning{50};

// Whether `done` came true while looking for it.
template <class Done>
bool spin_until(const Done& done) {
  if (done()) return true;
  const auto end = std::chrono::steady_clock::now() + most_spinning;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable start, finished;
  const std::function<void(int)>* task = nullptr;  // written before generation, read after it
  std::atomic<std::uint64_t> generation{0};
  std::atomic<int> busy{0};
  std::atomic<bool> ending{false};
  std::exception_ptr error;
  std::vector<std::thread> workers;

  // False when the pool ends.
  bool wait_for_task(std::uint64_t seen) {
    const auto called = [&] { return ending.load() || generation.load() != seen; };
    if (!spin_until(called)) {
      std::unique_lock lock(mutex);
      start.wait(lock, called);
    }
    return !ending.load();
  }

  void work(int worker) {
    for (std::uint64_t seen = 0; wait_for_task(seen);) {
      seen = generation.load();
      std::exception_ptr thrown;
      try {
        (*task)(worker);
      } catch (...) {
        thrown = std::current_exception();
      }
      if (thrown) {
        const std::lock_guard lock(mutex);
        if (!error) error = thrown;
      }
      if (busy.fetch_sub(1) == 1) {
        const std::lock_guard lock(mutex);
        finished.notify_one();
      }
    }
  }

  void call(const std::function<void(int)>& next) {
    {
      const std::lock_guard lock(mutex);
      HONE_CHECK(busy.load() == 0);
      task = &next;
      busy.store(static_cast<int>(workers.size()));
      error = nullptr;
      generation.fetch_add(1);
    }
    start.notify_all();
  }

  void wait_for_all() {
    const auto over = [&] { return busy.load() == 0; };
    if (spin_until(over)) return;
    std::unique_lock lock(mutex);
    finished.wait(lock, over);
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int count = threads > 0 ? threads : available_cores();
  for (int i = 1; i < count; ++i) state_->workers.emplace_back([this, i] { state_->work(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending.store(true);
  }
  state_->start.notify_all();
  for (auto& worker : state_->workers) worker.join();
}

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run(const std::function<void(int)>& task) {
  if (state_->workers.empty()) {
    task(0);
    return;
  }
  state_->call(task);
  std::exception_ptr thrown;
  try {
    task(0);
  } catch (...) {
    thrown = std::current_exception();
  }
  state_->wait_for_all();
  if (!thrown) thrown = state_->error;
  if (thrown) std::rethrow_exception(thrown);
}

void ThreadPool::for_slices(std::size_t count, std::size_t grain,
                            const std::function<void(std::size_t, std::size_t, int)>& task) {
  if (count == 0) return;
  const std::size_t most = std::max<std::size_t>(1, count / std::max<std::size_t>(1, grain));
  const std::size_t slices = std::min<std::size_t>(static_cast<std::size_t>(size()), most);
  if (slices == 1) {
    task(0, count, 0);
    return;
  }
  const std::size_t length = count / slices;
  const std::size_t longer = count % slices;
  run([&](int worker) {
    const auto slice = static_cast<std::size_t>(worker);
    if (slice >= slices) return;
    const std::size_t begin = slice * length + std::min(slice, longer);
    task(begin, begin + length + (slice < longer ? 1 : 0), worker);
  });
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                          : static_cast<int>(std::thread::hardware_concurrency());
  // A container's CPU quota (cgroup v2: "max 100000" or "200000 100000").
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0) {
    cores = std::min(cores, std::max(1, static_cast<int>(std::stod(quota) / period + 0.5)));
  }
  return std::max(1, cores);
}

}  // namespace hone
