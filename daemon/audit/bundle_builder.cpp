// The order of the work is that of the files in the container, which are in the order of their names; what a
// file rests on is read before.
#include "daemon/audit/bundle_builder.h"

#include <algorithm>
#include <tuple>

#include "daemon/audit/firm_chain.h"
#include "metering/core/assert.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {

using billing::FactKind;

constexpr std::uint64_t leaves_per_step = 32;
constexpr std::size_t corrections_per_step = 16;

Fault failed(const std::string& what) { return {"bundle_failed", "the bundle can't be made: " + what}; }

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
  RecordHeader close;
  const auto note_version = [&close](const RecordHeader& header, std::string_view) { close = header; };
  VOUCHERD_ASSERT(engine.journal().read_in_place(statement->position, note_version).has_value());
  if (close.version < payload_in_parts_version) {
    return billing::Refusal{409,
                            "There is no bundle",
                            to_string(period) +
                                " was closed by a version of the program that could not prove "
                                "one firm's part of it; the data directory can still be checked "
                                "as a whole (voucherctl audit verify)",
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
  builder->then([raw = builder.get()] { return raw->read_close(raw->close_); });
  return builder;
}

BundleBuilder::BundleBuilder(const Engine& engine, Month period, FirmId firm)
    : engine_(engine), period_(period), firm_(std::move(firm)) {}

Result<bool> BundleBuilder::step() {
  if (tasks_.empty()) return false;
  const Task task = std::move(tasks_.front());
  tasks_.pop_front();
  if (const auto done = task(); !done) return done.error();
  return true;
}

// Closes --------------------------------------------------------------------------------------------------

Result<void> BundleBuilder::read_in_parts(
    Position position, const std::function<bool(std::uint32_t, std::string_view)>& wanted) {
  Result<void> outcome;
  const auto read =
      engine_.journal().read_in_place(position, [&](const RecordHeader& header, std::string_view payload) {
        const auto leaf = leaf_bytes(header, payload);
        const auto sealed = unseal(payload);
        if (header.version < payload_in_parts_version || !leaf || !sealed) {
          outcome = failed("record " + std::to_string(position) +
                           " was written by a version of the program that could not show a part of it");
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

Result<void> BundleBuilder::read_close(Position position) {
  const auto own = [this](std::uint32_t, std::string_view part) { return is_part_of(part, firm_); };
  if (auto read = read_in_parts(position, own); !read) return read;
  const auto leaf = decode_short_leaf(records_.at(position).leaf);
  const auto shown = leaf ? billing::decode_shown_close(leaf->header, leaf->shared) : std::nullopt;
  if (!shown) return failed("the close at " + std::to_string(position) + " can't be read");
  closes_.push_back(position);
  if (shown->previous != 0) {
    then([this, previous = shown->previous] { return read_close(previous); });
  } else {
    std::reverse(closes_.begin(), closes_.end());
    then([this] { return write_closes(); });
  }
  return {};
}

void BundleBuilder::write_parts(const std::string& folder, const std::string& ending, Position position,
                                const ShownRecord& record) {
  for (const ShownPart& part : record.parts) {
    const std::string stem = billing::bundle_part(folder, position, part.index);
    // In the order of the names: ".json" and ".part" stand before ".path" and ".salt".
    out_.add(stem + ending, part.bytes);
    out_.add(stem + ".path", part.path);
    out_.add(stem + ".salt", part.salt);
  }
}

Result<void> BundleBuilder::write_closes() {
  out_.add(billing::bundle_checkpoint, note_);
  for (const Position position : closes_) {
    const ShownRecord& record = records_.at(position);
    write_parts("closes", ".part", position, record);
    for (const ShownPart& shown : record.parts) {
      auto part = decode_close_part(shown.bytes);
      if (!part) return failed(part.error().detail);
      for (const auto& [month, hash] : part->statements)
        if (month < period_) earlier_.push_back(month);
      if (position == close_) part_ = std::move(*part);
    }
  }
  for (const Month month : earlier_) {
    const auto statement = engine_.ledger().closed_statement(month, firm_);
    if (!statement) return failed("the statement of " + to_string(month) + " is missing");
    out_.add(billing::bundle_earlier(month), statement->canonical);
  }
  for (const auto& [month, chain] : part_.chains) {
    then([this, month = month]() -> Result<void> {
      start_month(month);
      return gather(1);
    });
  }
  then([this] { return apply_corrections(); });
  return {};
}

// Events --------------------------------------------------------------------------------------------------

void BundleBuilder::start_month(Month month) {
  month_ = month;
  chain_ = {};
  file_number_ = 0;
}

Result<void> BundleBuilder::gather(Position next) {
  const auto position = next_firm_link(engine_, firm_, month_, next);
  if (!position || *position >= close_) return end_month();
  gather_record(*position);
  first([this, next = *position + 1] { return gather(next); });
  return {};
}

void BundleBuilder::gather_record(Position position) {
  const FirmLink found =
      read_firm_link(engine_, firm_, month_, position,
                     [this](const EventView& event, std::optional<EventOrdinal> corrected) {
                       if (corrected) return note_correction(*corrected, event);
                       add_usage(event);
                     });
  if (found.link.events == 0) return;
  put_little_endian(file_, position);
  put_little_endian(file_, found.link.events);
  put_little_endian(file_, static_cast<std::uint32_t>(found.bytes.size()));
  file_ += found.bytes;
  extend(sha_, chain_, found.link);
  if (file_.size() >= billing::event_file_bytes) flush_events();
}

void BundleBuilder::add_usage(const EventView& event) {
  spread_over_days(event.quantity, usage_span(event), engine_.genesis().offset,
                   [&](LocalDay day, Quantity part) {
                     if (month_of(day) != month_) return;
                     totals_[{day, std::string(event.sku), std::string(event.project)}] += part;
                   });
}

void BundleBuilder::note_correction(EventOrdinal corrected, const EventView& event) {
  const auto [known, is_new] = corrections_.try_emplace(corrected);
  Correction& latest = known->second;
  if (!is_new && std::tuple(*event.time, event.source, event.id) <=
                     std::tuple(latest.time, std::string_view(latest.source), std::string_view(latest.id)))
    return;
  latest = {*event.time, std::string(event.source), std::string(event.id), event.quantity};
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

/// Totals decide which SKUs the statement rests on: one whose usage was voided is not among them.
Result<void> BundleBuilder::apply_corrections() {
  const UtcOffset offset = engine_.genesis().offset;
  for (std::size_t i = 0; i < corrections_per_step && !corrections_.empty(); ++i) {
    const auto [ordinal, correction] = *corrections_.begin();
    corrections_.erase(corrections_.begin());
    engine_.visit_event(ordinal, [&, latest = correction](const EventView& usage, EventPlace, Instant) {
      const auto add = [&](Quantity quantity, int sign) {
        spread_over_days(quantity, usage_span(usage), offset, [&](LocalDay day, Quantity part) {
          if (part_.through < month_of(day)) return;
          totals_[{day, std::string(usage.sku), std::string(usage.project)}] += Quantity{part.nanos * sign};
        });
      };
      add(usage.quantity, -1);
      add(latest.quantity, 1);
    });
  }
  if (corrections_.empty()) return plan_facts();
  first([this] { return apply_corrections(); });
  return {};
}

// Facts ---------------------------------------------------------------------------------------------------

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
  std::set<std::string> skus;
  for (const auto& [key, quantity] : totals_)
    if (!quantity.is_zero()) skus.insert(std::get<1>(key));
  for (const auto& [month, billed] : ledger.billed_before(firm_, period_))
    for (const auto& [key, figures] : billed.lines) skus.insert(key.sku.value);
  for (const std::string& sku : skus) add(FactKind::sku, sku);
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
  for (const auto& [position, indexes] : by_record)
    then([this, position = position, indexes = indexes] { return read_facts(position, indexes); });
  then([this] { return write_facts(); });
  return {};
}

Result<void> BundleBuilder::read_facts(Position position, const std::vector<std::uint32_t>& indexes) {
  const auto wanted = [&indexes](std::uint32_t index, std::string_view) {
    return std::find(indexes.begin(), indexes.end(), index) != indexes.end();
  };
  if (auto read = read_in_parts(position, wanted); !read) return read;
  write_parts("facts", ".json", position, records_.at(position));
  return {};
}

Result<void> BundleBuilder::write_facts() {
  out_.add(billing::bundle_manifest, billing::to_json({firm_, period_, close_, tree_size_}));
  const auto genesis = engine_.journal().read(1);
  if (!genesis) return failed(genesis.error().detail);
  records_[1].leaf = encode_record(genesis->header, genesis->payload);
  for (const auto& [position, record] : records_)
    then([this, position = position] { return write_record(position); });
  then([this] { return finish(); });
  return {};
}

// Records -------------------------------------------------------------------------------------------------

Result<void> BundleBuilder::write_record(Position position) {
  const MerkleTree& tree = engine_.tree();
  for (const std::uint64_t block : tree.blocks_for_leaf(position - 1, tree_size_)) {
    if (const auto known = blocks_.find(block);
        known != blocks_.end() && known->second.size() == MerkleTree::block_leaves)
      continue;
    first([this, position] { return write_record(position); });
    first([this, block] { return hash_block(block, 0); });
    return {};
  }
  const std::string stem = billing::bundle_record(position);
  out_.add(stem + ".leaf", records_.at(position).leaf);
  out_.add(stem + ".path", joined(tree.inclusion_proof(position - 1, tree_size_, blocks_)));
  return {};
}

Result<void> BundleBuilder::hash_block(std::uint64_t block, std::uint64_t from) {
  auto& leaves = blocks_[block];
  const std::uint64_t until = std::min(from + leaves_per_step, MerkleTree::block_leaves);
  for (std::uint64_t leaf = from; leaf < until; ++leaf) {
    Result<TreeHash> hash = TreeHash{};
    const auto read =
        engine_.journal().read_in_place(block * MerkleTree::block_leaves + leaf + 1,
                                        [&](const RecordHeader& header, std::string_view payload) {
                                          hash = record_leaf_hash(sha_, header, payload);
                                        });
    if (!read) return failed(read.error().detail);
    if (!hash) return failed(hash.error().detail);
    leaves.push_back(*hash);
  }
  if (until < MerkleTree::block_leaves) {
    first([this, block, until] { return hash_block(block, until); });
  } else if (!engine_.tree().holds_block(block, leaves)) {
    return failed("the records from " + std::to_string(block * MerkleTree::block_leaves + 1) +
                  " on are not those that the tree was made of");
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
