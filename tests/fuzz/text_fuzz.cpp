// Small texts that people and machines send: numbers, times, codes, addresses, tokens; a configuration; firms
// as CSV. The first byte picks. Beyond "no crash": a value that is read is shown, and what is shown is read
// as the same; a text with one spelling is shown as it was; no secret is left in what is logged.
#include <cstdint>
#include <string>
#include <string_view>

#include "billing/core/money.h"
#include "billing/ledger/firm_csv.h"
#include "config/address.h"
#include "config/table.h"
#include "daemon/access/token_text.h"
#include "metering/core/assert.h"
#include "metering/core/ids.h"
#include "metering/core/quantity.h"
#include "metering/core/time.h"
#include "metering/state/usage_record.h"

namespace {

using namespace voucherd;

void read_numbers(std::string_view text) {
  for (const int scale : {0, 6, 9, 18}) {
    const auto number = parse_decimal(text, scale);
    if (!number) continue;
    // As many digits as there are may be more than are taken.
    const std::string shown = format_decimal(*number, scale);
    const auto again = parse_decimal(shown, scale);
    VOUCHERD_ASSERT(shown.size() > decimal_text_bytes_max || (again && *again == *number));
  }
  for (const bool zero_allowed : {false, true}) {
    const auto quantity = parse_event_quantity(text, zero_allowed);
    if (!quantity) continue;
    VOUCHERD_ASSERT(quantity->nanos <= Quantity::event_nanos_max &&
                    parse_event_quantity(to_string(*quantity), zero_allowed).value() == *quantity);
  }
  if (const auto amount = billing::parse_fen(text)) {
    VOUCHERD_ASSERT(billing::parse_fen(to_string(*amount)).value() == *amount);
  }
  if (const auto price = billing::parse_price(text)) {
    VOUCHERD_ASSERT(billing::parse_price(to_string(*price)).value() == *price);
  }
  if (const auto rate = billing::parse_rate(text)) {
    VOUCHERD_ASSERT(rate->millionths >= 0 && rate->millionths <= 1'000'000);
  }
}

void read_times(std::string_view text) {
  if (const auto instant = parse_instant(text)) {
    const auto again = parse_instant(format_instant(*instant, UtcOffset{0}));
    VOUCHERD_ASSERT(!again || *again == *instant);  // the first and last hours of all years leave them
  }
  if (const auto offset = parse_utc_offset(text))
    VOUCHERD_ASSERT(parse_utc_offset(to_string(*offset)) == *offset);
  if (const auto day = parse_day(text)) VOUCHERD_ASSERT(to_string(*day) == text);
  if (const auto month = parse_month(text)) VOUCHERD_ASSERT(to_string(*month) == text);
  if (const auto number = parse_quarantine_number(text)) VOUCHERD_ASSERT(to_string(*number) == text);
}

void read_codes(std::string_view text) {
  VOUCHERD_ASSERT(check_uscc(text).has_value() == is_uscc(text));
  (void)parse_reason_code(text);
  (void)config::parse_address(text);
}

void read_token(std::string_view text) {
  const auto id = access::id_of_token(text);
  if (id) VOUCHERD_ASSERT(access::is_token_id(*id) && text.find(*id) == 4);
  const std::string logged = access::without_secrets(text);
  if (id) VOUCHERD_ASSERT(logged.find(text.substr(4 + access::token_id_chars)) == std::string::npos);
}

void read_configuration(std::string_view text) {
  const auto parsed = config::parse(text, "voucherd.toml");
  (void)config::check(parsed.options);
}

void read_firms(std::string_view text) {
  const billing::Facts known;
  const billing::FirmCsv csv(text, known);
  VOUCHERD_ASSERT(csv.changes().size() <= csv.rows() || !csv.faults().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*ways[])(std::string_view) = {read_numbers, read_times,         read_codes,
                                                read_token,   read_configuration, read_firms};
  ways[data[0] % std::size(ways)](text);
  return 0;
}
