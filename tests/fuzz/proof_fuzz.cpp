// What proofs are read from, under any bytes: an offline check is given files by others. The first byte
// picks: a record's payload in parts, a short leaf, a firm's part of a close, a tree head, a signed note, a
// verifier's key, a checkpoint's chains. Beyond "no crash": what is read, is written again as the same bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/assert.h"
#include "metering/proof/close_part.h"
#include "metering/proof/payload_parts.h"
#include "metering/proof/signed_note.h"

namespace {

using namespace voucherd;

void read_note(std::string_view note) {
  const auto signer = first_signer(note);
  if (!signer) return;
  VOUCHERD_ASSERT(is_key_name(signer->name));
  const VerifierKey nobodys(signer->name, {});
  (void)nobodys.open(note);
}

void read_chains(std::string_view bytes) {
  std::string_view in = bytes;
  const auto chains = Chains::load(in);
  if (!chains) return;
  std::string saved;
  chains->save(saved);
  std::string_view again = saved;
  VOUCHERD_ASSERT(Chains::load(again).has_value() && again.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      if (const auto payload = unseal(bytes))
        VOUCHERD_ASSERT(seal(payload->content, payload->secret) == bytes);
      break;
    case 1:
      if (const auto leaf = decode_short_leaf(bytes)) VOUCHERD_ASSERT(leaf->encode() == bytes);
      break;
    case 2:
      if (const auto part = decode_close_part(bytes)) VOUCHERD_ASSERT(part->encode() == bytes);
      break;
    case 3:
      if (const auto head = parse_tree_head(bytes)) VOUCHERD_ASSERT(bytes.starts_with(to_text(*head)));
      break;
    case 4:
      read_note(bytes);
      break;
    case 5:
      if (const auto key = VerifierKey::parse(bytes)) VOUCHERD_ASSERT(key->text() == bytes);
      break;
    default:
      read_chains(bytes);
      break;
  }
  return 0;
}
