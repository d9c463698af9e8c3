// Numbers first, then the words: the same coding as in a usage record.
#include "metering/state/quarantine_dismissal.h"

#include "metering/journal/encoding.h"
#include "metering/state/byte_coding.h"

namespace voucherd {

std::string QuarantineDismissal::encode() const {
  std::string out;
  put_varint(out, numbers.size());
  for (const QuarantineNumber& number : numbers) {
    put_varint(out, number.position);
    put_varint(out, number.index);
  }
  for (const std::string* text : {&by_kind, &by_id, &reason}) put_text(out, *text);
  return out;
}

Result<QuarantineDismissal> QuarantineDismissal::decode(std::string_view payload) {
  ByteReader in(payload);
  QuarantineDismissal dismissal;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::uint64_t position = in.varint();
    dismissal.numbers.push_back({position, static_cast<std::uint32_t>(in.varint_up_to(0xffff'ffff))});
  }
  for (std::string* text : {&dismissal.by_kind, &dismissal.by_id, &dismissal.reason}) *text = in.text();
  if (!in.ok() || in.left() != 0) {
    return Fault{"quarantine_dismissal_damaged",
                 "a record of dismissed quarantine entries can't be read; restore the journal from a backup"};
  }
  return dismissal;
}

}  // namespace voucherd
