// Everything above a charge is a sum of charges (rules §3): the totals are never rounded.
#include "billing/core/statement.h"

#include <algorithm>

namespace voucherd::billing {

namespace {

Fen sum_of(const std::vector<StatementLine>& lines, Fen ChargeFigures::*figure) {
  Fen sum;
  for (const StatementLine& line : lines) sum += line.figures.*figure;
  return sum;
}

}  // namespace

bool Statement::empty() const {
  const auto differs = [](const SubsidyYear& year) { return !year.this_statement.is_zero(); };
  return lines.empty() && unpriced.empty() && std::none_of(subsidy.begin(), subsidy.end(), differs);
}

Fen Statement::net() const { return sum_of(lines, &ChargeFigures::net); }
Fen Statement::tax() const { return sum_of(lines, &ChargeFigures::tax); }
Fen Statement::gross() const { return sum_of(lines, &ChargeFigures::gross); }
Fen Statement::eligible() const { return sum_of(lines, &ChargeFigures::eligible_amount); }

Fen Statement::subsidy_total() const {
  Fen sum;
  for (const SubsidyYear& year : subsidy) sum += year.this_statement;
  return sum;
}

Fen Statement::payable() const {
  return settlement == Settlement::deduct ? gross() - subsidy_total() : gross();
}

std::string statement_number(Month period, const FirmId& firm) {
  return to_string(period) + "/" + firm.value;
}

}  // namespace voucherd::billing
