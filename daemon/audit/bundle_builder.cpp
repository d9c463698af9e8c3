// First all that the bundle rests on is read, but its events and the tree: a bundle that can't be is refused
// before anything of it is sent. Then the files are written in the order of their names.
#include "daemon/audit/bundle_builder.h"

#include <algorithm>

#include "daemon/audit/statement_scan.h"
#include "metering/core/assert.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

using billing::FactKind;

// Of one read: others wait for the same thread.
constexpr std::size_t read_bytes = 4u << 20;

Fault failed(const std::string& what) { return {"bundle_failed", "the bundle can't be made: " + what}; }

Fault not_provable(const RecordHeader& header) {
  const bool close = header.type == RecordType::close;
  return {
      "bundle_not_provable",
      std::string("the bundle rests on the ") + (close ? "close" : "facts") + " at position " +
          std::to_string(header.position) +
          ", written by a version of the program that could not show one firm's part of a record; there is "
          "no bundle of what rests on it. Check the data directory as a whole instead, which proves such "
          "months too (voucherctl audit verify DIR, on a backup or with the daemon stopped)"};
}

std::string joined(const std::vector<TreeHash>& path) {
  std::string bytes;
  for (const TreeHash& hash : path) bytes.append(bytes_of(hash));
  return bytes;
}

/// True where this part of a close is the firm's.
bool is_part_of(std::string_view part, const FirmId& firm) {
  const auto read = decode_close_part(part);
  return read && read->firm == firm;
}

}  // namespace

std::variant<std::unique_ptr<BundleBuilder>, billing::Refusal> BundleBuilder::begin(const Engine& engine,
                                                                                    Month period,
                                                                                    const FirmId& firm) {
  const auto statement = engine.ledger().closed_statement(period, firm);
  if (!statement) {
    return billing::Refusal{404,
                            "Not found",
                            firm.value + " has no closed statement in " + to_string(period) +
                                "; there is a bundle once the month is closed",
                            {}};
  }
  if (engine.heads().signed_size() < statement->position) {
    return billing::Refusal{503,
                            "There is no signed head yet",
                            "no signed head covers the close of " + to_string(period) +
                                "; try again, and see the log where that goes on",
                            {}};
  }
  auto builder = std::unique_ptr<BundleBuilder>(new BundleBuilder(engine, period, firm));
  builder->close_ = statement->position;
  builder->note_ = engine.heads().note();
  builder->tree_size_ = engine.heads().signed_size();
  builder->then_read([raw = builder.get()] { return raw->read_genesis(); });
  builder->then_read([raw = builder.get()] { return raw->read_close(raw->close_); });
  return builder;
}

BundleBuilder::BundleBuilder(const Engine& engine, Month period, FirmId firm)
    : engine_(engine), period_(period), firm_(std::move(firm)) {}

Result<BundleBuilder::Next> BundleBuilder::step() {
  if (!tasks_.empty() && !tasks_.front().reads) {
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    if (const auto done = task.run(); !done) return done.error();
  }
  if (tasks_.empty()) return Next::done;
  return tasks_.front().reads ? Next::read : Next::step;
}

Result<void> BundleBuilder::read() {
  VOUCHERD_ASSERT(!tasks_.empty() && tasks_.front().reads);
  const Task task = std::move(tasks_.front());
  tasks_.pop_front();
  return task.run();
}

// What it rests on ----------------------------------------------------------------------------------------

Result<void> BundleBuilder::read_in_parts(
    Position position, const std::function<bool(std::uint32_t, std::string_view)>& wanted) {
  Result<void> outcome;
  const auto read =
      engine_.journal().read_in_place(position, [&](const RecordHeader& header, std::string_view payload) {
        if (header.version < payload_in_parts_version) {
          outcome = not_provable(header);
          return;
        }
        const auto leaf = leaf_bytes(header, payload);
        const auto sealed = unseal(payload);
        if (!leaf || !sealed) {
          outcome = failed("record " + std::to_string(position) + " can't be read");
          return;
        }
        ShownRecord& record = records_[position];
        record.leaf = *leaf;
        const auto leaves = part_leaves(*sealed);
        for (std::uint32_t index = 0; index < leaves.size(); ++index) {
          const std::string& part = sealed->content.parts[index];
          if (!wanted(index, part)) continue;
          record.parts.push_back({index, part, std::string(bytes_of(part_salt(sealed->secret, index))),
                                  joined(inclusion_proof(index, leaves))});
        }
      });
  return read ? outcome : Result<void>(failed(read.error().detail));
}

Result<void> BundleBuilder::read_genesis() {
  const auto genesis = engine_.journal().read(1);
  if (!genesis) return failed(genesis.error().detail);
  const auto leaf = leaf_bytes(genesis->header, genesis->payload);
  if (!leaf) return failed(leaf.error().detail);
  records_[1].leaf = *leaf;
  return {};
}

Result<void> BundleBuilder::read_close(Position position) {
  const auto own = [this](std::uint32_t, std::string_view part) { return is_part_of(part, firm_); };
  if (auto read = read_in_parts(position, own); !read) return read;
  const auto leaf = decode_short_leaf(records_.at(position).leaf);
  const auto shown = leaf ? billing::decode_shown_close(leaf->header, leaf->shared) : std::nullopt;
  if (!shown) return failed("the close at " + std::to_string(position) + " can't be read");
  closes_.push_back(position);
  if (shown->previous != 0) {
    then_read([this, previous = shown->previous] { return read_close(previous); });
  } else {
    std::reverse(closes_.begin(), closes_.end());
    then([this] { return plan_statements(); });
  }
  return {};
}

Result<void> BundleBuilder::plan_statements() {
  for (const Position position : closes_) {
    for (const ShownPart& shown : records_.at(position).parts) {
      auto part = decode_close_part(shown.bytes);
      if (!part) return failed(part.error().detail);
      for (const auto& [month, hash] : part->statements) statements_.insert(month);
      if (position == close_) part_ = std::move(*part);
    }
  }
  for (const Month month : statements_) then([this, month] { return note_skus(month); });
  then([this] { return plan_facts(); });
  return {};
}

/// All usage up to the close is on a line of a closed statement, or on the last one as unpriced: so the
/// statements name the SKUs that they rest on.
Result<void> BundleBuilder::note_skus(Month month) {
  const auto statement = engine_.ledger().closed_statement(month, firm_);
  if (!statement) return failed("the statement of " + to_string(month) + " is missing");
  skus_.merge(skus_in(statement->canonical));
  return {};
}

std::vector<FactPlace> BundleBuilder::places_of_facts() const {
  const billing::Ledger& ledger = engine_.ledger();
  std::vector<FactPlace> places;
  const auto add = [&](FactKind kind, const std::string& key) {
    const auto* versions = ledger.history(kind, key);
    if (versions == nullptr) return;
    const auto after = std::find_if(versions->begin(), versions->end(),
                                    [this](const auto& version) { return version.position >= close_; });
    if (after == versions->begin()) return;
    const auto& last = *(after - 1);
    places.push_back({std::string(to_string(kind)), key, last.position, last.index});
  };
  const billing::Facts facts = ledger.facts_at(firm_, close_ - 1);
  add(FactKind::firm, firm_.value);
  add(FactKind::settings, "settings");
  for (const auto* contract : facts.contracts.of(firm_)) add(FactKind::contract, contract->number.value);
  for (const auto* award : facts.awards.of(firm_)) add(FactKind::external_award, award->id.value);
  for (const auto& [version, book] : facts.price_books) add(FactKind::price_book, version.value);
  for (const auto& [id, policy] : facts.policies) add(FactKind::policy, id.value);
  for (const std::string& sku : skus_) add(FactKind::sku, sku);
  return places;
}

Result<void> BundleBuilder::plan_facts() {
  const std::vector<FactPlace> places = places_of_facts();
  if (facts_digest(places) != part_.facts) {
    return failed(
        "the facts are not those that the close vouches for; check the directory (voucherctl audit "
        "verify)");
  }
  std::map<Position, std::vector<std::uint32_t>> by_record;
  for (const FactPlace& place : places) by_record[place.position].push_back(place.index);
  for (const auto& [position, indexes] : by_record) {
    facts_.push_back(position);
    then_read([this, position = position, indexes = indexes] { return read_facts(position, indexes); });
  }
  then([this] { return write_closes(); });
  return {};
}

Result<void> BundleBuilder::read_facts(Position position, const std::vector<std::uint32_t>& indexes) {
  return read_in_parts(position, [&indexes](std::uint32_t index, std::string_view) {
    return std::find(indexes.begin(), indexes.end(), index) != indexes.end();
  });
}

// The files -----------------------------------------------------------------------------------------------

void BundleBuilder::write_parts(const std::string& folder, const std::string& ending, Position position) {
  for (const ShownPart& part : records_.at(position).parts) {
    const std::string stem = billing::bundle_part(folder, position, part.index);
    // In the order of the names: ".json" and ".part" stand before ".path" and ".salt".
    out_.add(stem + ending, part.bytes);
    out_.add(stem + ".path", part.path);
    out_.add(stem + ".salt", part.salt);
  }
}

Result<void> BundleBuilder::write_closes() {
  out_.add(billing::bundle_checkpoint, note_);
  for (const Position position : closes_) write_parts("closes", ".part", position);
  for (const Month month : statements_)
    if (month < period_) then([this, month] { return write_earlier(month); });
  for (const auto& [month, chain] : part_.chains) then([this, month = month] { return begin_month(month); });
  then([this] { return write_facts(); });
  return {};
}

Result<void> BundleBuilder::write_earlier(Month month) {
  out_.add(billing::bundle_earlier(month), engine_.ledger().closed_statement(month, firm_)->canonical);
  return {};
}

Result<void> BundleBuilder::begin_month(Month month) {
  month_ = month;
  chain_ = {};
  file_number_ = 0;
  return gather(1);
}

Result<void> BundleBuilder::gather(Position next) {
  const auto position = next_firm_link(engine_, firm_, month_, next);
  if (!position || *position >= close_) return end_month();
  reader_.emplace(engine_, firm_, month_, *position);
  first([this] { return gather_record(); });
  return {};
}

Result<void> BundleBuilder::gather_record() {
  if (reader_->read_some()) {
    first([this] { return gather_record(); });
    return {};
  }
  const ChainLink& link = reader_->link();
  if (link.events > 0) {
    put_little_endian(file_, link.position);
    put_little_endian(file_, link.events);
    put_little_endian(file_, static_cast<std::uint32_t>(reader_->bytes().size()));
    file_ += reader_->bytes();
    extend(sha_, chain_, link);
    if (file_.size() >= billing::event_file_bytes) flush_events();
  }
  first([this, next = link.position + 1] { return gather(next); });
  return {};
}

void BundleBuilder::flush_events() {
  if (file_.empty()) return;
  out_.add(billing::bundle_events(month_, ++file_number_), file_);
  file_.clear();
}

Result<void> BundleBuilder::end_month() {
  flush_events();
  if (chain_ != part_.chains.at(month_)) {
    return failed("the events of " + to_string(month_) +
                  " are not those that the close vouches for; check the directory (voucherctl audit verify)");
  }
  return {};
}

Result<void> BundleBuilder::write_facts() {
  for (const Position position : facts_) write_parts("facts", ".json", position);
  out_.add(billing::bundle_manifest, billing::to_json({firm_, period_, close_, tree_size_}));
  for (const auto& [position, record] : records_)
    then([this, position = position] { return write_record(position); });
  then([this] { return finish(); });
  return {};
}

Result<void> BundleBuilder::write_record(Position position) {
  const MerkleTree& tree = engine_.tree();
  for (const std::uint64_t block : tree.blocks_for_leaf(position - 1, tree_size_)) {
    const auto& leaves = blocks_[block];
    if (leaves.size() < MerkleTree::block_leaves) {
      first([this, position] { return write_record(position); });
      first_read([this, block] { return hash_block(block); });
      return {};
    }
    if (!tree.holds_block(block, leaves)) {
      return failed("the records from " + std::to_string(block * MerkleTree::block_leaves + 1) +
                    " on are not those that the tree was made of");
    }
  }
  const std::string stem = billing::bundle_record(position);
  out_.add(stem + ".leaf", records_.at(position).leaf);
  out_.add(stem + ".path", joined(tree.inclusion_proof(position - 1, tree_size_, blocks_)));
  return {};
}

/// Some leaves more of the block.
Result<void> BundleBuilder::hash_block(std::uint64_t block) {
  auto& leaves = blocks_[block];
  for (std::size_t bytes = 0; bytes < read_bytes && leaves.size() < MerkleTree::block_leaves;) {
    Result<TreeHash> hash = TreeHash{};
    const auto read =
        engine_.journal().read_in_place(block * MerkleTree::block_leaves + leaves.size() + 1,
                                        [&](const RecordHeader& header, std::string_view payload) {
                                          bytes += payload.size();
                                          hash = record_leaf_hash(sha_, header, payload);
                                        });
    if (!read) return failed(read.error().detail);
    if (!hash) return failed(hash.error().detail);
    leaves.push_back(*hash);
  }
  return {};
}

Result<void> BundleBuilder::finish() {
  const auto statement = engine_.ledger().closed_statement(period_, firm_);
  VOUCHERD_ASSERT(statement.has_value());
  out_.add(billing::bundle_statement, statement->canonical);
  out_.finish();
  return {};
}

}  // namespace voucherd
