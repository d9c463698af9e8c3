#include "metering/ingest/decode_thread.h"

namespace voucherd {

namespace {
constexpr std::size_t inline_body_bytes_max = 16u << 10;  // some 50 events: 20 µs
}

DecodeThread::DecodeThread(Sequencer::PostToOwner post, std::uint64_t hash_seed,
                           std::size_t decoded_bytes_max)
    : post_(std::move(post)),
      hash_seed_(hash_seed),
      decoded_bytes_max_(decoded_bytes_max),
      thread_([this] { run(); }) {}

DecodeThread::~DecodeThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void DecodeThread::decode(std::string body, wire::BodyFormat format, std::string source, Done done) {
  auto batch = std::make_unique<IngestBatch>();
  batch->body = std::move(body);
  batch->body.reserve(batch->body.size() + wire::body_padding_bytes);
  Job job{std::move(batch), format, std::move(source), std::move(done), std::nullopt, 0};
  if (bytes_ == 0 && job.batch->body.size() <= inline_body_bytes_max) {
    decode(inline_decoder_, job, nullptr);
    return job.done(std::move(job.batch), std::move(job.fault));
  }
  job.bytes = job.batch->memory_bytes();
  bytes_ += job.bytes;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void DecodeThread::run() {
  wire::Decoder decoder;
  LabelTable labels;
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock,
                 [this] { return stopping_ || (!waiting_.empty() && decoded_bytes_ < decoded_bytes_max_); });
      if (stopping_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    decode(decoder, job, &labels);
    const std::size_t decoded_bytes = job.batch->memory_bytes();
    bytes_ += decoded_bytes - job.bytes;
    job.bytes = decoded_bytes;
    {
      const std::lock_guard lock(mutex_);
      decoded_bytes_ += decoded_bytes;
    }
    post_done(std::move(job));
  }
}

void DecodeThread::decode(wire::Decoder& decoder, Job& job, LabelTable* labels) const {
  auto decoded = decoder.decode(job.batch->body, job.format);
  if (!decoded) {
    job.fault = std::move(decoded.error());
    return;
  }
  job.batch->decoded = std::move(*decoded);
  if (!job.source.empty()) job.batch->refuse_other_sources(job.source);
  job.batch->hash_identities(hash_seed_);
  if (labels != nullptr) labels->stage(*job.batch);
}

void DecodeThread::post_done(Job&& job) {
  // std::function asks for copies, which a batch has none of.
  auto shared = std::make_shared<Job>(std::move(job));
  post_([this, alive = std::weak_ptr<bool>(alive_), shared] {
    if (!alive.lock()) return;
    bytes_ -= shared->bytes;
    {
      const std::lock_guard lock(mutex_);
      decoded_bytes_ -= shared->bytes;
    }
    wake_.notify_one();
    shared->done(std::move(shared->batch), std::move(shared->fault));
  });
}

}  // namespace voucherd
