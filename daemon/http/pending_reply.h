// What a handler owes: an answer, or the next piece of one. Whoever lets go of it without (an exception on
// its way, a task that is dropped) has failed, and the connection acts on that, so that no client waits for
// an answer that nobody is going to give.
#pragma once

#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd::http {

/// Of a `Debtor` (a connection) that may be gone by then. One of `deliver` and `lose` is called, once; `lose`
/// on the executor's thread, later.
template <class Debtor, class Value>
class Pending {
 public:
  using Deliver = void (Debtor::*)(std::uint64_t sequence, Value value);
  using Lose = void (Debtor::*)(std::uint64_t sequence);

  Pending(std::weak_ptr<Debtor> debtor, std::uint64_t sequence, Deliver on_delivery, Lose on_loss)
      : debtor_(std::move(debtor)), sequence_(sequence), deliver_(on_delivery), lose_(on_loss) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    if (state_ != State::open) return;
    try {
      // Later: whoever lets go may be anywhere, also on another thread.
      if (auto debtor = debtor_.lock()) {
        auto executor = debtor->executor();
        boost::asio::post(executor, [debtor = std::move(debtor), sequence = sequence_, lose = lose_] {
          ((*debtor).*lose)(sequence);
        });
      }
    } catch (...) {  // no memory even for that: its deadlines end the connection
    }
  }

  void deliver(Value value) {
    if (state_ == State::given_up) return;
    VOUCHERD_ASSERT(state_ == State::open);  // exactly one reply
    state_ = State::delivered;
    if (const auto debtor = debtor_.lock()) ((*debtor).*deliver_)(sequence_, std::move(value));
  }
  /// What is delivered later is nobody's. False where it was delivered before.
  bool give_up() {
    if (state_ != State::open) return false;
    state_ = State::given_up;
    return true;
  }

 private:
  enum class State { open, delivered, given_up };
  std::weak_ptr<Debtor> debtor_;
  std::uint64_t sequence_;
  Deliver deliver_;
  Lose lose_;
  State state_ = State::open;
};

}  // namespace voucherd::http
