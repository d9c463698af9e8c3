// What stored events cost afterwards: fills a data directory with as many as wanted, straight into the
// journal (so that weeks of a trickle take seconds), and then measures on it. One JSON line per measurement:
//
//   stored_driver fill DIR --events 100000000   a busy centre, some thousand events a record
//   stored_driver fill DIR --events 10000000 --events-per-record 1      a trickle
//   stored_driver start DIR       opening as after a crash; saves a checkpoint when it stops
//   stored_driver line DIR        the events behind one statement line
//   stored_driver statement DIR   open statements of firms, one after another
//   stored_driver duplicates DIR  rate of ingest without and with 10 % duplicates of old events
//
// --identity-bytes before the measurement's name: memory.identity_bytes_max.
// The tail of a crash: fill, start, fill some more, start. `voucherctl journal recount DIR` adds it all up
// again.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "daemon/engine/engine.h"
#include "daemon/engine/recount.h"
#include "metering/core/ids.h"
#include "metering/state/event_columns.h"
#include "tests/support/owner_loop.h"

namespace voucherd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

constexpr int firms = 1'000, skus = 40, sources = 500;
constexpr std::int64_t month_start_ms = 1'772'294'400'000;  // 2026-03-01T00:00:00+08:00
constexpr std::int64_t month_ms = 31 * 86'400'000LL;
constexpr std::int64_t intake_ms = month_start_ms + 40 * 86'400'000LL;

[[noreturn]] void fail(const std::string& what) {
  std::cerr << what << '\n';
  std::exit(1);
}

template <class Value>
Value value_of(Result<Value> result) {
  if (!result) fail(result.error().code + ": " + result.error().detail);
  return std::move(*result);
}

/// Of this thread: a statement is made on one.
double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_since(SteadyClock::time_point start) { return Seconds(SteadyClock::now() - start).count(); }

std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string firm_code(int number) {
  char body[18];
  std::snprintf(body, sizeof body, "91500000MA5%06d", number);
  for (const char check : std::string("0123456789ABCDEFGHJKLMNPQRTUWXY")) {
    if (std::string code = std::string(body, 17) + check; is_uscc(code)) return code;
  }
  fail("no check character fits");
}

/// The event of a number, always the same; the month goes on with the numbers up to `whole`.
class Events {
 public:
  explicit Events(std::uint64_t whole) : whole_(whole) {
    for (int i = 0; i < firms; ++i) firms_.push_back(firm_code(i));
    for (int i = 0; i < skus; ++i) skus_.push_back("gpu.model-" + std::to_string(10 + i));
    for (int i = 0; i < sources; ++i) sources_.push_back("/centre/rongzhi/slurm-" + std::to_string(100 + i));
  }
  const std::string& firm(std::size_t i) const { return firms_[i]; }
  const std::string& sku(std::size_t i) const { return skus_[i]; }

  /// Valid until the next call.
  const EventView& at(std::uint64_t number) {
    const std::uint64_t r = mix(number);
    const std::uint64_t words[2] = {mix(r), mix(~r)};
    for (std::size_t digit = 0; digit < sizeof id_; ++digit) {
      id_[digit] = "0123456789abcdef"[(words[digit / 16] >> (digit % 16 * 4)) & 15];
    }
    const auto along = static_cast<std::int64_t>(static_cast<UInt128>(number % whole_) * month_ms / whole_);
    const std::int64_t end = month_start_ms + along / 60'000 * 60'000;
    view_.source = sources_[r % sources];
    view_.id = {id_, sizeof id_};
    view_.subject = firms_[(r >> 16) % firms];
    view_.sku = skus_[(r >> 32) % skus];
    view_.project = "agent";
    view_.quantity = Quantity{static_cast<Int128>((r >> 40) % 800 + 1) * 10'000'000};
    view_.start = Instant{end};
    view_.end = Instant{end + 3'600'000};
    view_.time = view_.end;
    return view_;
  }

 private:
  std::uint64_t whole_;
  std::vector<std::string> firms_, skus_, sources_;
  char id_[24] = {};
  EventView view_;
};

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{intake_ms}; }
};

/// An engine on the directory, with a thread's loop around it.
std::uint64_t identity_bytes_max = config::Options().identity_bytes_max;  // an option of the program

struct Daemon {
  explicit Daemon(const std::string& directory) {
    options.directory = directory;
    options.identity_bytes_max = identity_bytes_max;
    engine = value_of(Engine::open(
        options, clock, [this](std::function<void()> task) { loop.post(std::move(task)); },
        [](const Fault& fault) { fail(fault.detail); }));
  }
  ~Daemon() {
    bool drained = false;
    engine->drain([&] { drained = true; });
    loop.run_until([&] { return drained; });
  }
  config::Options options;
  FixedClock clock;
  testing::OwnerLoop loop;
  std::unique_ptr<Engine> engine;
};

void register_facts(Daemon& daemon, const Events& events) {
  std::vector<billing::FactChange> changes;
  Json prices;
  for (std::size_t i = 0; i < skus; ++i) {
    changes.push_back({billing::FactKind::sku,
                       events.sku(i),
                       {{"name", "GPU"}, {"unit", "card_hour"}, {"kind", "compute"}, {"tax_rate", "0.06"}}});
    prices[events.sku(i)] = "8.50";
  }
  changes.push_back({billing::FactKind::price_book,
                     "2026",
                     {{"effective_from", "2026-01-01"}, {"tax_inclusive", false}, {"prices", prices}}});
  for (std::size_t i = 0; i < firms; ++i) {
    changes.push_back({billing::FactKind::firm, events.firm(i), {{"name", "f"}, {"district", "d"}}});
  }
  bool done = false;
  daemon.engine->change_facts(std::move(changes), {"local", "driver"}, "", std::nullopt, [&](auto reply) {
    if (reply.refusal) fail(reply.refusal->detail);
    done = true;
  });
  daemon.loop.run_until([&] { return done; });
}

/// How many events the journal has: what its last usage record says.
std::uint64_t events_in(const Journal& journal) {
  for (Position position = journal.last_position(); position > 1; --position) {
    const Record record = value_of(journal.read(position));
    if (record.header.type != RecordType::usage) continue;
    const auto columns = value_of(EventColumns::open(record.payload, record.header.version));
    return columns.first_ordinal() + columns.size();
  }
  return 0;
}

double bytes_on_disk(const std::string& directory) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

void fill(const std::string& directory, std::uint64_t wanted, std::uint32_t per_record, std::uint64_t whole) {
  Events events(whole);
  if (!fs::exists(directory + "/database")) {
    Daemon daemon(directory);
    register_facts(daemon, events);
  }
  const auto start = SteadyClock::now();
  const auto journal = value_of(Journal::open({directory}));
  std::uint64_t number = events_in(*journal);
  const std::uint64_t end = number + wanted;
  constexpr std::size_t payload_bytes = 4u << 20;  // in one append
  std::vector<Record> records;
  std::size_t bytes = 0;
  Position position = journal->last_position();
  while (number < end) {
    UsageRecord usage;
    usage.first_ordinal = number;
    for (std::uint32_t i = 0; i < per_record && number < end; ++i) usage.events.append(events.at(number++));
    records.push_back({{++position, Instant{intake_ms + static_cast<std::int64_t>(position) * 5},
                        RecordType::usage, usage_record_version},
                       usage.encode()});
    bytes += records.back().payload.size();
    if (bytes < payload_bytes && number < end) continue;
    if (auto appended = journal->append(records); !appended) fail(appended.error().detail);
    records.clear();
    bytes = 0;
  }
  std::cout << Json{{"filled", end}, {"seconds", seconds_since(start)}} << std::endl;
}

void start(const std::string& directory) {
  const auto began = SteadyClock::now();
  Daemon daemon(directory);
  const double seconds = seconds_since(began);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto events = static_cast<double>(daemon.engine->usage().events());
  std::cout << Json{{"start_seconds", seconds},
                    {"events", events},
                    {"bytes_per_event", bytes_on_disk(directory) / events},
                    {"peak_memory_mib", usage.ru_maxrss / 1024}}
            << std::endl;
}

void line(const std::string& directory) {
  Daemon daemon(directory);
  const Events events(1);
  const DayRun month{local_day(Instant{month_start_ms}, UtcOffset{480}),
                     local_day(Instant{month_start_ms + month_ms - 1}, UtcOffset{480})};
  for (std::size_t round = 0; round < 5; ++round) {
    const auto began = SteadyClock::now();
    std::uint64_t found = 0;
    Position from = 1;
    while (const auto next = daemon.engine->next_candidate(from, events.firm(round * 7), month)) {
      daemon.engine->visit_record(*next, 0, events.firm(round * 7), events.sku(round * 3),
                                  [&](const EventView&, EventPlace, Instant, std::optional<EventOrdinal>) {
                                    ++found;
                                    return true;
                                  });
      from = *next + 1;
    }
    std::cout << Json{{"line_seconds", seconds_since(began)}, {"events", found}} << std::endl;
  }
}

void statement(const std::string& directory) {
  Daemon daemon(directory);
  const Events events(1);
  const Month month = month_of(local_day(Instant{month_start_ms}, UtcOffset{480}));
  std::vector<double> micros;
  for (std::size_t i = 0; i < 200; ++i) {
    const double began = thread_cpu_seconds();
    const auto shown = daemon.engine->ledger().open_statement(month, FirmId(events.firm(i)));
    if (!shown || to_canonical_json(*shown).empty()) fail("no statement");
    micros.push_back((thread_cpu_seconds() - began) * 1e6);
  }
  std::sort(micros.begin(), micros.end());
  std::cout << Json{{"statement_micros_median", micros[micros.size() / 2]}, {"max", micros.back()}}
            << std::endl;
}

void recount(const std::string& directory) {
  const auto report = value_of(recount_directory(directory));
  for (const auto& difference : report.differences) fail(difference);
  const auto events = static_cast<double>(report.events);
  std::cout << Json{{"recount_events_per_cpu_second", events / (report.seconds + report.charge_seconds)},
                    {"seconds", report.seconds},
                    {"charge_seconds", report.charge_seconds},
                    {"charges", report.charges}}
            << std::endl;
}

/// Events for a request as NDJSON.
std::string body_of(Events& events, const std::vector<std::uint64_t>& numbers) {
  std::string body;
  for (const std::uint64_t number : numbers) {
    const EventView& event = events.at(number);
    const Json shown{{"specversion", "1.0"},
                     {"type", "compute.usage.v1"},
                     {"source", event.source},
                     {"id", event.id},
                     {"subject", event.subject},
                     {"time", format_instant(*event.time, UtcOffset{480})},
                     {"data",
                      {{"sku", event.sku},
                       {"quantity", to_string(event.quantity)},
                       {"start", format_instant(*event.start, UtcOffset{480})},
                       {"end", format_instant(*event.end, UtcOffset{480})},
                       {"project", event.project}}}};
    body += shown.dump() + "\n";
  }
  return body;
}

void duplicates(const std::string& directory, std::uint64_t whole) {
  Daemon daemon(directory);
  Events events(whole);
  const std::uint64_t stored = daemon.engine->usage().events();
  std::uint64_t fresh = stored;
  for (const unsigned percent : {0u, 10u, 0u, 10u}) {
    constexpr int requests = 400, events_each = 1'000;
    std::vector<std::string> bodies;
    for (int i = 0; i < requests; ++i) {
      std::vector<std::uint64_t> numbers;
      for (std::uint64_t n = 0; n < events_each; ++n) {
        const bool old = mix(fresh + n) % 100 < percent;
        numbers.push_back(old ? mix(fresh * 31 + n) % stored : fresh++);
      }
      bodies.push_back(body_of(events, numbers));
    }
    const auto began = SteadyClock::now();
    int answered = 0;
    std::uint64_t accepted = 0, known = 0;
    for (auto& body : bodies) {
      daemon.engine->ingest(std::move(body), wire::BodyFormat::ndjson, "", {"local", "bench"},
                            [&](auto reply) {
                              if (!reply || reply->outcome != IngestReply::Outcome::done) fail("refused");
                              accepted += reply->accepted;
                              known += reply->duplicate;
                              ++answered;
                            });
      constexpr int in_flight = 8;
      daemon.loop.run_until([&, sent = &body - bodies.data() + 1] { return answered + in_flight >= sent; });
    }
    daemon.loop.run_until([&] { return answered == requests; });
    const IdentityFigures identities = daemon.engine->identity_figures();
    std::cout << Json{{"duplicates_percent", percent},
                      {"events_per_second", requests * events_each / seconds_since(began)},
                      {"accepted", accepted},
                      {"duplicate", known},
                      {"ids_in_memory", identities.in_memory},
                      {"ids_on_disk", identities.on_disk},
                      {"identity_memory_bytes", identities.memory_bytes}}
              << std::endl;
  }
}

}  // namespace
}  // namespace voucherd

int main(int argc, char** argv) {
  CLI::App app("Measures on a directory of stored events");
  app.require_subcommand(1);
  app.add_option("--identity-bytes", voucherd::identity_bytes_max);
  std::string directory;
  std::uint64_t events = 1'000'000, whole = 100'000'000;
  std::uint32_t per_record = 5'000;
  const auto command = [&](const char* name, const char* what) {
    auto* added = app.add_subcommand(name, what);
    added->add_option("DIR", directory)->required();
    added->add_option("--month-events", whole, "Events over which the month of usage is spread");
    return added;
  };
  auto* fill = command("fill", "Append events to the journal");
  fill->add_option("--events", events);
  fill->add_option("--events-per-record", per_record);
  fill->callback([&] { voucherd::fill(directory, events, per_record, whole); });
  command("start", "Open the directory")->callback([&] { voucherd::start(directory); });
  command("line", "The events behind one line")->callback([&] { voucherd::line(directory); });
  command("recount", "Add up and rate again")->callback([&] { voucherd::recount(directory); });
  command("statement", "Open statements")->callback([&] { voucherd::statement(directory); });
  command("duplicates", "Ingest with duplicates of old events")->callback([&] {
    voucherd::duplicates(directory, whole);
  });
  CLI11_PARSE(app, argc, argv);
}
