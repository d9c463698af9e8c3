#include "metering/ingest/label_table.h"

#include <algorithm>

namespace voucherd {

void LabelTable::stage(IngestBatch& batch) {
  if (std::any_of(labels_.begin(), labels_.end(),
                  [](const Dictionary& labels) { return labels.size() > labels_max; })) {
    labels_ = {};
    ++generation_;
  }
  batch.label_generation = generation_;
  batch.rows.reserve(batch.decoded.items.size());
  std::string& bytes = batch.row_texts;
  for (const wire::Item& item : batch.decoded.items) {
    EventBlock::Row row{};
    if (!item.problem && item.event.kind == EventKind::usage) {
      row = EventBlock::row_of(item.event);
      const auto texts = EventBlock::texts_of(item.event);
      for (std::size_t column = 0; column < labels_.size(); ++column) {
        row.*EventBlock::columns[column] = labels_[column].intern(texts[column]);
      }
      bytes.append(item.event.id);
    }
    row.id_end = static_cast<std::uint32_t>(bytes.size());
    bytes.append(row.kind == 0 ? std::string_view() : item.event.job);
    row.text_end = static_cast<std::uint32_t>(bytes.size());
    batch.rows.push_back(row);
  }
}

}  // namespace voucherd
