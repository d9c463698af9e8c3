// A queue of which one part at a time is posted.
#include "daemon/engine/turns.h"

#include <deque>
#include <exception>
#include <string>
#include <utility>

namespace voucherd {

struct Turns::Queue : std::enable_shared_from_this<Queue> {
  void take(std::function<void()> part) {
    // Within a part: it goes on, and keeps its place.
    if (running || static_cast<int>(under_way.size()) < reads_at_once_max) {
      under_way.push_back(std::move(part));
    } else {
      waiting.push_back(std::move(part));
    }
    if (!posted && !running) post_next();
  }

  void post_next() {
    // What is posted may come to its turn when the engine is gone.
    post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->run_next();
    });
    posted = true;
  }

  void run_next() {
    posted = false;
    const std::function<void()> part = std::move(under_way.front());
    under_way.pop_front();
    running = true;
    try {
      part();
    } catch (const std::exception& error) {
      if (report) report({"answer_failed", std::string("a part of a long read threw: ") + error.what()});
    }
    running = false;
    if (!waiting.empty() && static_cast<int>(under_way.size()) < reads_at_once_max) {
      under_way.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    if (!under_way.empty()) post_next();  // behind what became ready meanwhile
  }

  PostToOwner post;
  std::function<void(const Fault&)> report;
  std::deque<std::function<void()>> under_way, waiting;
  bool posted = false, running = false;
};

Turns::Turns(PostToOwner post) : queue_(std::make_shared<Queue>()) { queue_->post = std::move(post); }
Turns::~Turns() = default;

void Turns::take(std::function<void()> part) { queue_->take(std::move(part)); }

void Turns::on_failure(std::function<void(const Fault&)> report) { queue_->report = std::move(report); }

}  // namespace voucherd
