// Two forms of one payload: as stored, with the secret; and as hashed, without.
#include "metering/proof/payload_parts.h"

#include <openssl/rand.h>

#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

constexpr std::string_view leaf_prefix("\x00", 1);
// The rest is salted as if it were a part of this number: a close's holds every firm's statement, and who has
// all but one of them could try what that one says.
constexpr std::uint32_t rest_index = 0xFFFF'FFFF;

bool is_in_parts(const RecordHeader& header) {
  const bool can_be = header.type == RecordType::genesis || header.type == RecordType::facts ||
                      header.type == RecordType::close;
  return can_be && header.version >= payload_in_parts_version;
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_little_endian(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

Sha256Hash take_hash(FixedReader& in) {
  Sha256Hash hash{};
  const std::string_view bytes = in.bytes(hash.size());
  bytes.copy(reinterpret_cast<char*>(hash.data()), bytes.size());
  return hash;
}

ShortLeaf short_leaf_of(const RecordHeader& header, std::size_t payload_bytes, const SealedPayload& payload) {
  ShortLeaf leaf;
  leaf.header = header;
  leaf.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
  leaf.shared = payload.content.shared;
  leaf.rest = part_leaf(part_salt(payload.secret, rest_index), payload.content.rest);
  leaf.parts = static_cast<std::uint32_t>(payload.content.parts.size());
  leaf.parts_root = tree_root(part_leaves(payload));
  return leaf;
}

}  // namespace

RecordSecret draw_record_secret() {
  RecordSecret secret{};
  VOUCHERD_ASSERT(RAND_bytes(secret.data(), static_cast<int>(secret.size())) == 1);
  return secret;
}

std::string seal(const PayloadParts& content, const RecordSecret& secret) {
  std::string out(bytes_of(secret));
  put_bytes(out, content.shared);
  put_little_endian(out, static_cast<std::uint32_t>(content.parts.size()));
  for (const std::string& part : content.parts) put_bytes(out, part);
  return out + content.rest;
}

Result<SealedPayload> unseal(std::string_view payload) {
  FixedReader in(payload);
  SealedPayload sealed;
  sealed.secret = take_hash(in);
  sealed.content.shared = in.bytes(in.integer<std::uint32_t>());
  for (auto left = in.integer<std::uint32_t>(); in.ok() && left > 0; --left) {
    sealed.content.parts.emplace_back(in.bytes(in.integer<std::uint32_t>()));
  }
  if (!in.ok()) {
    return Fault{"payload_damaged", "a record in parts is cut short; restore the directory from a backup"};
  }
  sealed.content.rest = in.rest();
  return sealed;
}

PartSalt part_salt(const RecordSecret& secret, std::uint32_t index) {
  std::string message;
  put_little_endian(message, index);
  return hmac_sha256(bytes_of(secret), message);
}

TreeHash part_leaf(const PartSalt& salt, std::string_view part) {
  return Sha256().add(leaf_prefix).add(bytes_of(salt)).add(part).finish();
}

std::vector<TreeHash> part_leaves(const SealedPayload& payload) {
  std::vector<TreeHash> leaves;
  leaves.reserve(payload.content.parts.size());
  for (const std::string& part : payload.content.parts) {
    leaves.push_back(part_leaf(part_salt(payload.secret, static_cast<std::uint32_t>(leaves.size())), part));
  }
  return leaves;
}

std::string ShortLeaf::encode() const {
  std::string out = encode_record_header(header, payload_bytes);
  put_bytes(out, shared);
  out.append(bytes_of(rest));
  put_little_endian(out, parts);
  return out.append(bytes_of(parts_root));
}

Result<ShortLeaf> decode_short_leaf(std::string_view bytes) {
  FixedReader in(bytes);
  const auto header = decode_record_header(in);
  ShortLeaf leaf;
  leaf.shared = in.bytes(in.integer<std::uint32_t>());
  leaf.rest = take_hash(in);
  leaf.parts = in.integer<std::uint32_t>();
  leaf.parts_root = take_hash(in);
  if (!in.at_end() || !header || !is_in_parts(header->header)) {
    return Fault{"leaf_malformed", "these bytes are not the leaf of a record in parts"};
  }
  leaf.header = header->header;
  leaf.payload_bytes = header->payload_bytes;
  return leaf;
}

Result<std::string> leaf_bytes(const RecordHeader& header, std::string_view payload) {
  constexpr auto bytes = boost::system::in_place_value;
  if (!is_in_parts(header)) return {bytes, encode_record(header, payload)};
  const auto sealed = unseal(payload);
  if (!sealed) return sealed.error();
  return {bytes, short_leaf_of(header, payload.size(), *sealed).encode()};
}

Result<TreeHash> record_leaf_hash(Sha256& sha, const RecordHeader& header, std::string_view payload) {
  sha.add(leaf_prefix);
  if (is_in_parts(header)) {
    const auto bytes = leaf_bytes(header, payload);
    sha.add(bytes ? std::string_view(*bytes) : std::string_view());
    const TreeHash hash = sha.finish();
    if (!bytes) return bytes.error();
    return hash;
  }
  const std::string head = encode_record_header(header, static_cast<std::uint32_t>(payload.size()));
  RunningChecksum checksum;
  checksum.add(head);
  checksum.add(payload);
  std::string tail;
  put_little_endian(tail, checksum.value());
  return sha.add(head).add(payload).add(tail).finish();
}

}  // namespace voucherd
