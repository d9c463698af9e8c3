// One history: a workload that runs against the program (an Engine on a real directory) and the
// auditor side by side, and every difference between the two.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "daemon/engine/engine.h"
#include "metering/wire/decode.h"
#include "tests/simulation/naive_chains.h"
#include "tests/simulation/workload.h"
#include "tests/support/naive_model.h"
#include "tests/support/owner_loop.h"
#include "tests/support/temp_dir.h"

namespace voucherd::simulation {

/// The two disagree: what() says about what.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Mismatch where the two differ.
template <class A, class B>
void expect_equal(const std::string& what, const A& program, const B& model) {
  if (program == model) return;
  std::ostringstream text;
  text << what << ": the program says " << program << ", the model " << model;
  throw Mismatch(text.str());
}

/// The engine on a directory of its own with the test as its owner thread.
class Program {
 public:
  Program(const naive::Reckoning::Head& head, std::int64_t start_ms, std::uint64_t identity_bytes_max);
  ~Program();

  Engine& engine() { return *engine_; }
  ManualClock& clock() { return clock_; }
  const std::string& directory() const { return options_.directory; }
  void submit(const std::string& body, wire::BodyFormat format, std::function<void(IngestReply)> done);
  void release(std::vector<QuarantineNumber> numbers, std::function<void(const ReleaseReply&)> done);
  void dismiss(QuarantineNumber number, std::function<void(const Engine::DismissReply&)> done);
  /// The unresolved entries that `fits` takes, in the order of their numbers.
  std::vector<QuarantineNumber> held(const std::function<bool(const QuarantineEntry&)>& fits) const;
  /// Runs the owner's tasks until everything asked of it has been answered.
  void settle();
  Engine::ChangeReply change(const std::vector<billing::FactChange>& changes, const std::string& reason);
  Engine::CloseReply close(Month month, const billing::Actor& by, const std::string& reason);
  /// Stops and starts again, without the checkpoints if told so.
  void restart(bool without_checkpoints);
  void stop();
  void start();

 private:
  testing::TempDir dir_;
  config::Options options_;
  ManualClock clock_;
  std::unique_ptr<testing::OwnerLoop> loop_;
  std::unique_ptr<Engine> engine_;
  std::size_t unanswered_ = 0;
};

class History {
 public:
  History(std::uint64_t seed, Features features);
  /// Throws Mismatch.
  void run();
  /// As it is at the end of run().
  Program& program() { return program_; }
  /// What was done so far, one step a line.
  std::string log() const { return log_.str(); }
  std::size_t comparisons() const { return comparisons_; }
  /// What happened, and how often: a workload that never crosses a cap tests no cap.
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  void step();
  void send_requests();
  void send_request();
  /// Runs `check` where an answer comes in; what it throws is thrown by settle().
  void note_mismatch(const std::function<void()>& check);
  void settle();
  void check_reply(const Request& request, const IngestReply& reply,
                   const std::optional<std::vector<naive::Verdict>>& expected);
  void resolve_quarantine();
  void release(const std::string& what, const std::vector<QuarantineNumber>& numbers,
               const std::vector<std::size_t>& entries);
  void release_some(const naive::Held& example, int by, const std::vector<std::size_t>& entries);
  void dismiss(QuarantineNumber number, std::size_t entry);
  void change_fact();
  void make_change(const naive::FactChange& change, const std::string& reason);
  void try_close();
  void close_month(int month, const std::string& reason);
  void restart();
  void compare_all();
  bool compare_statement(int month, const std::string& firm, const naive::Reckoning& now);
  void compare_quarantine();
  void compare_figures();
  /// The auditor's own, of all events so far.
  naive::ChainTexts own_chains();
  void compare_chains();
  void compare_parts_of_close(Position position, int month);
  void note_statement(const naive::Statement& statement);
  void finish();
  std::int64_t intake_ms() const;
  void set_clock(std::int64_t ms);

  Features features_;
  Workload workload_;
  naive::Model model_;
  Program program_;
  std::int64_t now_ms_;
  std::string mismatch_;  // found while answers came in
  std::map<std::pair<int, std::string>, std::string> frozen_bytes_;
  std::ostringstream log_;
  std::size_t comparisons_ = 0;
  std::map<std::string, std::uint64_t> seen_;
};

}  // namespace voucherd::simulation
