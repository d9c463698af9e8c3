// What billing reads back, under any bytes. The first byte picks: a fact's body, as a PUT, a file or a record
// of facts has it; the payload of a close; a canonical statement, as a close freezes it; the ledger's part of
// a checkpoint. Beyond "no crash":
//   - a fact that is read is shown, and what is shown is read as the same;
//   - a close that decodes, encodes, and decodes to the same;
//   - a checkpoint that loads is saved, and loads again to the same bytes.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "billing/core/statement.h"
#include "billing/ledger/fact_codec.h"
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"
#include "metering/proof/payload_parts.h"

namespace {

using namespace voucherd;
using namespace voucherd::billing;

void read_body(FactKind kind, std::string_view text) {
  const auto body = nlohmann::json::parse(text, nullptr, false);
  if (body.is_discarded()) return;
  const std::string key = kind == FactKind::firm       ? "91500000MA5U00000W"
                          : kind == FactKind::settings ? "settings"
                                                       : "k";
  std::vector<FieldFault> faults;
  const auto fact = read_fact(kind, key, body, faults);
  VOUCHERD_ASSERT(fact.has_value() == faults.empty());
  if (!fact) return;
  const std::string shown = show_fact(*fact).dump();
  const auto again = read_fact(kind, key, nlohmann::json::parse(shown), faults);
  VOUCHERD_ASSERT(again && show_fact(*again).dump() == shown);
}

void read_close(std::string_view payload) {
  RecordHeader header;
  header.version = payload_in_parts_version;
  (void)close_of_record(header, payload);
  const auto close = decode_close(payload);  // the first version
  if (!close) return;
  const std::string encoded = encode_close(*close);
  const auto again = decode_close(encoded);
  VOUCHERD_ASSERT(again && encode_close(*again) == encoded);
}

void read_checkpoint(std::string_view bytes) {
  const UsageState usage(UtcOffset{480});
  std::string_view in = bytes;
  const auto ledger = Ledger::load(in, StatementHead{}, usage);
  if (!ledger) {
    VOUCHERD_ASSERT(ledger.error().code == "ledger_checkpoint_malformed");
    return;
  }
  std::string saved;
  (*ledger)->save(saved);
  std::string_view rest = saved;
  const auto again = Ledger::load(rest, StatementHead{}, usage);
  VOUCHERD_ASSERT(again.has_value() && rest.empty());
  std::string saved_again;
  (*again)->save(saved_again);
  VOUCHERD_ASSERT(saved_again == saved);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array kinds = {FactKind::firm,     FactKind::sku,    FactKind::price_book,
                                FactKind::contract, FactKind::policy, FactKind::external_award,
                                FactKind::settings};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t way = data[0] % (kinds.size() + 3);
  if (way < kinds.size()) {
    read_body(kinds[way], text);
  } else if (way == kinds.size()) {
    read_close(text);
  } else if (way == kinds.size() + 1) {
    (void)parse_canonical_json(text);
  } else {
    read_checkpoint(text);
  }
  return 0;
}
