// Which records hold usage that came after its month had ended, for each firm. A month is closed only once
// it has ended, so whatever changed a closed month's usage since is among them: what a statement knew of its
// days is what is known now, less what stands in these records. All others are never read for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/journal/journal.h"
#include "metering/state/dictionary.h"
#include "metering/state/usage_record.h"

namespace voucherd {

class ByteReader;

/// Owned by one thread.
class LateArrivals {
 public:
  /// Records so far apart stand in one run: a history that is sent years later touches a firm every few
  /// records, and they shall not take 24 bytes each. Those between are read for nothing.
  static constexpr Position gap_max = 16;

  /// A number for the firm, which lives as long as this object.
  std::uint32_t firm_number(std::string_view firm);
  /// Brings the firm's last run into the cache: call some firms ahead of add().
  void prefetch(std::uint32_t firm) const { __builtin_prefetch(&runs_[firm], 1); }
  /// The record at `position`, behind the firm's last one (asserted), holds usage that touches these months,
  /// or a correction of such usage, and the first of them had ended when it was taken in.
  void add(std::uint32_t firm, MonthSpan months, Position position);
  /// The first position from `from` on that may hold such usage of the firm in one of the months; nullopt:
  /// none from there on.
  std::optional<Position> next(Position from, std::string_view firm, MonthSpan months) const;

  /// Of the last record that is among them; 0: there is none.
  Position last_position() const;

  /// Canonical bytes.
  void save(std::string& out) const;
  /// Takes what save() wrote off the front of `in`, which is not ok() where it is anything else.
  void load(ByteReader& in);

 private:
  struct Run {
    Position first = 0, last = 0;
    MonthSpan months;
    friend bool operator==(const Run&, const Run&) = default;
  };
  /// The last run is the only one that add() touches: it stands here, and not behind a pointer.
  struct FirmRuns {
    std::vector<Run> former;
    Run last;  // {0, 0}: there is none
    void push(const Run& run);
  };
  static void load_runs(ByteReader& in, std::uint64_t count, FirmRuns& runs);
  Dictionary firms_;
  std::vector<FirmRuns> runs_;  // by the firm's number
};

}  // namespace voucherd
