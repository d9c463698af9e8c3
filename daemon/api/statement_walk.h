// The statements of a month, firm after firm. Some firms are looked at in a turn, whether they have a
// statement or not: a month that nobody has one of would else hold up the owner's thread for as long as it
// takes to reckon everybody's.
#pragma once

#include <memory>
#include <vector>

#include "daemon/api/statement_view.h"

namespace voucherd::api {

/// Derived by whoever walks. Owner thread only.
class StatementWalk : public std::enable_shared_from_this<StatementWalk> {
 public:
  virtual ~StatementWalk() = default;
  StatementWalk(const StatementWalk&) = delete;
  StatementWalk& operator=(const StatementWalk&) = delete;

  /// Looks at firms, now and in turns to come, until take() says to wait or there are no more.
  void go_on();

 protected:
  /// Of the firms behind `after`, in order, as they are now.
  StatementWalk(const Engine& engine, Month period, FirmId after = {});
  void begin_again();

  const Engine& engine() const { return engine_; }
  Month period() const { return period_; }

  /// The next statement. False: the walk waits for go_on().
  virtual bool take(FoundStatement found) = 0;
  /// There are no more.
  virtual void finish() = 0;
  /// The month was closed since the walk began: what it has taken are drafts, what follows is not.
  virtual void closed_meanwhile() = 0;

 private:
  static constexpr std::size_t firms_per_turn = 8;
  bool is_closed() const { return engine_.ledger().closed(period_).has_value(); }

  const Engine& engine_;
  Month period_;
  FirmId after_;
  bool began_closed_ = false;
  std::vector<FirmId> firms_;
  std::size_t next_ = 0;
};

}  // namespace voucherd::api
