// The owner thread's task queue for tests: the writer posts to it, the test runs it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace voucherd::testing {

class OwnerLoop {
 public:
  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }
  /// Waits for one task and runs it.
  void run_one() {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !tasks_.empty(); });
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
  /// Runs tasks, waiting for them, until `done()`.
  template <class Done>
  void run_until(Done&& done) {
    while (!done()) run_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace voucherd::testing
