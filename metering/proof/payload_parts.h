// Payloads whose parts can be shown one by one (genesis, facts and closes, version 2): what all may see,
// parts that are hidden from each other by salts, and the rest. FORMAT.md beside this file describes the
// bytes.
//
// The record's secret makes the salts and stands in the record itself: whoever may read the journal can show
// any part, and nobody else can guess one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"
#include "metering/journal/journal.h"
#include "metering/proof/tree_proof.h"

namespace voucherd {

/// Of genesis, facts and close records; earlier ones are not in parts.
inline constexpr std::uint16_t payload_in_parts_version = 2;

/// What a payload says, before it has a secret.
struct PayloadParts {
  std::string shared;
  std::vector<std::string> parts;
  std::string rest;
  bool empty() const { return shared.empty(); }
  friend bool operator==(const PayloadParts&, const PayloadParts&) = default;
};

using RecordSecret = Sha256Hash;  // 32 random bytes
RecordSecret draw_record_secret();

struct SealedPayload {
  RecordSecret secret{};
  PayloadParts content;
};
std::string seal(const PayloadParts& content, const RecordSecret& secret);
/// Fault "payload_damaged".
Result<SealedPayload> unseal(std::string_view payload);

using PartSalt = Sha256Hash;
PartSalt part_salt(const RecordSecret& secret, std::uint32_t index);
TreeHash part_leaf(const PartSalt& salt, std::string_view part);
std::vector<TreeHash> part_leaves(const SealedPayload& payload);

/// The leaf bytes of a record in parts: enough to check one part against the tree.
struct ShortLeaf {
  RecordHeader header;
  std::uint32_t payload_bytes = 0;
  std::string shared;
  Sha256Hash rest{};  // its hash
  std::uint32_t parts = 0;
  TreeHash parts_root{};
  std::string encode() const;
};
/// Fault "leaf_malformed".
Result<ShortLeaf> decode_short_leaf(std::string_view leaf);

/// What stands in the tree for a record. Fault "payload_damaged".
Result<std::string> leaf_bytes(const RecordHeader& header, std::string_view payload);
/// leaf_hash() of these, without a copy of what may be a megabyte. Fault "payload_damaged".
Result<TreeHash> record_leaf_hash(Sha256& sha, const RecordHeader& header, std::string_view payload);

}  // namespace voucherd
