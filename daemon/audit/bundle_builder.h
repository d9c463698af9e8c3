// Makes the bundle of a firm's closed month (billing/audit) out of the journal, piece by piece: a step takes
// some milliseconds of the owner's thread at most, so that ingest goes on in between, and what has been
// written can be taken away, so that the memory that it needs does not grow with the firm's events.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "billing/audit/bundle_files.h"
#include "billing/audit/close_chain.h"
#include "billing/audit/container.h"
#include "daemon/engine/engine.h"

namespace voucherd {

class BundleBuilder {
 public:
  /// The refusal: 404 where the firm has no closed statement in the month; 409 where it was closed by a
  /// version of the program that proved nothing. `engine` outlives the builder; owner thread only.
  static std::variant<std::unique_ptr<BundleBuilder>, billing::Refusal> begin(const Engine& engine,
                                                                              Month period,
                                                                              const FirmId& firm);

  /// Does the next piece of work; false once all is written. Fault "bundle_failed" where the journal can't be
  /// read, or does not say what its closes vouch for: what was written so far is then not a bundle.
  Result<bool> step();
  /// What has been written since the last call.
  std::string take() { return out_.take(); }
  std::size_t bytes() const { return out_.bytes(); }

 private:
  using Task = std::function<Result<void>()>;
  /// A part of a record, with what proves it.
  struct ShownPart {
    std::uint32_t index = 0;
    std::string bytes, salt, path;
  };
  struct ShownRecord {
    std::string leaf;
    std::vector<ShownPart> parts;
  };
  /// Of an event's corrections the one that counts.
  struct Correction {
    Instant time;
    std::string source, id;
    Quantity quantity;
  };

  BundleBuilder(const Engine& engine, Month period, FirmId firm);
  void then(Task task) { tasks_.push_back(std::move(task)); }
  void first(Task task) { tasks_.push_front(std::move(task)); }

  // The tasks, in order.
  Result<void> read_close(Position position);
  Result<void> write_closes();
  Result<void> gather(Position next);
  Result<void> end_month();
  Result<void> apply_corrections();
  Result<void> plan_facts();
  Result<void> read_facts(Position position, const std::vector<std::uint32_t>& indexes);
  Result<void> write_facts();
  Result<void> write_record(Position position);
  Result<void> finish();

  void start_month(Month month);
  void gather_record(Position position);
  void add_usage(const EventView& event);
  void note_correction(EventOrdinal corrected, const EventView& event);
  void flush_events();
  void write_parts(const std::string& folder, const std::string& ending, Position position,
                   const ShownRecord& record);
  std::vector<FactPlace> places_of_facts() const;
  /// Reads a record in parts; `wanted` says which of its parts are shown.
  Result<void> read_in_parts(Position position,
                             const std::function<bool(std::uint32_t, std::string_view)>& wanted);
  Result<void> hash_block(std::uint64_t block, std::uint64_t from);

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
  std::vector<Position> closes_;
  std::vector<Month> earlier_;  // with a closed statement of the firm

  // The month being gathered:
  Month month_;
  Chain chain_;
  Sha256 sha_;
  std::string file_;
  std::uint32_t file_number_ = 0;

  std::map<std::tuple<LocalDay, std::string, std::string>, Quantity> totals_;  // by SKU and project
  std::map<EventOrdinal, Correction> corrections_;
  MerkleTree::Blocks blocks_;
};

}  // namespace voucherd
