// Judging: what an event's arrival decides that its bytes alone can't: limits on time, known
// firms and SKUs. Decided once, here; the record holds the outcome and the fold never decides
// again (rules §2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "metering/core/reason_code.h"
#include "metering/core/usage_event.h"
#include "metering/state/usage_record.h"
#include "metering/wire/decode.h"

namespace voucherd {

// Rules §2.
inline constexpr std::int64_t usage_ahead_ms_max = 5 * 60 * 1000;
inline constexpr std::int64_t usage_interval_ms_max = 31 * ms_per_day;
inline constexpr std::int64_t clock_behind_ms_max = 5 * 60 * 1000;

/// What ingest must know of firms and SKUs; implemented over the billing ledger's facts by the
/// composition root. Called by the owner thread, once per distinct text and group.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual bool knows_firm(std::string_view uscc) const = 0;
  virtual bool knows_sku(std::string_view sku) const = 0;
  virtual Instant accept_from() const = 0;
};

/// Owned by one thread.
class Judge {
 public:
  Judge(const Registry& registry, UtcOffset offset) : registry_(registry), offset_(offset) {}

  /// Whether usage of this span is within the limits on time (rules §2).
  bool in_time(UsageSpan span, Instant intake_time) const {
    return span.to.ms - span.from.ms <= usage_interval_ms_max &&
           span.to.ms - intake_time.ms <= usage_ahead_ms_max && span.from >= registry_.accept_from();
  }
  bool knows_firm(std::string_view uscc) const { return registry_.knows_firm(uscc); }
  bool knows_sku(std::string_view sku) const { return registry_.knows_sku(sku); }
  /// Why a well-formed usage event can't be counted; nullopt: it can.
  std::optional<wire::Problem> usage(const EventView& event, Instant intake_time);
  /// The same for a correction of `target` (nullptr: there is no such event).
  static std::optional<wire::Problem> correction(const EventView& event, const EventView* target);
  /// The months that the quarantined event keeps from closing (rules §6).
  MonthSpan months(const EventView& event, Instant intake_time) const;
  /// Firms and SKUs may have changed: forgets what it remembers of the registry.
  void forget() {
    firms_ = {};
    skus_ = {};
  }

 private:
  const Registry& registry_;
  UtcOffset offset_;
  Dictionary firms_, skus_;  // known ones only: bounded by the registry
};

/// A hash of what is kept of the event (or of its bytes, where it could not be read whole): the
/// same event sent again has the same, however it is written.
std::uint64_t content_fingerprint(const wire::Item& item, std::uint64_t seed);

}  // namespace voucherd
