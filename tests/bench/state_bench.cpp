// What the state costs per event: columns, their bytes, the index of identities, the totals.
// Groups are of the size that a busy writer makes: 4,000 to 8,000 events.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <thread>

#include "metering/state/known_identities.h"
#include "metering/state/stored_rows.h"
#include "metering/state/totals.h"
#include "metering/state/usage_record.h"
#include "metering/state/usage_state.h"
#include "tests/metering/state/sample_events.h"
#include "tests/support/temp_dir.h"

namespace voucherd {
namespace {

std::vector<test::SampleEvent> ordinary_events(std::int64_t count) {
  test::Random random(1);
  std::vector<test::SampleEvent> events;
  for (std::int64_t i = 0; i < count; ++i) {
    events.push_back(test::ordinary_event(random, test::sample_start_ms + i));
  }
  return events;
}

UsageRecord record_of(const std::vector<test::SampleEvent>& events) {
  UsageRecord record;
  for (const test::SampleEvent& event : events) record.events.append(event.view());
  return record;
}

void count_events(benchmark::State& state, std::int64_t per_iteration) {
  state.SetItemsProcessed(state.iterations() * per_iteration);
}

void append(benchmark::State& state) {
  const auto events = ordinary_events(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(record_of(events));
  count_events(state, state.range(0));
}
BENCHMARK(append)->Arg(100)->Arg(6'000);

void encode(benchmark::State& state) {
  const UsageRecord record = record_of(ordinary_events(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = record.encode().size();
  count_events(state, state.range(0));
  state.counters["bytes_per_event"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(encode)->Arg(10)->Arg(100)->Arg(4'000)->Arg(8'000);

void decode(benchmark::State& state) {
  const std::string bytes = record_of(ordinary_events(state.range(0))).encode();
  for (auto _ : state) benchmark::DoNotOptimize(UsageRecord::decode(bytes, usage_record_version));
  count_events(state, state.range(0));
}
BENCHMARK(decode)->Arg(100)->Arg(4'000)->Arg(8'000);

/// What it takes to tell that an event is the one stored at a row, the record in memory.
void stored_row(benchmark::State& state) {
  const UsageRecord record = record_of(ordinary_events(4'000));
  const std::string bytes = record.encode();
  Dictionary names;
  const auto rows = StoredRows::of(bytes, usage_record_version, names);
  std::uint32_t row = 0;
  for (auto _ : state) {
    row = (row + 1'237) % 4'000;
    if (!rows->holds(row, record.events.at(row), names, bytes)) state.SkipWithError("it is not told");
  }
  count_events(state, 1);
}
BENCHMARK(stored_row);

void hash_identity(benchmark::State& state) {
  const auto events = ordinary_events(6'000);
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const auto& event : events) sum += identity_hash(event.source, event.id, 7);
    benchmark::DoNotOptimize(sum);
  }
  count_events(state, std::ssize(events));
}
BENCHMARK(hash_identity);

void identity_insert(benchmark::State& state) {
  for (auto _ : state) {
    test::Random random(1);
    IdentityIndex index;
    for (std::int64_t i = 0; i < state.range(0); ++i) index.insert(random(), static_cast<EventOrdinal>(i));
    state.counters["bytes_per_identity"] =
        static_cast<double>(index.memory_bytes()) / static_cast<double>(state.range(0));
  }
  count_events(state, state.range(0));
}
BENCHMARK(identity_insert)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

/// Looks up new identities as ingest does: the slots of a batch are asked for ahead.
void identity_find(benchmark::State& state) {
  test::Random random(1);
  IdentityIndex index;
  for (std::int64_t i = 0; i < state.range(0); ++i) index.insert(random(), static_cast<EventOrdinal>(i));
  constexpr std::size_t batch = 1'000, ahead = 16;
  std::vector<std::uint64_t> hashes(batch);
  std::uint64_t found = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t& hash : hashes) hash = random();
    state.ResumeTiming();
    for (std::size_t i = 0; i < batch; ++i) {
      index.prefetch(hashes[std::min(i + ahead, batch - 1)]);
      found += index.find(hashes[i], [](EventOrdinal) { return true; }) ? 1u : 0u;
    }
  }
  benchmark::DoNotOptimize(found);
  count_events(state, batch);
}
BENCHMARK(identity_find)->Arg(10'000'000);

/// So many identities; the argument is how many of the filter's bits each one has.
void identity_filter_ask(benchmark::State& state) {
  constexpr std::int64_t identities = 10'000'000;
  test::Random random(1);
  IdentityFilter filter(static_cast<std::uint64_t>(identities * state.range(0) / 8));
  for (std::int64_t i = 0; i < identities; ++i) filter.add(HashBits::of(random()));
  constexpr std::size_t batch = 1'000, ahead = 16;
  std::vector<HashBits> asked(batch);
  std::uint64_t positives = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (HashBits& bits : asked) bits = HashBits::of(random());
    state.ResumeTiming();
    for (std::size_t i = 0; i < batch; ++i) {
      filter.prefetch(asked[std::min(i + ahead, batch - 1)]);
      positives += filter.may_hold(asked[i]) ? 1U : 0U;
    }
  }
  count_events(state, batch);
  state.counters["false_positives_percent"] =
      100 * static_cast<double>(positives) / static_cast<double>(state.iterations() * std::int64_t{batch});
}
BENCHMARK(identity_filter_ask)->Arg(6)->Arg(10)->Arg(16);

/// Ten million identities with memory for a tenth of them; the argument: are those asked for known?
struct OnDisk {
  testing::TempDir dir;
  IdentityBudget budget{0, 1'000'000, 1'000'000, 10'000'000 * 10 / 8, 1U << 20};
  KnownIdentities known{budget, dir.path() + "/runs", 7};

  OnDisk() {
    test::Random random(1);
    for (EventOrdinal ordinal = 0; ordinal < 10'000'000; ++ordinal) {
      while (known.room_for(1) != KnownIdentities::Room::yes) std::this_thread::yield();
      known.insert(random(), ordinal);
      if (ordinal % 1'000 == 999) known.durable(ordinal + 1);
    }
  }
};

void identity_insert_and_spill(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(OnDisk().known.size());
  count_events(state, 10'000'000);
}
BENCHMARK(identity_insert_and_spill)->Unit(benchmark::kMillisecond)->Iterations(1);

void identity_find_on_disk(benchmark::State& state) {
  const OnDisk disk;
  const bool known_ones = state.range(0) != 0;
  constexpr std::size_t batch = 1'000, ahead = 16;
  std::vector<std::uint64_t> hashes(batch);
  test::Random random(known_ones ? 1 : 2);
  std::uint64_t found = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::uint64_t& hash : hashes) hash = random();
    state.ResumeTiming();
    for (std::size_t i = 0; i < batch; ++i) {
      disk.known.prefetch(hashes[std::min(i + ahead, batch - 1)]);
      found += disk.known.find(hashes[i], [](EventOrdinal) { return true; }) ? 1U : 0U;
    }
  }
  count_events(state, batch);
  const auto asked = static_cast<double>(state.iterations() * std::int64_t{batch});
  state.counters["found_percent"] = 100 * static_cast<double>(found) / asked;
  state.counters["reads_percent"] = 100 * static_cast<double>(disk.known.figures().disk_lookups) / asked;
}
BENCHMARK(identity_find_on_disk)->ArgName("known")->Arg(0)->Arg(1)->Iterations(1'000);

/// As a start does with the hashes of its checkpoint.
void identity_load(benchmark::State& state) {
  test::Random random(1);
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(state.range(0)));
  for (std::uint64_t& hash : hashes) hash = random();
  for (auto _ : state) {
    KnownIdentities known;
    known.expect(hashes.size());
    known.load(hashes, 0).value();
    state.counters["bytes_per_identity"] =
        static_cast<double>(known.memory_bytes()) / static_cast<double>(hashes.size());
  }
  count_events(state, state.range(0));
}
BENCHMARK(identity_load)->Arg(10'000'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void totals_add(benchmark::State& state) {
  test::Random random(1);
  Totals totals;
  struct Addition {
    std::uint32_t firm, sku, project;
    LocalDay day;
  };
  std::vector<Addition> additions(1'000'000);
  for (Addition& a : additions) {
    a = {totals.firm_number(std::to_string(test::between(random, 1, 1'000))),
         totals.sku_number(std::to_string(test::between(random, 1, 40))),
         totals.project_number(std::to_string(test::between(random, 1, 8))),
         LocalDay{static_cast<std::int32_t>(test::between(random, 20'000, 20'000 + state.range(0) - 1))}};
  }
  for (auto _ : state) {
    for (const Addition& a : additions) totals.add(a.firm, a.day, a.sku, a.project, Quantity{1'000'000});
  }
  count_events(state, std::ssize(additions));
}
BENCHMARK(totals_add)->Arg(1)->Arg(30)->Unit(benchmark::kMillisecond);

void fold_record(benchmark::State& state) {
  UsageRecord record = record_of(ordinary_events(state.range(0)));
  UsageState usage(UtcOffset{});
  RecordHeader header{
      .position = 1, .intake_time = {test::sample_start_ms}, .type = RecordType::usage, .version = 1};
  for (auto _ : state) {
    ++header.position;
    record.first_ordinal = usage.events();
    usage.apply(header, record, {});
  }
  count_events(state, state.range(0));
}
BENCHMARK(fold_record)->Arg(100)->Arg(6'000);

}  // namespace
}  // namespace voucherd
