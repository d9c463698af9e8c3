#include "daemon/api/statement_walk.h"

#include <algorithm>

namespace voucherd::api {

StatementWalk::StatementWalk(const Engine& engine, Month period, FirmId after)
    : engine_(engine), period_(period), after_(std::move(after)) {
  begin_again();
}

void StatementWalk::begin_again() {
  began_closed_ = is_closed();
  firms_ = engine_.ledger().firms();
  next_ = static_cast<std::size_t>(std::upper_bound(firms_.begin(), firms_.end(), after_) - firms_.begin());
}

void StatementWalk::go_on() {
  if (is_closed() != began_closed_) return closed_meanwhile();
  for (std::size_t looked = 0; looked < firms_per_turn; ++looked) {
    if (next_ == firms_.size()) return finish();
    auto found = find_statement(engine_, period_, firms_[next_++]);
    if (found && !take(std::move(*found))) return;
  }
  engine_.later([self = shared_from_this()] { self->go_on(); });
}

}  // namespace voucherd::api
