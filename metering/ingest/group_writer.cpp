#include "metering/ingest/group_writer.h"

#include <chrono>

namespace voucherd {

GroupWriter::GroupWriter(Journal& journal, Durable durable, Refused refused, Sequencer::Fatal fatal,
                         Sequencer::ObserveCommit observe_commit)
    : journal_(journal),
      durable_(std::move(durable)),
      refused_(std::move(refused)),
      fatal_(std::move(fatal)),
      observe_commit_(std::move(observe_commit)),
      thread_([this] { run(); }) {}

GroupWriter::~GroupWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void GroupWriter::write(std::shared_ptr<CommitGroup> group) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(group));
  }
  wake_.notify_one();
}

void GroupWriter::run() {
  for (;;) {
    std::vector<std::shared_ptr<CommitGroup>> groups;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      groups.swap(waiting_);
    }
    const auto start = std::chrono::steady_clock::now();
    if (const auto appended = append(groups); !appended) {
      if (appended.error().code == "journal_full") {
        refused_(std::move(groups));
        continue;
      }
      // After a failed write or fsync nothing may be acknowledged and nothing retried.
      fatal_(appended.error());
      return;
    }
    if (observe_commit_) {
      observe_commit_(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    durable_(std::move(groups));
  }
}

Result<void> GroupWriter::append(const std::vector<std::shared_ptr<CommitGroup>>& groups) {
  std::vector<Record> records;
  records.reserve(groups.size());
  for (const auto& group : groups) {
    if (group->usage) group->record.payload = group->usage->encode();
    records.push_back(std::move(group->record));
  }
  auto appended = journal_.append(records);
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i]->record = std::move(records[i]);
  return appended;
}

}  // namespace voucherd
