// Labels: numbers for the short texts that events repeat (source, firm, SKU, project, node), given
// where events are decoded. With them the owner thread puts an event into the open group without
// hashing or comparing a text, and mostly without reading one.
#pragma once

#include <array>
#include <cstdint>

#include "metering/ingest/sequencer.h"

namespace voucherd {

/// Owned by one thread: the one that decodes.
class LabelTable {
 public:
  /// Of one column. Where a batch has brought more, labels begin again with the next one: texts that
  /// never come again must not fill the memory.
  static constexpr std::uint32_t labels_max = 65'536;

  /// Makes the rows of the batch's good usage events. Labels mean the same in all batches of the same
  /// generation.
  void stage(IngestBatch& batch);

 private:
  std::array<Dictionary, EventBlock::columns.size()> labels_;
  std::uint32_t generation_ = 1;
};

}  // namespace voucherd
