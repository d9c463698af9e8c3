// FILE.voucherctl-resume: how far a file has been acknowledged, so that an interrupted
// `events send` need not begin again. It only saves time: sending twice is always safe, so
// whatever does not fit together (another server, a changed file) means "from the beginning".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "metering/core/result.h"

namespace voucherd::ctl {

/// How much of the acknowledged part's end is hashed.
inline constexpr std::uint64_t resume_block_bytes = 64U << 10U;

/// Where to go on. One acknowledged batch lies behind it: it is sent again first, and a server that
/// takes it for new (the data directory was replaced) is given the whole file.
struct ResumePoint {
  std::string server;          // another server knows nothing of what this one acknowledged
  std::uint64_t offset = 0;    // every byte before it, and the batch behind it, are acknowledged
  std::uint64_t lines = 0;     // lines before it
  std::uint64_t position = 0;  // the journal position that covers them
  friend bool operator==(const ResumePoint&, const ResumePoint&) = default;
};

class ResumeFile {
 public:
  explicit ResumeFile(std::string events_file);

  /// The point that was kept for `server`, if it fits the file as it is now.
  std::optional<ResumePoint> load(const std::string& server) const;
  /// Written beside and renamed over: a crash leaves the old point or the new one.
  Result<void> save(const ResumePoint& point) const;
  void remove() const;
  const std::string& path() const { return path_; }

 private:
  std::string events_file_, path_;
};

}  // namespace voucherd::ctl
