// The only thread pool. Work is cut into fixed slices, so results do not depend on timing.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace hone {

class ThreadPool {
 public:
  // `threads` workers in all, the calling thread included; 0 means one for each core this process may use.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  // Runs task(worker) for worker = 0 .. size()-1, worker 0 on the calling thread, and waits for all. The first
  // exception is rethrown here. Not re-entrant: a task must not call run().
  void run(const std::function<void(int worker)>& task);

  // Cuts [0, count) into size() slices of equal length (the first ones longer by one) and runs
  // task(begin, end, worker) for each non-empty slice; slices of fewer than `grain` items are joined.
  void for_slices(std::size_t count, std::size_t grain,
                  const std::function<void(std::size_t begin, std::size_t end, int worker)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Cores this process may run on (its affinity mask and cgroup CPU limit).
int available_cores();

}  // namespace hone
