// One thread that makes documents, so that a long one holds up neither ingest nor anybody's answer. Its
// queue is short and bounded: what waits for it holds memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace voucherd {

class RenderThread {
 public:
  static constexpr std::size_t render_queue_max = 16;  // jobs that wait; beyond: 503
  using PostToOwner = std::function<void(std::function<void()>)>;

  explicit RenderThread(PostToOwner post);
  /// Waits for the job under way; what still waits is dropped, and its `done` never called.
  ~RenderThread();

  /// Runs `work` on the thread, then `done` on the owner's, in the order of submission. False: the queue
  /// is full, and neither is called. Owner thread only.
  [[nodiscard]] bool submit(std::function<void()> work, std::function<void()> done);
  /// The same for the next part of an answer that is under way: it is taken however long the queue is, so
  /// whoever asks bounds the number of such answers.
  void go_on(std::function<void()> work, std::function<void()> done);

 private:
  struct Job {
    std::function<void()> work, done;
  };
  void run();

  PostToOwner post_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace voucherd
