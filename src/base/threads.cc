#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace hone {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable start, finished;
  const std::function<void(int)>* task = nullptr;
  std::uint64_t generation = 0;
  int busy = 0;
  bool ending = false;
  std::exception_ptr error;
  std::vector<std::thread> workers;

  void work(int worker) {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    while (true) {
      start.wait(lock, [&] { return ending || generation != seen; });
      if (ending) return;
      seen = generation;
      const auto* current = task;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        (*current)(worker);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown && !error) error = thrown;
      if (--busy == 0) finished.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int count = threads > 0 ? threads : available_cores();
  for (int i = 1; i < count; ++i) state_->workers.emplace_back([this, i] { state_->work(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
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
  {
    const std::lock_guard lock(state_->mutex);
    HONE_CHECK(state_->busy == 0);
    state_->task = &task;
    state_->busy = static_cast<int>(state_->workers.size());
    state_->error = nullptr;
    ++state_->generation;
  }
  state_->start.notify_all();
  std::exception_ptr thrown;
  try {
    task(0);
  } catch (...) {
    thrown = std::current_exception();
  }
  std::unique_lock lock(state_->mutex);
  state_->finished.wait(lock, [&] { return state_->busy == 0; });
  if (!thrown) thrown = state_->error;
  lock.unlock();
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
