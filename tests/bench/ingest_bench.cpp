// What ingest does with an event whose bytes are read: judging it alone, and all of it (identity, judgement,
// columns) as the owner thread does.
#include <benchmark/benchmark.h>

#include "metering/ingest/group_filler.h"
#include "tests/bench/driver/events.h"
#include "tests/metering/ingest/ingest_harness.h"

namespace voucherd {
namespace {

constexpr std::size_t batch_events = 1'000;
constexpr std::uint64_t seed = 7;

void register_all(testing::FixedRegistry& registry) {
  for (int i = 0; i < bench::firms; ++i) registry.firms.insert(bench::firm_code(i));
  for (int i = 0; i < bench::skus; ++i) registry.skus.insert(bench::sku_name(i));
}

std::unique_ptr<IngestBatch> batch_of(testing::IngestHarness& harness, const bench::Events& events,
                                      bench::EventNumber first) {
  std::string body;
  for (std::size_t i = 0; i < batch_events; ++i) body += events.text(bench::json_form(), first + i) + "\n";
  return harness.batch_of(body);
}

void judge(benchmark::State& state) {
  testing::IngestHarness harness;
  register_all(harness.registry);
  const bench::Events events(1'000'000);
  const auto batch = batch_of(harness, events, 0);
  Judge judge(harness.registry, UtcOffset{480});
  for (auto _ : state) {
    for (const wire::Item& item : batch->decoded.items) {
      if (judge.usage(item.event, harness.clock.now())) state.SkipWithError("an event was refused");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_events));
}
BENCHMARK(judge);

/// New events all the time: a group of four batches is taken back before the next, so that the index of
/// identities stays as small as it is in the guard.
void fill(benchmark::State& state) {
  testing::IngestHarness harness;
  register_all(harness.registry);
  const bench::Events events(1'000'000);
  const Sequencer::Parts parts{*harness.journal,
                               harness.clock,
                               harness.state,
                               harness.identities,
                               *harness.blocks,
                               harness.registry,
                               seed,
                               UtcOffset{480},
                               {},
                               {},
                               {},
                               {}};
  GroupFiller filler(parts);
  std::vector<std::unique_ptr<IngestBatch>> batches;
  for (std::size_t i = 0; i < 4; ++i) batches.push_back(batch_of(harness, events, i * batch_events));
  for (auto _ : state) {
    std::uint64_t accepted = 0;
    for (const auto& batch : batches) accepted += filler.fill(*batch).accepted;
    if (accepted != batches.size() * batch_events) state.SkipWithError("an event was refused");
    state.PauseTiming();
    filler.take_back_all();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batches.size() * batch_events));
}
BENCHMARK(fill);

}  // namespace
}  // namespace voucherd
