// A bundle checked offline (`voucherctl audit verify`): the statement follows, by the rules, from the events
// and facts in the bundle, and these are what the journal holds under its signed head. A pure function of the
// bundle and the key; deploy/verify has a second one in Python that shares no code with this.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "billing/core/statement.h"
#include "metering/proof/signed_note.h"

namespace voucherd::billing {

/// What holds.
struct BundleReport {
  FirmId firm;
  Month period;
  std::uint64_t close = 0;  // position of the record that closed the month
  TreeHead head;
  std::uint64_t events = 0, facts = 0, closes = 0, earlier_statements = 0;
  Fen net, tax, gross, eligible, subsidy;
  bool signature_checked = false;
  /// Sentences: what this check leaves open.
  std::vector<std::string> not_proven;
};

/// Fault "bundle_refused": what does not hold, and where. Without a key nothing shows who made the bundle.
Result<BundleReport> verify_bundle(std::string_view bundle, const std::optional<VerifierKey>& key);

}  // namespace voucherd::billing
