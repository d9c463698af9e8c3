// The programme's year over all firms (成效监测): the budget, what has been calculated of it so far, and
// where it leads. One firm after another is reckoned and added, so that whoever asks may let others have
// their turn in between.
//
// The forecast, plainly: a firm's eligible amount of a month is taken to go on as the mean of its last
// full months of the year (three at most), for each month to come that begins with a policy in force,
// under the rate and the cap of that policy. The mean times the months is rounded to a fen once; the
// target follows by rules §5, so nobody's forecast passes their cap; what predecessors are expected to get is
// taken off it, as their targets are. Apart from that, what is calculated already stays: a firm's forecast is
// never below it. Before the year has a full month there is none.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "billing/core/bill.h"

namespace voucherd::billing {

inline constexpr int months_of_year = 12;
inline constexpr int forecast_basis_months_max = 3;

/// One firm's part of the year.
struct FirmOfProgramme {
  struct OfMonth {
    Quantity card_hours, eligible_card_hours;
    Fen net, eligible;  // of this usage month
    Fen target;         // of the year up to and including it
    Fen forecast;       // the target at its end; what has been calculated, for full months
    bool has_usage = false;
  };
  std::string district;
  std::string category;  // of the interval that its last eligible day lies in; "" without an eligible day
  std::array<OfMonth, months_of_year> months;
  Fen granted;  // on closed statements
  bool at_cap = false;
  Fen target() const { return months.back().target; }
  Fen forecast() const { return months.back().forecast; }
  bool has_usage() const;
};

/// `usage` is the account's own, of the year alone; `full_months` (0 … 12) says how many of the year's
/// months have ended.
FirmOfProgramme firm_of_programme(const FirmAccount& account, const RatedUsage& rated,
                                  std::span<const UsageOfDay> usage, int year, int full_months,
                                  const Facts& facts);

/// The budget of a calendar year: that of the last policy in force in it; nullopt: it names none.
std::optional<Fen> programme_budget(int year, const Facts& facts);

class ProgrammeYear {
 public:
  ProgrammeYear(int year, int full_months, const Facts& facts);
  void add(const FirmOfProgramme& firm);
  /// As the API shows it.
  nlohmann::ordered_json shown() const;

 private:
  struct Sums {
    std::uint64_t firms = 0, with_subsidy = 0;
    Quantity card_hours, eligible_card_hours;
    Fen net, eligible, subsidy, forecast;
    void add(const FirmOfProgramme& firm);
    nlohmann::ordered_json shown(bool with_forecast) const;
  };
  struct OfMonth {
    std::uint64_t firms = 0;
    Quantity card_hours, eligible_card_hours;
    Fen net, eligible, target, forecast;
  };
  nlohmann::ordered_json months_shown() const;
  nlohmann::ordered_json forecast_shown() const;

  int year_, full_months_;
  std::optional<Fen> budget_;
  nlohmann::ordered_json policies_ = nlohmann::ordered_json::array();
  Sums all_;
  Fen granted_;
  std::uint64_t eligible_firms_ = 0, at_cap_ = 0;
  std::array<OfMonth, months_of_year> months_;
  std::map<std::string, Sums> districts_, categories_;
};

}  // namespace voucherd::billing
