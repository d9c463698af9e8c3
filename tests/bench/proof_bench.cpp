// What proofs cost per event and per record: the bytes of events and their hashes by firm and month, the leaf
// of a record, the links of the chains. Groups are of the sizes that a trickle and a busy writer make.
#include <numeric>

#include <benchmark/benchmark.h>

#include "metering/proof/record_proof.h"
#include "metering/proof/tree.h"
#include "tests/metering/state/sample_events.h"

namespace voucherd {
namespace {

constexpr UtcOffset offset{480};

UsageRecord record_of(std::int64_t count) {
  test::Random random(1);
  UsageRecord record;
  for (std::int64_t i = 0; i < count; ++i) {
    record.events.append(test::ordinary_event(random, test::sample_start_ms + i).view());
  }
  return record;
}

RecordHeader header_at(Position position) { return {position, {}, RecordType::usage, usage_record_version}; }

/// What the writer's thread does beside encoding.
void prove(benchmark::State& state) {
  const UsageRecord record = record_of(state.range(0));
  const std::string payload = record.encode();
  RecordProver prover(offset);
  std::size_t steps = 0;
  for (auto _ : state) steps = prover.prove(header_at(2), payload, record.events, {}).value().steps.size();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["chains"] = static_cast<double>(steps);
}
BENCHMARK(prove)->Arg(1)->Arg(100)->Arg(1'000)->Arg(8'000)->Arg(60'000);

/// The part of it that is the leaf.
void leaf(benchmark::State& state) {
  const std::string payload = record_of(state.range(0)).encode();
  RecordProver prover(offset);
  for (auto _ : state) benchmark::DoNotOptimize(prover.prove(header_at(2), payload));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(leaf)->Arg(1)->Arg(8'000);

void event_bytes(benchmark::State& state) {
  const UsageRecord record = record_of(8'000);
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    for (std::uint32_t row = 0; row < record.events.size(); ++row) {
      append_event_bytes(bytes, record.events.at(row), row);
    }
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetItemsProcessed(state.iterations() * 8'000);
  state.counters["bytes_per_event"] = static_cast<double>(bytes.size()) / 8'000;
}
BENCHMARK(event_bytes);

/// What the owner's thread does.
void fold(benchmark::State& state) {
  const UsageRecord record = record_of(state.range(0));
  const auto proof = RecordProver(offset).prove(header_at(2), record.encode(), record.events, {}).value();
  std::vector<std::uint32_t> firms(record.events.subjects().size());
  std::iota(firms.begin(), firms.end(), 0U);
  Chains chains;
  MerkleTree tree;
  for (auto _ : state) {
    extend(chains, tree.size() + 1, record.events, proof.steps, firms);
    tree.append(proof.leaf);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(fold)->Arg(1)->Arg(1'000)->Arg(8'000);

}  // namespace
}  // namespace voucherd
