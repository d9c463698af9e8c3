// One thread that makes documents, so that a long one holds up neither ingest nor anybody's answer. Its
// queue is short and bounded: what waits for it holds memory.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "metering/core/result.h"

namespace voucherd {

class RenderThread {
 public:
  static constexpr std::size_t render_queue_max = 16;  // jobs that wait; beyond: 503
  using PostToOwner = std::function<void(std::function<void()>)>;
  using Work = std::function<Result<void>()>;
  using Done = std::function<void(const Result<void>& outcome)>;

  explicit RenderThread(PostToOwner post);
  /// Waits for the job under way; what still waits is dropped, and its `done` never called.
  ~RenderThread();

  /// Runs `work` on the thread, then `done` with its outcome on the owner's, in the order of submission. An
  /// exception (no memory, a statement that lacks a member) becomes the Fault "document_failed": one document
  /// never ends the daemon. False: the queue is full, and neither is called. Owner thread only.
  [[nodiscard]] bool submit(Work work, Done done);
  /// The same for the next part of an answer that is under way: it is taken however long the queue is, so
  /// whoever asks bounds the number of such answers.
  void go_on(Work work, Done done);

 private:
  struct Job {
    Work work;
    Done done;
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
