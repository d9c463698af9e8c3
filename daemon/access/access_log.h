// Who read what, and who was turned away: a log of its own, in files of a day each, that only ever grows.
// Every line carries the SHA-256 of the line before, over all files, so that none can be changed, left out or
// put in without access_log_check telling.
//
// A line is written (not yet synced) before `written` is called, so that whoever waits for it answers nobody
// whom the log does not know. It is synced within a second, at a day's end and at a stop: a crash of the
// program loses no line, one of the machine the last second's. Where the disk takes no line, could not be
// synced the last time, or too many wait, `written` says so: who must be logged is refused then. How many
// lines were lost is the next line's business.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "billing/core/statement.h"
#include "metering/core/clock.h"

namespace voucherd::access {

inline constexpr std::size_t access_log_waiting_max = 8192;  // entries
inline constexpr std::size_t access_log_waiting_bytes_max = 16u << 20;
// Of answers that wait for their lines together; beyond: 503. A single one may be larger.
inline constexpr std::size_t access_log_answers_bytes_max = 64u << 20;
// Refused strangers have so many lines a second, and refused callers as many; of the others the next line has
// the number, so that whoever knocks at the door, or has a token for another one, can't fill the disk.
inline constexpr std::uint64_t access_refused_per_second_max = 100;
inline constexpr std::size_t access_target_bytes_max = 1024;  // of a line's target; beyond, it is cut
inline constexpr std::size_t access_log_line_bytes_max = 16u << 10;

struct AccessEntry {
  Instant at;
  billing::Actor actor;
  std::string role;  // "" for a local actor
  std::string peer, method;
  std::string route;   // the pattern, "/v1/statements/{}/{}"; "" where there is none
  std::string target;  // as it was asked for, decoded
  int status = 0;
  std::string fault;  // of a refusal
};

struct AccessLogOptions {
  std::string directory;
  std::uint64_t retention_days = 180;
  UtcOffset offset;  // of the days
};

/// The owner thread's alone.
class AccessLog {
 public:
  using PostToOwner = std::function<void(std::function<void()>)>;
  /// Told on the log's own thread when writing begins to fail.
  using OnFailure = std::function<void(const Fault&)>;
  /// With the reason where there is no such line.
  using Written = std::function<void(const Result<void>&)>;
  /// Goes on behind the last line that is there; a torn last line, and zeros that a machine's stop had left,
  /// are cut off, and the next line says so. Faults "access_log_failed", "access_log_damaged". `clock`
  /// outlives it.
  static Result<std::unique_ptr<AccessLog>> open(const AccessLogOptions& options, const Clock& clock,
                                                 PostToOwner post, OnFailure on_failure);
  /// Writes what waits.
  ~AccessLog();

  /// `written` runs on the owner thread, and may be empty.
  void write(AccessEntry entry, Written written);
  /// What a crash had left behind the last line, and open() cut off.
  std::uint64_t cut_off_bytes() const;

 private:
  struct Impl;
  explicit AccessLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A line without its end: JSON in ASCII, so that nothing in it can forge another line or command a terminal.
/// Secrets are left out of it.
std::string format_access_line(std::uint64_t number, const std::string& before, const AccessEntry& entry);

}  // namespace voucherd::access
