#include "daemon/render_thread.h"

#include <utility>

namespace voucherd {

RenderThread::RenderThread(PostToOwner post) : post_(std::move(post)), thread_([this] { run(); }) {}

RenderThread::~RenderThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

bool RenderThread::submit(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= render_queue_max) return false;
    waiting_.push_back({std::move(work), std::move(done)});
  }
  arrived_.notify_one();
  return true;
}

void RenderThread::go_on(std::function<void()> work, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(work), std::move(done)});
  }
  arrived_.notify_one();
}

void RenderThread::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    job.work();
    job.work = nullptr;  // what it holds is let go of here, not on the owner's thread
    post_(std::move(job.done));
  }
}

}  // namespace voucherd
