// A stopped daemon's directory as a program would have left it that wrote facts and closes before they were
// in parts (payload version 1; FORMAT.md of metering/journal and metering/proof).
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "metering/core/assert.h"
#include "metering/journal/database_key.h"
#include "metering/proof/payload_parts.h"
#include "metering/state/byte_coding.h"

namespace voucherd::testing {

/// Genesis is left as it is.
inline Record in_first_version(Record record) {
  const bool in_parts = record.header.type == RecordType::facts || record.header.type == RecordType::close;
  if (!in_parts || record.header.version != payload_in_parts_version) return record;
  const PayloadParts content = unseal(record.payload).value().content;
  record.header.version = 1;
  if (record.header.type == RecordType::close) {
    ByteReader in(content.shared);  // without the position of the close before it, which stands behind these
    in.signed_varint();
    in.signed_varint();
    for (int texts = 0; texts < 3; ++texts) in.text();
    record.payload = content.shared.substr(0, content.shared.size() - in.left()) + content.rest;
    return record;
  }
  record.payload = content.shared.substr(0, content.shared.size() - 1) + R"(,"changes":[)";
  for (const std::string& part : content.parts) record.payload += part + ",";
  record.payload.back() = ']';
  record.payload += "}";
  return record;
}

/// All of its facts and closes. Whoever calls this takes away what was derived from them: checkpoints, heads.
inline void rewrite_in_first_version(const std::string& directory) {
  rocksdb::DB* opened = nullptr;
  VOUCHERD_ASSERT(rocksdb::DB::Open({}, directory + "/database", &opened).ok());
  const std::unique_ptr<rocksdb::DB> database(opened);
  std::string bytes;
  for (Position position = 1; database->Get({}, key_of_position(position), &bytes).ok(); ++position) {
    const Record first = in_first_version(decode_record(bytes).value());
    VOUCHERD_ASSERT(
        database->Put({}, key_of_position(position), encode_record(first.header, first.payload)).ok());
  }
  // Positions that stand in two tables, or begin again in the log, would be taken for damage.
  VOUCHERD_ASSERT(database->CompactRange({}, nullptr, nullptr).ok());
}

}  // namespace voucherd::testing
