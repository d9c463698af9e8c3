// Who sent what a usage record holds. Events of one sender come in runs: a batch at least, all of a record
// where there is one collector. So this costs a few bytes a run and nothing an event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/state/dictionary.h"

namespace voucherd {

/// Of a batch, as the "by" of facts: {"token", id}, {"certificate", fingerprint}, {"local", address}.
struct Submitter {
  std::string kind, id;  // both empty: not known, as in records of earlier versions
  friend bool operator==(const Submitter&, const Submitter&) = default;
};

/// Of one record: accepted events, quarantined ones, and entries that were sent again, each in its order.
/// Owned by one thread.
class Submissions {
 public:
  struct Counts {
    std::uint32_t events = 0, quarantined = 0, resent = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  /// What comes behind the `held` ones was sent by `by`.
  void begin(const Submitter& by, Counts held);

  Submitter of_event(std::uint32_t row) const { return at(&Counts::events, row); }
  Submitter of_quarantined(std::uint32_t index) const { return at(&Counts::quarantined, index); }
  Submitter of_resent(std::uint32_t index) const { return at(&Counts::resent, index); }

  /// Rough bytes in memory.
  std::size_t memory_bytes() const;
  /// The bytes for a record that holds `all`; none where nobody is known.
  std::string encode(Counts all) const;
  /// Trusts nothing: nullopt where the bytes are not what encode(all) gives.
  static std::optional<Submissions> decode(std::string_view bytes);
  /// Of what decode() read, what encode() was given; nullopt where there was nothing.
  std::optional<Counts> counts() const { return counts_; }

 private:
  struct Run {
    std::uint32_t submitter;  // in submitters_
    Counts begin;
  };
  Submitter at(std::uint32_t Counts::*part, std::uint32_t index) const;

  Dictionary submitters_;  // "kind:id"
  std::vector<Run> runs_;
  std::optional<Counts> counts_;
};

}  // namespace voucherd
