// Payloads of usage records under any bytes: the columns of the events, and the quarantined ones behind them.
// The first byte picks the version, and the ways in which parts are read. Beyond "no crash":
//   - what decodes, encodes, and decodes to the same (earlier versions are read only);
//   - reading rows, columns and one firm's rows in part gives what reading all gives.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/assert.h"
#include "metering/state/event_columns.h"
#include "metering/state/usage_record.h"

namespace {

using namespace voucherd;

/// Damage within a part may only show when the part is read; then nothing of it is compared.
void check_parts(std::string_view payload, std::uint16_t version, const UsageRecord& whole) {
  const auto columns = EventColumns::open(payload, version);
  VOUCHERD_ASSERT(columns.has_value());
  VOUCHERD_ASSERT(columns->size() == whole.events.size() && columns->first_ordinal() == whole.first_ordinal);
  for (std::uint32_t group = 0; group < columns->groups(); ++group) {
    const auto part = columns->read(group, 1, RowParts::all);
    VOUCHERD_ASSERT(part.has_value());
    for (std::uint32_t row = 0; row < part->size(); ++row) {
      VOUCHERD_ASSERT(part->at(row) == whole.events.at(group * columns->rows_per_group() + row));
    }
  }
  if (whole.events.size() == 0) return;
  const std::string subject(whole.events.at(0).subject);
  const auto rows = columns->rows_of(subject, nullptr);
  VOUCHERD_ASSERT(rows.has_value() && !rows->empty() && rows->front() == 0);
  for (const std::uint32_t row : *rows) VOUCHERD_ASSERT(whole.events.at(row).subject == subject);
}

void check_same(const UsageRecord& one, const UsageRecord& other) {
  VOUCHERD_ASSERT(one.first_ordinal == other.first_ordinal && one.events.size() == other.events.size());
  for (std::uint32_t row = 0; row < one.events.size(); ++row) {
    VOUCHERD_ASSERT(one.events.at(row) == other.events.at(row));
    if (one.events.at(row).kind != EventKind::correction) continue;
    VOUCHERD_ASSERT(one.events.corrected(row) == other.events.corrected(row));
  }
  VOUCHERD_ASSERT(one.quarantined == other.quarantined && one.resent == other.resent);
  VOUCHERD_ASSERT(one.released == other.released);
  for (std::uint32_t row = 0; row < one.events.size(); ++row) {
    VOUCHERD_ASSERT(one.submissions.of_event(row) == other.submissions.of_event(row));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto version = static_cast<std::uint16_t>(1 + data[0] % usage_record_version);
  const std::string_view payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto record = UsageRecord::decode(payload, version);
  if (!record) {
    VOUCHERD_ASSERT(record.error().code == "usage_record_damaged");
    // Parts may be read of what is damaged elsewhere; they must not break anything either.
    if (const auto columns = EventColumns::open(payload, version); columns && columns->groups() > 0) {
      (void)columns->read(0, 1, RowParts::all);
      (void)columns->rows_of("", nullptr);
    }
    return 0;
  }
  check_parts(payload, version, *record);
  const auto sent = UsageRecord::submissions_of(payload, version);
  VOUCHERD_ASSERT(sent && sent->counts() == record->submissions.counts());
  const auto again = UsageRecord::decode(record->encode(), usage_record_version);
  VOUCHERD_ASSERT(again.has_value());
  check_same(*record, *again);
  return 0;
}
