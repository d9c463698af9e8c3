// The records that a bundle shows: each is proven to stand in the tree under the signed head before anything
// in it is believed; and of records in parts, each part that is shown. Private to billing/audit.
#pragma once

#include <map>

#include "billing/audit/bundle_files.h"
#include "metering/proof/payload_parts.h"

namespace voucherd::billing {

class ProvenRecords {
 public:
  /// `files` outlives the object.
  ProvenRecords(BundleFiles& files, std::uint64_t tree_size, const TreeHash& root)
      : files_(files), tree_size_(tree_size), root_(root) {}

  // All throw Refused.
  Genesis genesis();
  /// Positions of the bundle's records of this type that are not taken yet, in order.
  std::vector<Position> positions(RecordType type) const;
  const ShortLeaf& in_parts(Position position, RecordType type);

  struct Part {
    Position position = 0;
    std::uint32_t index = 0;  // among the record's
    std::string_view bytes;
  };
  /// `name` is that of bundle_part(), with its ending.
  Part part(const std::string& name, RecordType type);

 private:
  std::string_view leaf(Position position);
  BundleFiles& files_;
  std::uint64_t tree_size_;
  TreeHash root_;
  std::map<Position, ShortLeaf> known_;
};

}  // namespace voucherd::billing
