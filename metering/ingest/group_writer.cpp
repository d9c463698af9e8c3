#include "metering/ingest/group_writer.h"

#include <chrono>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd {

GroupWriter::GroupWriter(Journal& journal, Durable durable, Refused refused, Sequencer::Fatal fatal,
                         Sequencer::ObserveCommit observe_commit, UtcOffset offset)
    : journal_(journal),
      durable_(std::move(durable)),
      refused_(std::move(refused)),
      fatal_(std::move(fatal)),
      observe_commit_(std::move(observe_commit)),
      offset_(offset) {
  for (std::thread& thread : threads_) thread = std::thread([this] { work(); });
}

GroupWriter::~GroupWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  handed_in_.notify_all();
  turn_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void GroupWriter::write(std::shared_ptr<CommitGroup> group) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(group));
  }
  handed_in_.notify_one();
}

void GroupWriter::forget_all() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    ++forgotten_;
    appended_ = taken_;
    refusing_ = false;
  }
  turn_.notify_all();
}

void GroupWriter::work() {
  RecordProver prover(offset_);
  std::unique_lock lock(mutex_);
  for (;;) {
    handed_in_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::shared_ptr<CommitGroup> group = std::move(waiting_.front());
    waiting_.pop_front();
    const std::uint64_t number = taken_++;
    const std::uint64_t forgotten = forgotten_;
    lock.unlock();
    encode(*group, prover);
    lock.lock();
    const bool wanted = wait_for_turn(lock, number, forgotten);
    lock.unlock();
    if (wanted) append(std::move(group));
    group.reset();  // what waits for it is the owner's, and large groups take their time: not under the mutex
    lock.lock();
  }
}

void GroupWriter::encode(CommitGroup& group, RecordProver& prover) {
  Record& record = group.record;
  if (group.usage) record.payload = group.usage->encode();
  auto proof = group.usage ? prover.prove(record.header, record.payload, group.usage->events, group.corrected)
                           : prover.prove(record.header, record.payload);
  VOUCHERD_ASSERT(proof.has_value());
  group.proof = std::move(*proof);
}

bool GroupWriter::wait_for_turn(std::unique_lock<std::mutex>& lock, std::uint64_t number,
                                std::uint64_t forgotten) {
  turn_.wait(lock, [&] {
    return forgotten != forgotten_ || failed_ || (refusing_ ? stopping_ : number == appended_);
  });
  return forgotten == forgotten_ && !failed_ && !refusing_;
}

void GroupWriter::append(std::shared_ptr<CommitGroup> group) {
  const auto start = std::chrono::steady_clock::now();
  const auto appended = journal_.append({&group->record, 1});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (appended) {
    if (observe_commit_) observe_commit_(seconds.count());
    durable_(std::move(group));  // before the next one's turn: they are told in their order
  }
  group.reset();
  const bool full = !appended && appended.error().code == "journal_full";
  {
    const std::lock_guard lock(mutex_);
    if (appended) {
      ++appended_;
    } else {
      // After a failed write or fsync nothing may be acknowledged and nothing retried.
      (full ? refusing_ : failed_) = true;
    }
  }
  turn_.notify_all();
  if (full) {
    refused_();
  } else if (!appended) {
    fatal_(appended.error());
  }
}

}  // namespace voucherd
