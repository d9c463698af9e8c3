// Long reads (exports, lists, bundles) run in parts on the owner thread. However many there are, one part of
// all of them runs between two looks at what else the thread has to do: a thousand exports make each other
// slow, and nobody else. So many of them are under way at once, since each holds what it has gathered; the
// others wait for their beginning, in their order.
#pragma once

#include <functional>
#include <memory>

#include "metering/core/result.h"

namespace voucherd {

inline constexpr int reads_at_once_max = 16;

/// Owner thread only.
class Turns {
 public:
  using PostToOwner = std::function<void(std::function<void()>)>;

  explicit Turns(PostToOwner post);
  /// What still waits is dropped.
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Runs `part` later: the next one of the read that calls this from its own part, or a read that begins (or
  /// goes on after it has waited for something else).
  void take(std::function<void()> part);
  /// Told of parts that threw; they are dropped, and the others go on.
  void on_failure(std::function<void(const Fault&)> report);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace voucherd
