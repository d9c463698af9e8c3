#include "daemon/render_thread.h"

#include <exception>
#include <utility>

namespace voucherd {

namespace {

Result<void> outcome_of(const RenderThread::Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Fault{"document_failed", std::string("making it ended with \"") + error.what() +
                                        "\"; try again, and report it if that ends the same"};
  }
}

}  // namespace

RenderThread::RenderThread(PostToOwner post) : post_(std::move(post)), thread_([this] { run(); }) {}

RenderThread::~RenderThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

bool RenderThread::submit(Work work, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= render_queue_max) return false;
    waiting_.push_back({std::move(work), std::move(done)});
  }
  arrived_.notify_one();
  return true;
}

void RenderThread::go_on(Work work, Done done) {
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
    Result<void> outcome = outcome_of(job.work);
    job.work = nullptr;  // what it holds is let go of here, not on the owner's thread
    post_([done = std::move(job.done), outcome = std::move(outcome)] { done(outcome); });
  }
}

}  // namespace voucherd
