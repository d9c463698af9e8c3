// What else is read back from disk or from others' files, under any bytes. The first byte picks: a record
// with its envelope, of which the harness makes the checksum good; the first record's payload; a dismissal;
// the checkpoint's tree; an event of a bundle; the checkpoint's tokens; a token record; a line of the access
// log; a bundle's container and all that is checked in it. Beyond "no crash": what is read, is written again
// as the same bytes; a token record that is readable can be folded.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "billing/audit/container.h"
#include "billing/audit/verify.h"
#include "daemon/access/access_log_files.h"
#include "daemon/access/token_book.h"
#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"
#include "metering/proof/event_bytes.h"
#include "metering/proof/tree.h"
#include "metering/state/quarantine_dismissal.h"

namespace {

using namespace voucherd;

void read_record(std::string_view body) {
  std::string bytes(body);
  put_little_endian(bytes, checksum64(body));
  const auto record = decode_record(bytes);
  const auto view = view_record(bytes);
  VOUCHERD_ASSERT(record.has_value() == view.has_value());
  if (record) VOUCHERD_ASSERT(encode_record(record->header, record->payload) == bytes);
}

void read_genesis(std::string_view payload) {
  (void)decode_genesis(1, payload);  // read, no longer written
  if (const auto genesis = decode_genesis(genesis_version, payload))
    VOUCHERD_ASSERT(encode_genesis(*genesis, payload.substr(0, genesis_secret_bytes)) == payload);
}

void read_dismissal(std::string_view payload) {
  const auto read = QuarantineDismissal::decode(payload);
  if (read) VOUCHERD_ASSERT(read->encode() == payload);
}

template <class Saved>
void read_saved(std::string_view bytes) {
  std::string_view in = bytes;
  const auto loaded = Saved::load(in);
  if (!loaded) return;
  std::string saved;
  loaded->save(saved);
  VOUCHERD_ASSERT(saved == bytes.substr(0, bytes.size() - in.size()));
}

void read_event(std::string_view bytes) {
  std::string_view in = bytes;
  const auto read = take_event_bytes(in);
  if (!read) return;
  std::string again;
  append_event_bytes(again, read->event, read->index);
  VOUCHERD_ASSERT(again == bytes.substr(0, bytes.size() - in.size()));
}

/// Members may stand in another order than they are written in: no bytes are compared.
void read_tokens(std::string_view bytes) {
  std::string_view in = bytes;
  const auto loaded = access::TokenBook::load(in);
  if (!loaded) return;
  std::string saved, saved_again;
  loaded->save(saved);
  in = saved;
  const auto again = access::TokenBook::load(in);
  VOUCHERD_ASSERT(again && in.empty());
  again->save(saved_again);
  VOUCHERD_ASSERT(saved == saved_again);
}

void read_token_record(const std::string& payload) {
  access::TokenBook book;
  if (!book.can_apply(payload)) return;
  const auto record = nlohmann::json::parse(payload);
  book.apply({}, payload);
  VOUCHERD_ASSERT(book.find(record["token"]) != nullptr && book.find(record["token"])->identity != nullptr);
}

void read_container(std::string_view bytes) {
  if (const auto files = billing::read_container(bytes)) {
    billing::ContainerWriter writer;
    for (const auto& file : *files) writer.add(file.name, file.bytes);
    writer.finish();
    VOUCHERD_ASSERT(writer.take() == bytes);
  }
  const auto report = billing::verify_bundle(bytes, std::nullopt);
  VOUCHERD_ASSERT(report || report.error().code == "bundle_refused");
}

/// Files of a bundle as "name\0bytes\0\0", so that what is behind the container is reached.
void read_bundle_of(std::string_view text) {
  constexpr std::string_view end("\0\0", 2);
  billing::ContainerWriter writer;
  std::string before;
  while (!text.empty()) {
    const std::string_view file = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), file.size() + end.size()));
    const std::size_t zero = file.find('\0');
    const std::string name(file.substr(0, zero));
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (zero == std::string_view::npos || name.size() > 100 || name <= before || !printable) return;
    writer.add(name, file.substr(zero + 1));
    before = name;
  }
  writer.finish();
  read_container(writer.take());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*ways[])(std::string_view) = {
      read_record,
      read_genesis,
      read_dismissal,
      read_saved<MerkleTree>,
      read_event,
      read_tokens,
      [](std::string_view text) { read_token_record(std::string(text)); },
      [](std::string_view line) { (void)access::read_chain_link(line); },
      read_container,
      read_bundle_of};
  ways[data[0] % std::size(ways)](bytes);
  return 0;
}
