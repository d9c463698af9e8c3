// The RFC 6962 Merkle tree over the journal's records, as its right edge: enough to extend it
// and to give its root. A leaf is the canonical bytes of a record (encode_record).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metering/core/result.h"

namespace voucherd {

using TreeHash = std::array<std::uint8_t, 32>;  // SHA-256

/// RFC 6962 §2.1: SHA-256(0x00 ‖ leaf).
TreeHash leaf_hash(std::string_view leaf);

/// A value of 32 bytes per set bit of size().
class TreeEdge {
 public:
  void append(const TreeHash& leaf);
  std::uint64_t size() const { return size_; }
  /// RFC 6962's tree head hash; that of the empty tree is SHA-256 of "".
  TreeHash root() const;
  void save(std::string& out) const;
  static Result<TreeEdge> load(std::string_view& in);
  friend bool operator==(const TreeEdge&, const TreeEdge&) = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<TreeHash> edge_;  // roots of the full subtrees, largest first
};

std::string to_hex(const TreeHash& hash);

}  // namespace voucherd
