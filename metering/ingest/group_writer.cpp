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
      prover_(offset),
      encoder_([this] { encode_all(); }),
      appender_([this] { append_all(); }) {}

GroupWriter::~GroupWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  encoder_.join();
  appender_.join();
}

void GroupWriter::write(std::shared_ptr<CommitGroup> group) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(group));
  }
  wake_.notify_all();
}

void GroupWriter::forget_all() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    encoded_.clear();
    ++forgotten_;
    refusing_ = false;
  }
  wake_.notify_all();
}

void GroupWriter::encode_all() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::shared_ptr<CommitGroup> group = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    const std::uint64_t forgotten = forgotten_;
    encoding_ = true;
    lock.unlock();
    encode(*group);
    lock.lock();
    encoding_ = false;
    if (forgotten == forgotten_) encoded_.push_back(group);
    wake_.notify_all();
  }
}

void GroupWriter::encode(CommitGroup& group) {
  Record& record = group.record;
  if (group.usage) record.payload = group.usage->encode();
  auto proof = group.usage
                   ? prover_.prove(record.header, record.payload, group.usage->events, group.corrected)
                   : prover_.prove(record.header, record.payload);
  VOUCHERD_ASSERT(proof.has_value());
  group.proof = std::move(*proof);
}

void GroupWriter::append_all() {
  for (;;) {
    Groups groups;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] {
        const bool nothing_comes = stopping_ && waiting_.empty() && !encoding_;
        return refusing_ ? stopping_ : nothing_comes || !encoded_.empty();
      });
      if (refusing_ || encoded_.empty()) return;
      groups.swap(encoded_);
    }
    const auto start = std::chrono::steady_clock::now();
    if (const auto appended = append(groups); !appended) {
      // After a failed write or fsync nothing may be acknowledged and nothing retried.
      if (appended.error().code != "journal_full") return fatal_(appended.error());
      {
        const std::lock_guard lock(mutex_);
        refusing_ = true;
      }
      refused_();
      continue;
    }
    if (observe_commit_) {
      observe_commit_(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    durable_(std::move(groups));
  }
}

Result<void> GroupWriter::append(const Groups& groups) {
  std::vector<Record> records;
  records.reserve(groups.size());
  for (const auto& group : groups) records.push_back(std::move(group->record));
  auto appended = journal_.append(records);
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i]->record = std::move(records[i]);
  return appended;
}

}  // namespace voucherd
