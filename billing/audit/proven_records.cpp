#include "billing/audit/proven_records.h"

#include <charconv>
#include <cstring>

#include "billing/audit/refused.h"
#include "billing/audit/untrusted_text.h"
#include "metering/journal/encoding.h"

namespace voucherd::billing {

namespace {

constexpr std::size_t type_at = 5;  // in a record's header

std::vector<TreeHash> read_path(std::string_view bytes, const std::string& where) {
  refuse_unless(bytes.size() % sizeof(TreeHash) == 0, where, "the inclusion proof is malformed");
  std::vector<TreeHash> path(bytes.size() / sizeof(TreeHash));
  for (TreeHash& hash : path) {
    std::memcpy(hash.data(), bytes.data(), hash.size());
    bytes.remove_prefix(hash.size());
  }
  return path;
}

/// The digits of `name` from `at` on, `count` of them.
template <class Number>
Number number_in(const std::string& name, std::size_t at, std::size_t count) {
  Number number = 0;
  const char* const begin = name.data() + at;
  const bool enough = name.size() >= at + count;
  const auto [stop, error] =
      enough ? std::from_chars(begin, begin + count, number) : std::from_chars_result{begin, std::errc()};
  refuse_unless(enough && error == std::errc() && stop == begin + count, name,
                "is no name of a bundle's file");
  return number;
}

constexpr std::size_t position_digits = 20, index_digits = 8;
constexpr std::int32_t offset_minutes_max = 24 * 60;

/// Of either version: the first one's leaf is the record as stored.
Result<Genesis> read_genesis(std::string_view leaf, const std::string& where) {
  FixedReader in(leaf);
  const auto header = decode_record_header(in);
  refuse_unless(header && header->header.type == RecordType::genesis && header->header.position == 1, where,
                "is not the journal's first record");
  if (header->header.version < payload_in_parts_version) {
    const auto record = decode_record(leaf);
    if (!record) return record.error();
    return decode_genesis(record->header.version, record->payload);
  }
  const auto shown = decode_short_leaf(leaf);
  if (!shown) return shown.error();
  refuse_unless(shown->header.version == genesis_version && shown->parts == 0, where,
                "is of a version that this program does not know");
  return decode_shown_genesis(shown->shared);
}

}  // namespace

std::string_view ProvenRecords::leaf(Position position) {
  const std::string name = bundle_record(position);
  const std::string_view bytes = files_.take(name + ".leaf");
  const auto path = read_path(files_.take(name + ".path"), name + ".path");
  refuse_unless(position >= 1 && position <= tree_size_ &&
                    proves_inclusion(leaf_hash(bytes), position - 1, tree_size_, path, root_),
                name + ".leaf", "is not in the tree under the signed head");
  return bytes;
}

Genesis ProvenRecords::genesis() {
  const std::string where = bundle_record(1) + ".leaf";
  const auto genesis = read_genesis(leaf(1), where);
  if (!genesis) throw Refused{where, genesis.error().detail};
  refuse_unless(genesis->rules_version == 1, where, "names rules that this program does not know");
  refuse_unless(
      genesis->offset.minutes >= -offset_minutes_max && genesis->offset.minutes <= offset_minutes_max, where,
      "names an offset from UTC of more than a day");
  for (const auto* text : {&genesis->currency, &genesis->provider_name, &genesis->provider_uscc})
    refuse_broken_text(*text, where);
  return *genesis;
}

std::vector<Position> ProvenRecords::positions(RecordType type) const {
  std::vector<Position> positions;
  for (const std::string& name : files_.names("records/", ".leaf")) {
    const std::string_view bytes = files_.look_at(name);
    if (bytes.size() > type_at && bytes[type_at] == static_cast<char>(type))
      positions.push_back(number_in<Position>(name, std::strlen("records/"), position_digits));
  }
  return positions;
}

const ShortLeaf& ProvenRecords::in_parts(Position position, RecordType type) {
  const std::string where = bundle_record(position) + ".leaf";
  auto known = known_.find(position);
  if (known == known_.end()) {
    const auto read = decode_short_leaf(leaf(position));
    if (!read) throw Refused{where, read.error().detail};
    known = known_.emplace(position, *read).first;
  }
  const RecordHeader& header = known->second.header;
  refuse_unless(
      header.position == position && header.type == type && header.version == payload_in_parts_version, where,
      "is not the record that it must be");
  return known->second;
}

ProvenRecords::Part ProvenRecords::part(const std::string& name, RecordType type) {
  const std::size_t at = name.find('/') + 1;
  Part part;
  part.position = number_in<Position>(name, at, position_digits);
  part.index = number_in<std::uint32_t>(name, at + position_digits + 1, index_digits);
  const std::string stem = name.substr(0, at + position_digits + 1 + index_digits);
  refuse_unless(stem == bundle_part(name.substr(0, at - 1), part.position, part.index), name,
                "is no name of a bundle's file");
  const ShortLeaf& record = in_parts(part.position, type);
  part.bytes = files_.take(name);
  const std::string_view salt = files_.take(stem + ".salt");
  const auto path = read_path(files_.take(stem + ".path"), stem + ".path");
  refuse_unless(salt.size() == salt_bytes, stem + ".salt", "does not have 32 bytes");
  PartSalt known_salt{};
  std::memcpy(known_salt.data(), salt.data(), known_salt.size());
  refuse_unless(part.index < record.parts && proves_inclusion(part_leaf(known_salt, part.bytes), part.index,
                                                              record.parts, path, record.parts_root),
                name, "is not this part of its record");
  return part;
}

}  // namespace voucherd::billing
