// Checkpoints under any bytes. The first byte picks: the file, of which the harness makes the checksum good,
// or the part of it that holds the state of usage. Beyond "no crash":
//   - a file is good as a whole or passed over;
//   - a state loads from what save() wrote and from nothing else;
//   - a state that was loaded can be shown, and goes on with the next record.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "metering/core/assert.h"
#include "metering/journal/checksum.h"
#include "metering/journal/encoding.h"
#include "metering/state/checkpoint.h"
#include "metering/state/usage_state.h"

namespace {

using namespace voucherd;
namespace fs = std::filesystem;

/// A folder in memory, for as long as the program runs.
class Folder {
 public:
  Folder() {
    char name[] = "/dev/shm/voucherd-fuzz-XXXXXX";
    VOUCHERD_ASSERT(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void read_file(std::string_view body) {
  static const Folder folder;
  std::string bytes(body);
  put_little_endian(bytes, checksum64(body));
  std::ofstream(folder.path() + "/checkpoint-00000000000000000001", std::ios::binary | std::ios::trunc)
      << bytes;
  const CheckpointStore store(folder.path());
  const auto all = store.load_all();
  VOUCHERD_ASSERT(all.size() <= 1);
  if (all.empty()) return;
  std::size_t content = 0;
  for (const auto& [name, section] : all.front().sections) content += name.size() + section.size();
  VOUCHERD_ASSERT(content < body.size());
}

UsageRecord next_record(const UsageState& state) {
  UsageRecord record;
  record.first_ordinal = state.events();
  EventView event;
  event.source = "/s";
  event.id = "1";
  event.subject = "91500000MA5U00000W";
  event.sku = "g";
  event.time = Instant{};
  event.quantity.nanos = 1;
  record.events.append(event);
  record.quarantined.emplace_back();
  return record;
}

void show(const UsageState& state) {
  if (state.events() > 0) {
    VOUCHERD_ASSERT(state.place_of(state.events() - 1).position <= state.last_position());
  }
  for (const FirmId& firm : state.totals().firms()) {
    for (const UsageTotal& total : state.totals().of(firm, LocalDay{0}, local_day_max)) {
      (void)to_string(total.day);
    }
  }
  for (const auto& [source, figures] : state.sources()) {
    (void)(format_instant(figures.last_usage, UtcOffset{480}) +
           format_instant(figures.last_arrival, UtcOffset{}));
  }
  state.quarantine().visit({}, [](const QuarantineEntry& entry) {
    (void)format_instant(entry.received_at, UtcOffset{480});
    return true;
  });
}

void go_on(UsageState& state) {
  RecordHeader header;
  header.position = state.last_position() + 1;
  const UsageRecord record = next_record(state);
  state.apply(header, record, {});
  VOUCHERD_ASSERT(state.events() == record.first_ordinal + 1 && state.last_position() == header.position);
}

void read_state(std::string_view bytes) {
  std::string_view in = bytes;
  auto state = UsageState::load(in);
  if (!state) {
    VOUCHERD_ASSERT(state.error().code == "checkpoint_damaged");
    return;
  }
  std::string saved;
  state->save(saved);
  VOUCHERD_ASSERT(bytes.substr(0, bytes.size() - in.size()) == saved);
  show(*state);
  go_on(*state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 8 == 0) {
    read_file(body);
  } else {
    read_state(body);
  }
  return 0;
}
