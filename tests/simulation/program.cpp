// The program under test as the histories drive it: an engine on a directory, a clock moved by hand.

#include <filesystem>

#include "tests/simulation/history.h"

namespace voucherd::simulation {

Program::Program(const naive::Reckoning::Head& head, std::int64_t start_ms, std::uint64_t identity_bytes_max)
    : clock_(Instant{start_ms}) {
  options_.identity_bytes_max = identity_bytes_max;
  options_.directory = dir_.path() + "/data";
  options_.provider_name = head.provider_name;
  options_.provider_uscc = head.provider_uscc;
  options_.currency = head.currency;
  options_.utc_offset = UtcOffset{head.offset};
  // RocksDB lays its log out in advance, in pieces of this size: what a history costs most.
  options_.write_buffer_bytes = 1u << 20;
  options_.checkpoint_cpu_percent = 100;
  options_.checkpoint_every_records = 7;  // so that histories of some dozen records have checkpoints
  start();
}

Program::~Program() { stop(); }

void Program::start() {
  loop_ = std::make_unique<testing::OwnerLoop>();
  testing::OwnerLoop& loop = *loop_;
  auto opened = Engine::open(
      options_, clock_, [&loop](std::function<void()> task) { loop.post(std::move(task)); },
      [](const Fault& fault) { throw Mismatch("a fatal fault: " + fault.detail); });
  if (!opened)
    throw Mismatch("the directory does not open: " + opened.error().code + ": " + opened.error().detail);
  engine_ = std::move(*opened);
}

void Program::stop() {
  if (!engine_) return;
  bool drained = false;
  engine_->drain([&] { drained = true; });
  loop_->run_until([&] { return drained && unanswered_ == 0; });
  engine_.reset();
}

void Program::restart(bool without_checkpoints) {
  stop();
  if (without_checkpoints) {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory)) {
      const std::string name = entry.path().filename().string();
      if (name.find("checkpoint") != std::string::npos || name.find("hashes") != std::string::npos) {
        files.push_back(entry.path());
      }
    }
    for (const fs::path& file : files) fs::remove_all(file);
  }
  start();
}

void Program::submit(const std::string& body, wire::BodyFormat format,
                     std::function<void(IngestReply)> done) {
  ++unanswered_;
  engine_->ingest(
      body, format, "", {"token", "collector"},
      [this, body, done = std::move(done)](boost::system::result<IngestReply, wire::BodyFault> reply) {
        if (!reply) throw Mismatch("a body was refused: " + reply.error().detail + "\n" + body);
        --unanswered_;
        done(std::move(*reply));
      });
}

void Program::release(std::vector<QuarantineNumber> numbers, std::function<void(const ReleaseReply&)> done) {
  ++unanswered_;
  engine_->release(std::move(numbers), {"token", "tester"},
                   [this, done = std::move(done)](const ReleaseReply& reply) {
                     --unanswered_;
                     done(reply);
                   });
}

void Program::dismiss(QuarantineNumber number, std::function<void(const Engine::DismissReply&)> done) {
  ++unanswered_;
  engine_->dismiss(number, {"token", "tester"}, "测试",
                   [this, done = std::move(done)](const Engine::DismissReply& reply) {
                     --unanswered_;
                     done(reply);
                   });
}

std::vector<QuarantineNumber> Program::held(const std::function<bool(const QuarantineEntry&)>& fits) const {
  std::vector<QuarantineNumber> numbers;
  engine_->usage().quarantine().visit({}, [&](const QuarantineEntry& entry) {
    if (fits(entry)) numbers.push_back(entry.number);
    return true;
  });
  return numbers;
}

void Program::settle() {
  loop_->run_until([&] { return unanswered_ == 0; });
}

Engine::ChangeReply Program::change(const std::vector<billing::FactChange>& changes,
                                    const std::string& reason) {
  std::optional<Engine::ChangeReply> reply;
  engine_->change_facts(changes, {"local", "tester"}, reason, std::nullopt,
                        [&](Engine::ChangeReply r) { reply = std::move(r); });
  loop_->run_until([&] { return reply.has_value(); });
  return *reply;
}

Engine::CloseReply Program::close(Month month, const billing::Actor& by, const std::string& reason) {
  std::optional<Engine::CloseReply> reply;
  engine_->close_period(month, by, reason, [&](Engine::CloseReply r) { reply = std::move(r); });
  loop_->run_until([&] { return reply.has_value(); });
  return *reply;
}

}  // namespace voucherd::simulation
