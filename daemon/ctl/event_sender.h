// Sends batches over several connections at once and keeps account of what is acknowledged.
// Each connection takes the next batch itself, so at most `connections` batches are in memory.
// A refusal that passes by itself (429, 503, a lost connection) is tried again with growing
// pauses; anything else ends the work. Sending twice is safe: the daemon knows every event.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctl/event_batches.h"
#include "daemon/ctl/http_client.h"
#include "daemon/ctl/resume_file.h"

namespace voucherd::ctl {

inline constexpr std::chrono::milliseconds retry_pause_first{100};
inline constexpr std::chrono::milliseconds retry_pause_max{10'000};
inline constexpr std::chrono::seconds retry_after_max{60};
inline constexpr std::size_t problems_kept_max = 20;
inline constexpr std::chrono::seconds resume_saved_every{1};

struct SendOptions {
  ServerAddress server;
  int connections = 4;
  std::chrono::seconds give_up_after{300};  // of refusals without a success between
};

struct EventProblem {
  std::uint64_t line = 0;
  std::string id, code, detail;
};

/// What the daemon's replies add up to.
struct SendTally {
  std::uint64_t received = 0, accepted = 0, duplicate = 0, conflict = 0, quarantined = 0;
  std::uint64_t position = 0, retries = 0;
  std::map<std::string, std::uint64_t> problems_by_code;
  std::vector<EventProblem> first_problems;  // at most problems_kept_max
};

class EventSender {
 public:
  /// `resume` may be nullptr: nothing is kept. `start` is where the reader begins.
  EventSender(SendOptions options, BatchReader& reader, ResumePoint start, const ResumeFile* resume,
              std::function<void(const SendTally&, std::uint64_t acknowledged_bytes)> progress);

  /// Until the end of the stream or the first failure that no retry mends; what is acknowledged by then
  /// is kept in the resume file. Fault "resume_unknown" where the server doesn't know what the resume
  /// point says it has acknowledged: begin again from the start.
  Result<void> run();
  const SendTally& tally() const { return tally_; }

 private:
  struct Acknowledged {
    std::uint64_t end, lines_before, position;
  };

  void work();
  std::optional<EventBatch> take_batch();
  Result<HttpReply> send_until_settled(HttpClient& client, const HttpRequest& request);
  void account(const EventBatch& batch, const HttpReply& reply);
  std::optional<Fault> add_counts(const EventBatch& batch, const std::string& reply_body);
  void add_problem(const EventBatch& batch, const nlohmann::ordered_json& problem);
  void acknowledge(const EventBatch& batch, std::uint64_t position);
  void fail(Fault fault);
  bool pause(std::chrono::milliseconds length);

  const SendOptions options_;
  BatchReader& reader_;
  const ResumePoint start_;
  const ResumeFile* resume_;
  const std::function<void(const SendTally&, std::uint64_t)> progress_;

  std::mutex mutex_;  // guards all below, and the reader
  std::condition_variable stopped_;
  bool at_end_ = false;
  std::optional<Fault> failure_;
  SendTally tally_;
  std::uint64_t acknowledged_bytes_;             // up to the first batch that is not acknowledged
  std::map<std::uint64_t, Acknowledged> ahead_;  // acknowledged beyond it, by their first byte
  ResumePoint point_;                            // the last batch before acknowledged_bytes_
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace voucherd::ctl
