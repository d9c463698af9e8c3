// Writes the inputs from which the fuzzers begin, where they are bytes that only the program itself can make
// well: `fuzz_seeds tests/fuzz/corpus`. The first byte of each picks what its harness reads. Inputs that
// found something have names of their own and stay.
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "billing/audit/container.h"
#include "billing/ledger/fact_codec.h"
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"
#include "metering/journal/encoding.h"
#include "metering/proof/close_part.h"
#include "metering/proof/event_bytes.h"
#include "metering/proof/payload_parts.h"
#include "metering/proof/signed_note.h"
#include "metering/proof/tree.h"
#include "metering/state/byte_coding.h"
#include "metering/state/checkpoint.h"
#include "metering/state/quarantine_dismissal.h"
#include "metering/state/usage_state.h"
#include "tests/daemon/smuggling_corpus.h"
#include "tests/metering/state/sample_events.h"

namespace {

using namespace voucherd;

std::filesystem::path corpus;

void write(const std::string& fuzzer, const std::string& name, int way, const std::string& bytes) {
  std::filesystem::create_directories(corpus / fuzzer);
  std::ofstream(corpus / fuzzer / name, std::ios::binary) << static_cast<char>(way) << bytes;
}

UsageRecord record_of(test::Random& random, EventOrdinal first, int events, bool wild) {
  UsageRecord record;
  record.first_ordinal = first;
  record.sent_by({"token", "q4xk2m5jw7ab"});
  for (int i = 0; i < events; ++i) {
    const auto event =
        wild ? test::wild_event(random) : test::ordinary_event(random, test::sample_start_ms + i);
    // Only of events before it, which a fold can look up.
    if (event.kind == EventKind::correction && !wild) continue;
    record.events.append(event.view(), event.kind == EventKind::correction ? first : 0);
  }
  return record;
}

void write_usage_records(test::Random& random) {
  const int current = usage_record_version - 1;
  write("usage_record", "empty", current, UsageRecord{}.encode());
  write("usage_record", "one", current, record_of(random, 0, 1, false).encode());
  write("usage_record", "plain", current, record_of(random, 10, 40, false).encode());
  write("usage_record", "wild", current, record_of(random, 300, 12, true).encode());
  UsageRecord held;
  held.first_ordinal = 7;
  held.sent_by({"local", "::1"});
  held.quarantined.push_back(
      {ReasonCode{}, "detail", "/s", "id", "subject", "sku", {Month{674}, Month{675}}, "", "", "{}", 5});
  held.quarantined.push_back(
      {ReasonCode{}, "", "", "", "", "", {}, "/s", "other", std::string("\0\xff", 2), 0});
  held.resent.push_back({3, 1});
  held.released.push_back({{4, 0}, "token", "k"});
  write("usage_record", "quarantine", current, held.encode());
  UsageRecord both = record_of(random, 1, 5, true);
  both.sent_by({"certificate", "CN=a:b"});
  both.quarantined = held.quarantined;
  write("usage_record", "both", current, both.encode());
  // As the first version wrote it (usage_record_test.cpp), in two halves of the same bytes' use.
  constexpr std::string_view first_version =
      "ac022828b52ffd201ff9000001200164017301690166016bc20ac40a027b7defcdab896745230101b20e070228b52ffd20b4a1"
      "05"
      "000206082f736c75726d2f66696e616e6365011239313530303030304d4135555858585858580208006770752e613830300205"
      "00"
      "6167656e740207006770752d3031370b0500010000000100010001d0ff8eeb9467b0d4a15980f08eeb946780bab70307007d00"
      "ac"
      "021807053"
      "09f86d081884c7d659a2feaa0636f72722d31373831373233060018000c002f736c75726d39663836643038313838346337643"
      "635"
      "39613266656161306e6f6465206661696c757265";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < first_version.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(first_version.substr(i, 2)), nullptr, 16));
  }
  VOUCHERD_ASSERT(UsageRecord::decode(bytes, 1).has_value());
  write("usage_record", "first_version", 0, bytes);
  write("usage_record", "first_version_as_second", current, bytes);
}

std::string saved_state(test::Random& random, int records) {
  UsageState state(UtcOffset{480});
  for (int i = 0; i < records; ++i) {
    RecordHeader header;
    header.position = static_cast<Position>(2 + i);
    header.intake_time = Instant{test::sample_start_ms + i};
    state.apply(header, record_of(random, state.events(), 4, false), {});
  }
  std::string saved;
  state.save(saved);
  return saved;
}

void write_checkpoints(test::Random& random) {
  for (const int records : {0, 1, 3, 9}) {
    write("checkpoint", "state_" + std::to_string(records), 1, saved_state(random, records));
  }
  std::string file = "VCHECKPT";
  put_little_endian(file, std::uint32_t{1});
  put_little_endian(file, fold_version);
  put_little_endian(file, Position{1});
  put_little_endian(file, std::uint64_t{0});
  put_little_endian(file, std::uint64_t{0});
  write("checkpoint", "file_cut", 0, file);
  std::string without = file, with = file;
  put_little_endian(without, std::uint32_t{0});
  write("checkpoint", "file_without_sections", 0, without);
  put_little_endian(with, std::uint32_t{2});
  for (const std::string name : {"usage", "ledger"}) {
    put_little_endian(with, static_cast<std::uint32_t>(name.size()));
    with += name;
    put_little_endian(with, std::uint64_t{3});
    with += "abc";
  }
  write("checkpoint", "file", 0, with);
  write("checkpoint", "file_longer", 0, with + "x");
}

void write_proofs(test::Random& random) {
  PayloadParts content;
  content.shared = "shared";
  write("proof", "payload_without_parts", 0, seal(content, RecordSecret{}));
  content.parts = {"one", "", std::string(100, 'x')};
  content.rest = "rest";
  const std::string sealed = seal(content, RecordSecret{});
  write("proof", "payload", 0, sealed);
  ShortLeaf leaf;
  leaf.shared = "shared";
  leaf.parts = 3;
  leaf.payload_bytes = 77;
  leaf.header.type = RecordType::close;
  leaf.header.version = payload_in_parts_version;
  write("proof", "short_leaf", 1, leaf.encode());
  ClosePart part;
  part.firm = FirmId{"91500000MA5U00000W"};
  part.through = Month{674};
  write("proof", "close_part_empty", 2, part.encode());
  part.statements.emplace_back(Month{674}, Sha256Hash{});
  part.chains[Month{673}] = Chain{5, {}};
  part.chains[Month{674}] = Chain{1, {}};
  write("proof", "close_part", 2, part.encode());
  const std::string head = to_text({"voucherd/journal", 42, {}});
  write("proof", "tree_head", 3, head);
  write("proof", "note", 4, make_note(head, {"voucherd", 7}, std::string(64, 's')));
  write("proof", "key", 5, VerifierKey("voucherd", {}).text());
  Chains chains;
  for (int i = 0; i < 3; ++i) {
    const auto event = test::ordinary_event(random, test::sample_start_ms + i);
    chains.extend(chains.firm_number(event.subject), Month{674}, {static_cast<Position>(i + 2), 3, {}});
  }
  std::string saved;
  chains.save(saved);
  write("proof", "chains", 6, saved);
}

/// Of the first ways of `stored`; those of tokens, lines and bundles are texts of their own.
void write_stored(test::Random& random) {
  Genesis genesis;
  genesis.provider_name = "算力中心";
  genesis.provider_uscc = "91500000MA5U00000W";
  const std::string payload = encode_genesis(genesis, std::string(genesis_secret_bytes, 's'));
  const std::string record =
      encode_record({1, Instant{test::sample_start_ms}, RecordType::genesis, genesis_version}, payload);
  write("stored", "record", 0, record.substr(0, record.size() - sizeof(std::uint64_t)));
  write("stored", "genesis", 1, payload);
  write("stored", "dismissal", 2, QuarantineDismissal{{{4, 0}, {1'842, 7}}, "token", "k", "重复"}.encode());
  MerkleTree tree;
  for (int i = 0; i < 3; ++i) tree.append(leaf_hash("x"));
  std::string saved;
  tree.save(saved);
  write("stored", "tree", 3, saved);
  for (const bool wild : {false, true}) {
    const auto event = wild ? test::wild_event(random) : test::ordinary_event(random, test::sample_start_ms);
    std::string bytes;
    append_event_bytes(bytes, event.view(), 7);
    write("stored", wild ? "event_wild" : "event", 4, bytes);
  }
  const std::string token =
      R"({"by":{"kind":"token","id":"a"},"action":"create","token":"q4xk2m5jw7ab","body":{"role":"ingest","source":"/s","expires":null,"sha256":")" +
      std::string(64, 'a') + "\"}}";
  std::string tokens;
  put_varint(tokens, 1);
  put_varint(tokens, 9);
  put_signed(tokens, test::sample_start_ms);
  put_text(tokens, token);
  write("stored", "tokens", 5, tokens);
  write("stored", "token_record", 6, token);
  write("stored", "access_log_line", 7, R"({"line":7,"before":"00","at":"2026-03-01T01:00:00.123+00:00"})");
  billing::ContainerWriter container;
  container.add("checkpoint", "x");
  container.finish();
  write("stored", "container", 8, container.take());
  const std::string zero(1, '\0'), end(2, '\0');
  write("stored", "bundle", 9,
        "checkpoint" + zero +
            make_note(to_text({"voucherd/journal", 42, {}}), {"voucherd", 7}, std::string(64, 's')) + end +
            "manifest.json" + zero + R"({"firm":"91500000MA5U00000W","period":"2026-03"})" + end +
            "statement.json" + zero + "{}" + end);
}

void write_texts() {
  for (const char* number : {"0", "1.250000", "-1e3", "1e-9", "999999.999999", "0.20", "1000000000"}) {
    write("text", std::string("number_") + number, 0, number);
  }
  for (const char* time : {"2026-03-01T09:00:00.123+08:00", "0000-01-01T00:00:00-23:59", "+08:00",
                           "2024-02-29", "2026-03", "1842.0"}) {
    write("text", std::string("time_") + time, 1, time);
  }
  write("text", "uscc", 2, "91500000MA5U00000W");
  write("text", "address", 2, "[::1]:8080");
  write("text", "token", 3, "vch_q4xk2m5jw7ab_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_00000000");
  write(
      "text", "configuration", 4,
      "[listen]\napi = \"127.0.0.1:8080\"\n[access]\nrequired = true\n[limits]\nbody_bytes_max = 1048576\n");
  write(
      "text", "firms", 5,
      "\xef\xbb\xbfuscc,name,category,from,until\r\n91500000MA5U00000W,\"甲, 乙\",ai_agent,2026-01-01,\r\n");
}

/// The demonstration's facts, as PUT bodies; the first byte is the kind's number.
void write_facts() {
  constexpr std::pair<const char*, int> folders[] = {
      {"firms", 0}, {"skus", 1}, {"price-books", 2}, {"contracts", 3}, {"policies", 4}};
  for (const auto& [folder, way] : folders) {
    const auto files = std::filesystem::directory_iterator(corpus / "../../../deploy/demo" / folder);
    std::ifstream file(files->path());
    write("ledger", folder, way, {std::istreambuf_iterator<char>(file), {}});
  }
  write(
      "ledger", "tiers", 2,
      R"({"effective_from":"2026-01-01","tax_inclusive":true,"prices":{"g":{"tiers":[{"up_to":"10","price":"8.5"},{"price":"7"}]}}})");
  write(
      "ledger", "award", 5,
      R"({"firm":"91500000MA5U00000W","year":2026,"kind":"other_policy","amount":"12.30","policy":"x","evidence_sha256":""})");
  write("ledger", "settings", 6, R"({"accept_from":"2025-01-01"})");
}

void write_ledger() {
  using namespace voucherd::billing;
  Statement statement;
  statement.period = Month{674};
  statement.firm = FirmId{"91500000MA5U00000W"};
  statement.firm_name = "甲";
  statement.currency = "CNY";
  statement.closed = Statement::Closed{Instant{test::sample_start_ms}, {"local", "t"}};
  const std::string canonical = to_canonical_json(statement);
  write("ledger", "statement", 8, canonical);
  ClosePayload close;
  close.first = close.period = Month{674};
  close.by = {"token", "t"};
  close.reason = "r";
  write("ledger", "close_empty", 7, encode_close(close));
  close.statements.push_back({Month{674}, statement.firm, canonical});
  write("ledger", "close", 7, encode_close(close));
  write("ledger", "close_in_parts", 7, seal(close_in_parts(close, 5), RecordSecret{}));
  const UsageState usage(UtcOffset{480});
  Ledger ledger(StatementHead{}, usage);
  std::string saved;
  ledger.save(saved);
  write("ledger", "checkpoint_empty", 9, saved);
  Record record;
  record.header.type = RecordType::facts;
  record.payload =
      R"({"by":{"kind":"local","id":"x"},"reason":"","changes":[{"kind":"sku","key":"g","body":{"name":"G","unit":"card_hour","kind":"compute","tax_rate":"0.06"}}]})";
  ledger.apply(record, "");
  Record closed;
  closed.header.type = RecordType::close;
  closed.header.position = 3;
  closed.payload = encode_close(close);
  ledger.apply(closed, "root");
  saved.clear();
  ledger.save(saved);
  write("ledger", "checkpoint", 9, saved);
}

void write_bodies() {
  const std::string event = R"({"specversion":"1.0","id":"1"})" + std::string(200, ' ');
  z_stream stream{};
  VOUCHERD_ASSERT(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string in = event, packed(1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  VOUCHERD_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  write("body", "gzip", 0, packed);
  write("body", "gzip_twice", 0, packed + packed);
  write("body", "gzip_cut", 0, packed.substr(0, packed.size() - 3));
  const auto zstd = [](const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
  };
  write("body", "zstd", 1, zstd(event));
  write("body", "zstd_twice", 1, zstd(event) + zstd("x"));
  write("body", "zstd_bomb", 1, zstd(std::string(100'000, 'a')));
  write("body", "binary", 2,
        "ce-id:1\nce-source:/s\nce-type:compute.usage.v1\ncontent-type:application/json\n\n{\"sku\":\"g\"}");
  write("body", "binary_escapes", 2, "ce-id:%E5%85%AC\nce-source:\"a \\\" b\"\n\n");
  write("body", "binary_broken", 2, "ce-id:%E5%8\ncontent-type:text/plain\n\n[1");
}

void write_requests() {
  for (const auto& sent : http::smuggling_corpus()) {
    // The second byte is the first of what cuts the stream into pieces.
    if (sent.bytes.size() <= 400) write("http", sent.name, 6, "\x07" + sent.bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "fuzz_seeds CORPUS_FOLDER\n";
    return 2;
  }
  corpus = argv[1];
  test::Random random(1);  // the same seeds each time
  write_usage_records(random);
  write_checkpoints(random);
  write_proofs(random);
  write_facts();
  write_ledger();
  write_bodies();
  write_requests();
  write_stored(random);
  write_texts();
  return 0;
}
