// The bytes of a record and of the genesis payload, as FORMAT.md describes them. They are
// what is stored and what the proof tree hashes: one field changed here is another format.
#include <utility>

#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"
#include "metering/journal/journal.h"

namespace voucherd {

namespace {

constexpr std::string_view record_magic = "VREC";
constexpr std::uint8_t envelope_format = 1;  // stored: a changed envelope takes the next number
constexpr std::size_t header_bytes = 28;
constexpr std::size_t checksum_bytes = 8;
constexpr std::uint32_t genesis_format_known = 1;
constexpr std::size_t genesis_text_bytes_max = 65'535;

Fault damaged(std::string what) {
  return {"record_damaged",
          "A journal record is damaged: " + std::move(what) +
              ". Stop the daemon and restore the data directory from a backup or a standby."};
}

void put_text(std::string& out, std::string_view text) {
  VOUCHERD_ASSERT(text.size() <= genesis_text_bytes_max);
  put_little_endian(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

std::string take_text(FixedReader& in) { return std::string(in.bytes(in.integer<std::uint16_t>())); }

}  // namespace

std::string encode_record_header(const RecordHeader& header, std::uint32_t payload_bytes) {
  std::string out;
  out.reserve(header_bytes);
  out.append(record_magic);
  put_little_endian(out, envelope_format);
  put_little_endian(out, static_cast<std::uint8_t>(header.type));
  put_little_endian(out, header.version);
  put_little_endian(out, header.position);
  put_little_endian(out, header.intake_time.ms);
  put_little_endian(out, payload_bytes);
  return out;
}

Result<DecodedHeader> decode_record_header(FixedReader& in) {
  if (in.bytes(record_magic.size()) != record_magic) return damaged("it does not begin with VREC");
  if (const auto format = in.integer<std::uint8_t>(); format != envelope_format) {
    return damaged("its envelope has format " + std::to_string(format) +
                   ", which this version of the program does not know");
  }
  DecodedHeader decoded;
  decoded.header.type = static_cast<RecordType>(in.integer<std::uint8_t>());
  decoded.header.version = in.integer<std::uint16_t>();
  decoded.header.position = in.integer<std::uint64_t>();
  decoded.header.intake_time.ms = in.integer<std::int64_t>();
  decoded.payload_bytes = in.integer<std::uint32_t>();
  if (!in.ok()) return damaged("its header is cut short");
  return decoded;
}

std::string encode_record(const RecordHeader& header, std::string_view payload) {
  VOUCHERD_ASSERT(payload.size() <= record_payload_bytes_max);
  std::string out;
  out.reserve(header_bytes + payload.size() + checksum_bytes);
  out.append(encode_record_header(header, static_cast<std::uint32_t>(payload.size())));
  out.append(payload);
  put_little_endian(out, checksum64(out));
  return out;
}

Result<Record> decode_record(std::string_view bytes) {
  auto view = view_record(bytes);
  if (!view) return view.error();
  const std::size_t body_bytes = bytes.size() - checksum_bytes;
  if (get_little_endian<std::uint64_t>(bytes.substr(body_bytes)) != checksum64(bytes.substr(0, body_bytes))) {
    return damaged("its checksum does not fit its bytes");
  }
  return Record{view->header, std::string(view->payload)};
}

Result<RecordView> view_record(std::string_view bytes) {
  if (bytes.size() < header_bytes + checksum_bytes) {
    return damaged("it has " + std::to_string(bytes.size()) + " bytes, fewer than its header");
  }
  FixedReader in(bytes.substr(0, bytes.size() - checksum_bytes));
  const auto head = decode_record_header(in);
  if (!head) return head.error();
  const RecordView record{head->header, in.bytes(head->payload_bytes)};
  if (!in.at_end()) return damaged("its payload length does not fit its size");
  return record;
}

namespace {

Fault unsupported(const std::string& what, std::uint32_t version, std::uint32_t known) {
  return {"format_unsupported", "The journal has " + what + " version " + std::to_string(version) +
                                    "; this program reads version " + std::to_string(known) +
                                    ". Run the version of the program that wrote it, or a newer one."};
}

/// Version 1 has the seed in the midst of the rest.
Result<Genesis> read_genesis(FixedReader& in, bool with_seed) {
  Genesis genesis;
  genesis.format_version = in.integer<std::uint32_t>();
  if (in.ok() && genesis.format_version != genesis_format_known)
    return unsupported("format", genesis.format_version, genesis_format_known);
  genesis.rules_version = in.integer<std::uint32_t>();
  genesis.offset.minutes = in.integer<std::int32_t>();
  if (with_seed) genesis.hash_seed = in.integer<std::uint64_t>();
  genesis.currency = take_text(in);
  genesis.provider_name = take_text(in);
  genesis.provider_uscc = take_text(in);
  if (!in.at_end()) return damaged("the genesis payload is cut short or has bytes behind its end");
  return genesis;
}

}  // namespace

std::string encode_genesis(const Genesis& genesis, std::string_view secret) {
  VOUCHERD_ASSERT(secret.size() == genesis_secret_bytes);
  std::string shown;
  put_little_endian(shown, genesis.format_version);
  put_little_endian(shown, genesis.rules_version);
  put_little_endian(shown, genesis.offset.minutes);
  put_text(shown, genesis.currency);
  put_text(shown, genesis.provider_name);
  put_text(shown, genesis.provider_uscc);
  std::string out(secret);
  put_little_endian(out, static_cast<std::uint32_t>(shown.size()));
  out += shown;
  put_little_endian(out, std::uint32_t{0});  // no parts
  put_little_endian(out, genesis.hash_seed);
  return out;
}

Result<Genesis> decode_shown_genesis(std::string_view shown) {
  FixedReader in(shown);
  return read_genesis(in, false);
}

Result<Genesis> decode_genesis(std::uint16_t version, std::string_view payload) {
  FixedReader in(payload);
  if (version == 1) return read_genesis(in, true);
  if (version != genesis_version) return unsupported("a first record of", version, genesis_version);
  in.bytes(genesis_secret_bytes);
  auto genesis = decode_shown_genesis(in.bytes(in.integer<std::uint32_t>()));
  const auto parts = in.integer<std::uint32_t>();
  const auto seed = in.integer<std::uint64_t>();
  if (!in.at_end() || parts != 0)
    return damaged("the genesis payload is cut short or has bytes behind its end");
  if (genesis) genesis->hash_seed = seed;
  return genesis;
}

}  // namespace voucherd
