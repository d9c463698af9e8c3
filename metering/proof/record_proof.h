// What proofs need of one record: its leaf, and what it adds to the chains of firms. Made off the owner
// thread where records are written, and at replay; the fold takes it in.
#pragma once

#include <span>
#include <vector>

#include "metering/proof/chains.h"
#include "metering/proof/event_bytes.h"
#include "metering/proof/tree_proof.h"
#include "metering/state/usage_record.h"

namespace voucherd {

/// The events of one subject (a number of the block's dictionary) that touch one month.
struct ChainStep {
  std::uint32_t subject = 0;
  Month month;
  std::uint32_t events = 0;
  Sha256Hash digest{};
};

struct RecordProof {
  TreeHash leaf{};
  std::vector<ChainStep> steps;  // by subject, then month
};

/// Owned by one thread; keeps its memory from record to record.
class RecordProver {
 public:
  explicit RecordProver(UtcOffset offset) : offset_(offset) {}

  /// Of a usage record. `corrected`: the spans of the events that its corrections correct, in the order of
  /// the corrections. Fault "payload_damaged".
  Result<RecordProof> prove(const RecordHeader& header, std::string_view payload, const EventBlock& events,
                            std::span<const UsageSpan> corrected);
  /// Of any other one.
  Result<RecordProof> prove(const RecordHeader& header, std::string_view payload);

 private:
  MonthRun months_of_row(UsageSpan span);
  void sort_rows(const EventBlock& events, std::span<const UsageSpan> corrected);
  void add_steps(const EventBlock& events, std::uint32_t subject, std::span<const std::uint32_t> rows,
                 std::vector<ChainStep>& steps);
  char* room_for(std::size_t begin, std::size_t bytes);
  std::uint32_t hash_month(std::span<const std::uint32_t> rows, Month month);

  UtcOffset offset_;
  Sha256 sha_;
  // The month of the row before, as a span of time: most rows lie in it.
  Month last_month_;
  Instant last_from_, last_until_;
  std::vector<MonthRun> months_;      // of each row
  std::vector<std::uint32_t> begin_;  // of each subject's rows in order_
  std::vector<std::uint32_t> next_;   // where the subject's next row goes
  std::vector<std::uint32_t> order_;  // rows by subject
  std::vector<char> bytes_;           // of one subject's events; all of it is in use or was
  std::vector<std::size_t> ends_;     // of each of them
};

/// What the record adds to the chains. `firms`: the fold's numbers of the block's subjects.
void extend(Chains& chains, Position position, const EventBlock& events, std::span<const ChainStep> steps,
            std::span<const std::uint32_t> firms);

}  // namespace voucherd
