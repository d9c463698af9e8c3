// Makes the bundle of a firm's closed month (billing/audit) out of the journal, piece by piece: a step takes
// some milliseconds of the owner's thread at most, so that ingest goes on in between; whole records, which
// may be as large as a centre's close, are read and hashed on a thread of the caller's choice; and what has
// been written can be taken away, so that the memory that it needs does not grow with the firm's events.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "billing/audit/bundle_files.h"
#include "billing/audit/close_chain.h"
#include "billing/audit/container.h"
#include "daemon/audit/firm_chain.h"
#include "daemon/engine/engine.h"

namespace voucherd {

class BundleBuilder {
 public:
  /// The refusal: 404 where the firm has no closed statement in the month; 503 where no signed head covers it
  /// yet. `engine` outlives the builder; owner thread only, but for read().
  static std::variant<std::unique_ptr<BundleBuilder>, billing::Refusal> begin(const Engine& engine,
                                                                              Month period,
                                                                              const FirmId& firm);

  enum class Next { step, read, done };
  /// Does the next piece of work, and says what is to be called next. Faults "bundle_not_provable" where a
  /// record that the bundle needs was written before one part of it could be proven; "bundle_failed" where
  /// the journal can't be read, or does not say what its closes vouch for: what was written so far is then
  /// not a bundle. Of what a bundle rests on nothing but its events and the tree is read once it is being
  /// written.
  Result<Next> step();
  /// Reads records as a whole: on any thread, while nothing else of the builder is called. Faults as
  /// step()'s.
  Result<void> read();
  /// What has been written since the last call.
  std::string take() { return out_.take(); }
  std::size_t bytes() const { return out_.bytes(); }

 private:
  struct Task {
    bool reads = false;  // records as a whole, and touches nothing but them and the builder
    std::function<Result<void>()> run;
  };
  /// A part of a record, with what proves it.
  struct ShownPart {
    std::uint32_t index = 0;
    std::string bytes, salt, path;
  };
  struct ShownRecord {
    std::string leaf;
    std::vector<ShownPart> parts;
  };
  BundleBuilder(const Engine& engine, Month period, FirmId firm);
  void then(std::function<Result<void>()> run) { tasks_.push_back({false, std::move(run)}); }
  void then_read(std::function<Result<void>()> run) { tasks_.push_back({true, std::move(run)}); }
  void first(std::function<Result<void>()> run) { tasks_.push_front({false, std::move(run)}); }
  void first_read(std::function<Result<void>()> run) { tasks_.push_front({true, std::move(run)}); }

  // What the bundle rests on, in order.
  Result<void> read_close(Position position);
  Result<void> plan_statements();
  Result<void> note_skus(Month month);
  Result<void> plan_facts();
  Result<void> read_facts(Position position, const std::vector<std::uint32_t>& indexes);

  // The files, in order.
  Result<void> write_closes();
  Result<void> write_earlier(Month month);
  Result<void> begin_month(Month month);
  Result<void> gather(Position next);
  Result<void> gather_record();
  Result<void> end_month();
  Result<void> write_facts();
  Result<void> write_record(Position position);
  Result<void> finish();

  void flush_events();
  void write_parts(const std::string& folder, const std::string& ending, Position position);
  std::vector<FactPlace> places_of_facts() const;
  /// Reads a record in parts; `wanted` says which of its parts are shown.
  Result<void> read_in_parts(Position position,
                             const std::function<bool(std::uint32_t, std::string_view)>& wanted);
  Result<void> read_genesis();
  Result<void> hash_block(std::uint64_t block);

  const Engine& engine_;
  Month period_;
  FirmId firm_;
  Position close_ = 0;
  std::string note_;  // the signed head
  std::uint64_t tree_size_ = 0;
  billing::ContainerWriter out_;
  std::deque<Task> tasks_;

  std::map<Position, ShownRecord> records_;
  ClosePart part_;  // of the month's close
  std::vector<Position> closes_, facts_;
  std::set<Month> statements_;  // of the firm, closed up to the month's close
  std::set<std::string> skus_;  // on these

  // The month being gathered:
  Month month_;
  Chain chain_;
  Sha256 sha_;
  std::optional<FirmLinkReader> reader_;  // of the record being read
  std::string file_;
  std::uint32_t file_number_ = 0;

  MerkleTree::Blocks blocks_;
};

}  // namespace voucherd
