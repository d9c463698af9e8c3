// Checkpoints under any bytes. The first byte picks: the file, of which the harness makes the checksum good,
// or the part of it that holds the state of usage. Beyond "no crash":
//   - a file is good as a whole or passed over;
//   - a state that loads is saved, and loads again to the same bytes.
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

void read_state(std::string_view bytes) {
  std::string_view in = bytes;
  const auto state = UsageState::load(in);
  if (!state) {
    VOUCHERD_ASSERT(state.error().code == "checkpoint_damaged");
    return;
  }
  std::string saved;
  state->save(saved);
  std::string_view rest = saved;
  const auto again = UsageState::load(rest);
  VOUCHERD_ASSERT(again.has_value() && rest.empty());
  std::string saved_again;
  again->save(saved_again);
  VOUCHERD_ASSERT(saved_again == saved);
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
