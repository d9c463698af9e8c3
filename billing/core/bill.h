// From usage to a statement: charges now, less what has been billed (rules §6).
#pragma once

#include "billing/core/statement.h"

namespace voucherd::billing {

/// What the closed statements of one firm say, added up.
struct Billed {
  std::map<ChargeKey, ChargeFigures> charges;
  std::map<int, Fen> granted;  // by year
};

/// What is needed to bill one firm: plain values, so that the core stays pure.
struct FirmAccount {
  FirmId firm;
  std::vector<UsageOfDay> usage;  // all of the firm's usage
  Billed billed;
  /// Usage of the firm's predecessors and their predecessors (rules §5), by firm.
  std::map<FirmId, std::vector<UsageOfDay>> predecessor_usage;
};

/// Target of year `year` up to and including `month` of it, with the figures that led there;
/// `granted_before` is what the closed statements granted. `rated` is the account's usage, rated.
/// A predecessor counts once, however many ways lead to it; its own cap is lowered by its
/// predecessors', and a circle is cut where it closes.
SubsidyYear subsidy_of_year(const FirmAccount& account, const RatedUsage& rated, int year, int month,
                            const Facts& facts);

/// The open statement of `period`, on the assumption that the open months before it are closed
/// as they stand. `closed_through` is the last closed month (nullopt: none is closed). Precondition:
/// `period` is later than `closed_through`. The provider, currency and offset are the genesis'.
struct StatementHead {
  Provider provider;
  std::string currency;
  UtcOffset offset;
};
Statement open_statement(const FirmAccount& account, Month period, std::optional<Month> closed_through,
                         const Facts& facts, const StatementHead& head);
/// The same where the account's usage has been rated already: many months from one rating.
Statement open_statement(const FirmAccount& account, const RatedUsage& rated, Month period,
                         std::optional<Month> closed_through, const Facts& facts, const StatementHead& head);

}  // namespace voucherd::billing
