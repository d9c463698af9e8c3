#include "billing/render/due_date.h"

namespace voucherd::billing {

namespace {

std::string text(const nlohmann::ordered_json& statement, const char* member) {
  return statement.at(member).get<std::string>();
}

}  // namespace

std::optional<LocalDay> due_date(const nlohmann::ordered_json& statement, const Letterhead& letterhead) {
  if (!statement.contains("closed_at")) return std::nullopt;
  const UtcOffset offset = parse_utc_offset(text(statement, "utc_offset")).value();
  const LocalDay closed = local_day(parse_instant(text(statement, "closed_at")).value(), offset);
  return LocalDay{closed.days + letterhead.due_days};
}

Instant made_at(const nlohmann::ordered_json& statement) {
  if (statement.contains("closed_at")) return parse_instant(text(statement, "closed_at")).value();
  const UtcOffset offset = parse_utc_offset(text(statement, "utc_offset")).value();
  return start_of(first_day(parse_month(text(statement, "period")).value()), offset);
}

}  // namespace voucherd::billing
