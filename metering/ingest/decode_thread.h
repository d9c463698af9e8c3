// Decoding on a thread of its own, so that the owner thread is left with what only it may do.
// One thread, and one order: batches come back in the order in which they were given.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "metering/ingest/label_table.h"

namespace voucherd {

/// All calls come from the owner thread.
class DecodeThread {
 public:
  /// Runs on the owner thread; with the fault where the body can't be read.
  using Done = std::function<void(std::unique_ptr<IngestBatch> batch, std::optional<wire::BodyFault> fault)>;
  /// Stops decoding while batches that the owner has not taken yet hold `decoded_bytes_max`: short lines take
  /// far more decoded than as text.
  DecodeThread(Sequencer::PostToOwner post, std::uint64_t hash_seed, std::size_t decoded_bytes_max);
  /// Finishes the batch that it is at; the others get no answer.
  ~DecodeThread();
  DecodeThread(const DecodeThread&) = delete;
  DecodeThread& operator=(const DecodeThread&) = delete;

  /// A small body is decoded at once where nothing is under way: the way to the thread and back costs more.
  /// Events from elsewhere than `source` and what lies below it are refused; "": none are.
  void decode(std::string body, wire::BodyFormat format, std::string source, Done done);
  /// Memory of batches under way, of those not decoded yet the body's: the caller bounds it.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Job {
    std::unique_ptr<IngestBatch> batch;
    wire::BodyFormat format;
    std::string source;
    Done done;
    std::optional<wire::BodyFault> fault;
    std::size_t bytes = 0;  // its part of bytes_
  };
  void run();
  /// Without labels where the batch is small: they would cost more than they save.
  void decode(wire::Decoder& decoder, Job& job, LabelTable* labels) const;
  void post_done(Job&& job);

  Sequencer::PostToOwner post_;
  std::uint64_t hash_seed_;
  wire::Decoder inline_decoder_;
  std::atomic<std::size_t> bytes_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::size_t decoded_bytes_max_;
  std::mutex mutex_;
  std::size_t decoded_bytes_ = 0;  // of batches on their way back; under the mutex
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace voucherd
