// Fixed little-endian fields: a checker in any language reads them.
#include "metering/proof/close_part.h"

#include <algorithm>

#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

void put_text(std::string& out, std::string_view text) {
  put_little_endian(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

Sha256Hash take_hash(FixedReader& in) {
  Sha256Hash hash{};
  const std::string_view bytes = in.bytes(hash.size());
  bytes.copy(reinterpret_cast<char*>(hash.data()), bytes.size());
  return hash;
}

}  // namespace

std::string ClosePart::encode() const {
  std::string out;
  put_text(out, firm.value);
  put_little_endian(out, through.months);
  put_little_endian(out, static_cast<std::uint16_t>(statements.size()));
  for (const auto& [month, hash] : statements) {
    put_little_endian(out, month.months);
    out.append(bytes_of(hash));
  }
  out.append(bytes_of(facts));
  put_little_endian(out, static_cast<std::uint16_t>(chains.size()));
  for (const auto& [month, chain] : chains) {
    put_little_endian(out, month.months);
    put_little_endian(out, chain.events);
    out.append(bytes_of(chain.value));
  }
  return out;
}

Result<ClosePart> decode_close_part(std::string_view bytes) {
  FixedReader in(bytes);
  ClosePart part;
  part.firm = FirmId{in.bytes(in.integer<std::uint16_t>())};
  part.through = Month{in.integer<std::int32_t>()};
  for (auto left = in.integer<std::uint16_t>(); in.ok() && left > 0; --left) {
    const Month month{in.integer<std::int32_t>()};
    part.statements.emplace_back(month, take_hash(in));
  }
  part.facts = take_hash(in);
  for (auto left = in.integer<std::uint16_t>(); in.ok() && left > 0; --left) {
    Chain& chain = part.chains[Month{in.integer<std::int32_t>()}];
    chain.events = in.integer<std::uint64_t>();
    chain.value = take_hash(in);
  }
  // Written again it must be the same: months ascend, and none stands twice.
  const bool ascends = std::is_sorted(part.statements.begin(), part.statements.end());
  if (!in.at_end() || !ascends || part.encode() != bytes) {
    return Fault{"close_part_malformed", "these are not the bytes of a firm's part of a close"};
  }
  return part;
}

Sha256Hash facts_digest(std::vector<FactPlace> places) {
  std::sort(places.begin(), places.end());
  std::string list;
  for (const FactPlace& place : places) {
    put_text(list, place.kind);
    put_text(list, place.key);
    put_little_endian(list, place.position);
    put_little_endian(list, place.index);
  }
  return sha256(list);
}

}  // namespace voucherd
