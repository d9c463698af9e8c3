// An event's quantity: a decimal with the limits of rules §3, each with a fault of its own.
#include "metering/core/quantity.h"

#include "metering/core/excerpt.h"

namespace voucherd {
namespace {

Fault quantity_fault(const char* code, std::string_view text, const char* must) {
  return {code, "quantity is " + excerpt(text, decimal_text_bytes_max) + "; it must be " + must};
}

}  // namespace

Result<Quantity> parse_event_quantity(std::string_view text, bool zero_allowed) {
  const Result<Int128> nanos = parse_decimal(text, Quantity::scale);
  if (!nanos) {
    if (nanos.error().code == "decimal_too_fine") {
      return quantity_fault("quantity_too_fine", text, "a whole multiple of 0.000000001");
    }
    if (nanos.error().code == "decimal_out_of_range") {
      // Below zero it would be wrong in the first place for being negative.
      if (text.front() == '-') return quantity_fault("quantity_not_positive", text, "above 0");
      return quantity_fault("quantity_out_of_range", text, "at most 1000000000");
    }
    return quantity_fault("quantity_malformed", text, "a decimal of at most 40 characters, like 12.5 or 1e3");
  }
  if (*nanos < 0 || (*nanos == 0 && !zero_allowed)) {
    return quantity_fault("quantity_not_positive", text, zero_allowed ? "0 or above" : "above 0");
  }
  if (*nanos > Quantity::event_nanos_max) {
    return quantity_fault("quantity_out_of_range", text, "at most 1000000000");
  }
  return Quantity{*nanos};
}

}  // namespace voucherd
