// A sequencer on a real journal in a directory of its own, with a clock moved by hand.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "metering/ingest/sequencer.h"
#include "tests/support/full_disk.h"
#include "tests/support/owner_loop.h"
#include "tests/support/temp_dir.h"

namespace voucherd::testing {

inline constexpr const char* firm_a = "91500000MA5U00000W";
inline constexpr const char* firm_b = "91500107MAABCDEF1R";

class FixedRegistry final : public Registry {
 public:
  std::set<std::string, std::less<>> firms = {firm_a, firm_b};
  std::set<std::string, std::less<>> skus = {"gpu.a800"};
  Instant from = parse_instant("2025-01-01T00:00:00+08:00").value();
  bool knows_firm(std::string_view uscc) const override { return firms.contains(uscc); }
  bool knows_sku(std::string_view sku) const override { return skus.contains(sku); }
  Instant accept_from() const override { return from; }
};

/// One event as NDJSON text; `more` are further members of data.
inline std::string event_text(const std::string& id, const std::string& quantity = "1",
                              const std::string& firm = firm_a, const std::string& sku = "gpu.a800",
                              const std::string& time = "2026-03-01T09:00:00+08:00") {
  return R"({"specversion":"1.0","type":"compute.usage.v1","source":"/s","id":")" + id + R"(","subject":")" +
         firm + R"(","time":")" + time + R"(","data":{"sku":")" + sku + R"(","quantity":")" + quantity +
         "\"}}\n";
}

inline std::string correction_text(const std::string& id, const std::string& corrects,
                                   const std::string& quantity, const std::string& firm = firm_a) {
  return R"({"specversion":"1.0","type":"compute.correction.v1","source":"/c","id":")" + id +
         R"(","subject":")" + firm +
         R"(","time":"2026-03-04T10:00:00+08:00","data":{"corrects":{"source":"/s","id":")" + corrects +
         R"("},"quantity":")" + quantity + R"(","reason":"refund"}})" + "\n";
}

/// A journal that has its genesis, on `disk`.
inline std::unique_ptr<Journal> new_journal(const std::string& directory, FullDisk& disk, Instant created) {
  JournalOptions options;
  options.directory = directory;
  options.environment = disk.environment();
  auto journal = Journal::open(options).value();
  const Record first{{1, created, RecordType::genesis, genesis_version},
                     encode_genesis({}, std::string(genesis_secret_bytes, 's'))};
  journal->append({&first, 1}).value();
  return journal;
}

class IngestHarness {
 public:
  explicit IngestHarness(IngestLimits limits = {}) {
    journal = new_journal(dir.path() + "/data", disk, clock.now());
    blocks = std::make_unique<BlockCache>(*journal, 1u << 20);
    sequencer = std::make_unique<Sequencer>(
        Sequencer::Parts{*journal,
                         clock,
                         state,
                         identities,
                         *blocks,
                         registry,
                         7,
                         UtcOffset{480},
                         [this](std::function<void()> task) { loop.post(std::move(task)); },
                         [this](const Record& record, std::shared_ptr<const UsageRecord> usage,
                                std::span<const std::uint64_t>, const RecordProof&) { fold(record, usage); },
                         [this](const Fault& fault) { fatal.push_back(fault); },
                         {}},
        limits);
  }

  std::unique_ptr<IngestBatch> batch_of(const std::string& ndjson) {
    auto batch = std::make_unique<IngestBatch>();
    batch->body = ndjson;
    batch->body.reserve(ndjson.size() + wire::body_padding_bytes);
    batch->decoded = decoder.decode(batch->body, wire::BodyFormat::ndjson).value();
    batch->hash_identities(7);
    return batch;
  }
  /// Submits NDJSON; the reply lands in the returned slot (empty until then).
  std::shared_ptr<std::optional<IngestReply>> submit(const std::string& ndjson, Submitter sender = {}) {
    auto batch = batch_of(ndjson);
    batch->sender = std::move(sender);
    auto reply = std::make_shared<std::optional<IngestReply>>();
    sequencer->submit(std::move(batch), [reply](IngestReply done) {
      if (reply->has_value()) std::abort();  // exactly once
      *reply = std::move(done);
    });
    return reply;
  }
  IngestReply wait(const std::shared_ptr<std::optional<IngestReply>>& reply) {
    loop.run_until([&] { return reply->has_value(); });
    return **reply;
  }
  IngestReply send(const std::string& ndjson, Submitter sender = {}) {
    return wait(submit(ndjson, std::move(sender)));
  }
  UsageRecord stored(Position position) const {
    return UsageRecord::decode(journal->read(position).value().payload, usage_record_version).value();
  }

  TempDir dir;
  FullDisk disk;
  ManualClock clock{parse_instant("2026-03-05T00:00:00+08:00").value()};
  FixedRegistry registry;
  OwnerLoop loop;
  wire::Decoder decoder;
  std::unique_ptr<Journal> journal;
  UsageState state{UtcOffset{480}};
  KnownIdentities identities;
  std::unique_ptr<BlockCache> blocks;
  std::vector<Position> folded;
  std::vector<Fault> fatal;
  std::unique_ptr<Sequencer> sequencer;  // last: its writer uses the rest

 private:
  void fold(const Record& record, const std::shared_ptr<const UsageRecord>& usage) {
    if (journal->last_position() < record.header.position) std::abort();  // durable before it is folded
    folded.push_back(record.header.position);
    if (!usage) return;
    blocks->put(record.header, usage);
    state.apply(
        record.header, *usage, [&](EventOrdinal ordinal, const std::function<void(const EventView&)>& visit) {
          if (ordinal >= usage->first_ordinal) {
            return visit(usage->events.at(static_cast<std::uint32_t>(ordinal - usage->first_ordinal)));
          }
          const EventPlace place = state.place_of(ordinal);
          visit(blocks->get(place.position)->events.at(place.index));
        });
  }
};

}  // namespace voucherd::testing
