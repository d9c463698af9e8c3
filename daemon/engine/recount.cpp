// One pass over the journal: usage goes to the recount, facts and closes to a ledger; and what the newest
// checkpoint does not have is folded behind it, for the daemon's own totals.
#include "daemon/engine/recount.h"

#include <time.h>

#include "billing/ledger/ledger.h"
#include "metering/core/assert.h"
#include "metering/state/block_cache.h"
#include "metering/state/checkpoint.h"
#include "metering/state/recount.h"
#include "metering/state/usage_state.h"

namespace voucherd {

namespace {

constexpr std::size_t event_cache_bytes = 64u << 20;

double cpu_seconds() {
  timespec now{};
  VOUCHERD_ASSERT(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
  constexpr double nanoseconds_per_second = 1e9;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / nanoseconds_per_second;
}

class RecountOfJournal {
 public:
  RecountOfJournal(const Journal& journal, const Genesis& genesis, const std::string& directory)
      : journal_(journal),
        blocks_(journal, event_cache_bytes),
        recount_(genesis.offset),
        folded_(genesis.offset),
        no_usage_(genesis.offset),
        ledger_({{genesis.provider_name, genesis.provider_uscc}, genesis.currency, genesis.offset},
                no_usage_) {
    const auto checkpoint = CheckpointStore(directory + "/checkpoints").load_newest(journal.last_position());
    if (!checkpoint) return;
    const auto section = checkpoint->sections.find("usage");
    if (section == checkpoint->sections.end()) return;
    std::string_view bytes = section->second;
    auto loaded = UsageState::load(bytes);
    if (!loaded || loaded->last_position() > checkpoint->position) return;
    folded_ = std::move(*loaded);
    folded_to_ = checkpoint->position;
  }

  Result<RecountReport> run() {
    const double started = cpu_seconds();
    if (auto read = journal_.scan(1, [this](Record&& record) { return take(record); }); !read) {
      return read.error();
    }
    recount_.correct([this](EventPlace place, const std::function<void(const EventView&)>& visit) {
      blocks_.visit(place, [&](const EventView& event, Instant) { visit(event); });
    });
    report_.seconds = cpu_seconds() - started - fold_seconds_;
    rate();
    report_.charge_seconds = cpu_seconds() - started - fold_seconds_ - report_.seconds;
    compare();
    report_.last_position = journal_.last_position();
    report_.events = recount_.events();
    report_.corrections = recount_.corrections();
    return report_;
  }

 private:
  Result<void> take(const Record& record) {
    switch (record.header.type) {
      case RecordType::usage:
        if (auto added = recount_.add(record.header, record.payload); !added) return added;
        return record.header.position > folded_to_ ? fold(record) : Result<void>();
      case RecordType::facts:
      case RecordType::close:
        ledger_.apply(record, {});
        return {};
      case RecordType::genesis:
      case RecordType::quarantine_dismissed:
      case RecordType::token:
        return {};
    }
    return Fault{"record_damaged", "a record of a type that this program does not know"};
  }

  Result<void> fold(const Record& record) {
    const double started = cpu_seconds();
    const auto usage = UsageRecord::decode(record.payload, record.header.version);
    if (!usage) return usage.error();
    folded_.apply(record.header, *usage, [&](EventOrdinal ordinal, const auto& visit) {
      blocks_.visit(folded_.place_of(ordinal), [&](const EventView& event, Instant) { visit(event); });
    });
    fold_seconds_ += cpu_seconds() - started;
    return {};
  }

  void rate() {
    for (const FirmId& firm : recount_.totals().firms()) {
      const auto rated = billing::rate_usage(firm, recount_.totals().of(firm), ledger_.facts());
      ++report_.firms;
      report_.charges += rated.charges.size();
      for (const auto& [key, charge] : rated.charges) {
        report_.net += charge.figures.net;
        report_.tax += charge.figures.tax;
        report_.gross += charge.figures.gross;
      }
    }
  }

  void compare() {
    std::string recounted, folded;
    recount_.totals().save(recounted);
    folded_.totals().save(folded);
    if (recounted != folded) {
      report_.differences.emplace_back("the usage totals differ from those of the daemon");
    }
    if (folded_.accepted_quantity() != recount_.totals().sum()) {
      report_.differences.emplace_back("the accepted quantity differs from the sum of the usage totals");
    }
  }

  const Journal& journal_;
  BlockCache blocks_;
  Recount recount_;
  UsageState folded_;  // the daemon's own
  Position folded_to_ = 0;
  const UsageState no_usage_;  // what the ledger has of usage: it is asked for facts alone
  billing::Ledger ledger_;
  double fold_seconds_ = 0;
  RecountReport report_;
};

}  // namespace

Result<RecountReport> recount_directory(const std::string& directory) {
  const auto journal = Journal::open_read_only({directory});
  if (!journal) return journal.error();
  const auto first = (*journal)->read(1);
  if (!first) return first.error();
  const auto genesis = decode_genesis(first->header.version, first->payload);
  if (!genesis) return genesis.error();
  return RecountOfJournal(**journal, *genesis, directory).run();
}

}  // namespace voucherd
