// Entries in the order of their numbers, with four indexes beside them that are derived from
// the entries alone: what is saved is the entries.
#include "metering/state/quarantine.h"

#include <algorithm>

#include "metering/core/assert.h"
#include "metering/core/ids.h"
#include "metering/journal/encoding.h"
#include "metering/state/saved_values.h"

namespace voucherd {

namespace {

/// At most a few bytes over `bytes_max`, never within a UTF-8 sequence. What is cut stays longer than
/// the limit, so that it can't be taken for another text that is within it.
std::string bounded(const std::string& text, std::size_t bytes_max) {
  std::size_t end = std::min(text.size(), bytes_max + 1);
  for (int i = 0; i < 3 && end < text.size(); ++i, ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0u) != 0x80u) break;
  }
  return text.substr(0, end);
}

std::uint64_t identity_of(std::string_view source, std::string_view id) {
  return identity_hash(source, id, 0);
}

/// Whether the acceptance of its identity closes the entry. A conflict's identity is accepted
/// already; an identity beyond the limits is never accepted.
bool is_closed_by_identity(const QuarantineEntry& entry) {
  return entry.code != ReasonCode::conflict && entry.source.size() <= event_source_bytes_max &&
         entry.id.size() <= event_id_bytes_max;
}

bool waits_for_event(const QuarantineEntry& entry) {
  return entry.code == ReasonCode::correction_target_unknown;
}

Fault damaged() {
  return {"checkpoint_damaged", "the quarantine of a checkpoint can't be read; it is passed over"};
}

constexpr std::int64_t months_max = 200'000;

void put_entry(std::string& out, const QuarantineEntry& entry) {
  put_varint(out, entry.number.position);
  put_varint(out, entry.number.index);
  out.push_back(static_cast<char>(entry.code));
  for (const std::string* text : {&entry.detail, &entry.source, &entry.id, &entry.subject, &entry.sku,
                                  &entry.corrects_source, &entry.corrects_id}) {
    put_text(out, *text);
  }
  put_signed(out, entry.months.first.months);
  put_signed(out, entry.months.last.months);
  put_signed(out, entry.received_at.ms);
  put_little_endian(out, entry.fingerprint);
  put_varint(out, entry.times_sent);
}

QuarantineEntry read_entry(ByteReader& in) {
  QuarantineEntry entry;
  entry.number.position = in.varint_up_to(saved_count_max);
  entry.number.index = static_cast<std::uint32_t>(in.varint_up_to(0xffff'ffff));
  entry.code = static_cast<ReasonCode>(in.byte());
  for (std::string* text : {&entry.detail, &entry.source, &entry.id, &entry.subject, &entry.sku,
                            &entry.corrects_source, &entry.corrects_id}) {
    *text = in.text();
  }
  const std::int64_t first = in.signed_varint();
  const std::int64_t last = in.signed_varint();
  if (first < -months_max || last > months_max || last < first) in.fail();
  if (!in.ok()) return entry;
  entry.months = {{static_cast<std::int32_t>(first)}, {static_cast<std::int32_t>(last)}};
  entry.received_at = read_instant(in);
  entry.fingerprint = in.fixed64();
  entry.times_sent = in.varint_up_to(saved_count_max);
  if (entry.times_sent == 0) in.fail();
  return entry;
}

}  // namespace

bool is_kept_as(std::string_view kept, std::string_view sent) {
  // Sources and ids have the same limit; what was cut is still longer than that.
  static_assert(event_source_bytes_max == event_id_bytes_max);
  return kept == sent || (kept.size() > event_source_bytes_max && sent.substr(0, kept.size()) == kept);
}

void Quarantine::add(const QuarantinedEvent& event, QuarantineNumber number, Instant received_at) {
  VOUCHERD_ASSERT(entries_.empty() || entries_.rbegin()->first < number);
  QuarantineEntry entry{.number = number,
                        .code = event.code,
                        .detail = bounded(event.detail, quarantine_detail_bytes_max),
                        .source = bounded(event.source, event_source_bytes_max),
                        .id = bounded(event.id, event_id_bytes_max),
                        .subject = bounded(event.subject, event_label_bytes_max),
                        .sku = bounded(event.sku, event_label_bytes_max),
                        .corrects_source = bounded(event.corrects_source, event_source_bytes_max),
                        .corrects_id = bounded(event.corrects_id, event_id_bytes_max),
                        .months = event.months,
                        .received_at = received_at,
                        .fingerprint = event.fingerprint,
                        .times_sent = 1};
  index(*entries_.emplace_hint(entries_.end(), number, std::make_shared<QuarantineEntry>(std::move(entry)))
             ->second);
}

void Quarantine::index(const QuarantineEntry& entry) {
  by_fingerprint_.emplace(entry.fingerprint, entry.number);
  if (is_closed_by_identity(entry)) {
    by_identity_[identity_of(entry.source, entry.id)].insert(entry.number);
  }
  if (waits_for_event(entry)) {
    by_target_[identity_of(entry.corrects_source, entry.corrects_id)].insert(entry.number);
  }
  ++blocking_changes_[entry.months.first];
  --blocking_changes_[entry.months.last.next()];
}

void Quarantine::erase(Entries::iterator at) {
  const QuarantineEntry& entry = *at->second;
  by_fingerprint_.erase({entry.fingerprint, entry.number});
  if (is_closed_by_identity(entry)) {
    unindex(by_identity_, identity_of(entry.source, entry.id), entry.number);
  }
  if (waits_for_event(entry)) {
    unindex(by_target_, identity_of(entry.corrects_source, entry.corrects_id), entry.number);
  }
  if (--blocking_changes_[entry.months.first] == 0) blocking_changes_.erase(entry.months.first);
  const Month behind = entry.months.last.next();
  if (++blocking_changes_[behind] == 0) blocking_changes_.erase(behind);
  entries_.erase(at);
}

void Quarantine::unindex(ByHash& numbers, std::uint64_t hash, QuarantineNumber number) {
  const auto same = numbers.find(hash);
  VOUCHERD_ASSERT(same != numbers.end());
  same->second.erase(number);
  if (same->second.empty()) numbers.erase(same);
}

void Quarantine::count_resent(QuarantineNumber number) {
  // The sequencer knows durable entries; one may have been closed by a record between.
  const auto entry = entries_.find(number);
  if (entry == entries_.end()) return;
  auto counted = std::make_shared<QuarantineEntry>(*entry->second);
  ++counted->times_sent;
  entry->second = std::move(counted);
}

bool Quarantine::close(QuarantineNumber number) {
  const auto entry = entries_.find(number);
  if (entry == entries_.end()) return false;
  erase(entry);
  return true;
}

void Quarantine::close_identity(std::string_view source, std::string_view id) {
  const auto same = by_identity_.find(identity_of(source, id));
  if (same == by_identity_.end()) return;
  const std::set<QuarantineNumber> candidates = same->second;  // a copy: erase() changes the index
  for (const QuarantineNumber number : candidates) {
    const auto entry = entries_.find(number);
    if (entry->second->source == source && entry->second->id == id) erase(entry);
  }
}

std::vector<QuarantineNumber> Quarantine::waiting_for(std::string_view source, std::string_view id) const {
  std::vector<QuarantineNumber> waiting;
  const auto same = by_target_.find(identity_of(source, id));
  if (same == by_target_.end()) return waiting;
  for (const QuarantineNumber number : same->second) {
    const QuarantineEntry& entry = *entries_.find(number)->second;
    if (entry.corrects_source == source && entry.corrects_id == id) waiting.push_back(number);
  }
  return waiting;
}

const QuarantineEntry* Quarantine::find(QuarantineNumber number) const {
  const auto entry = entries_.find(number);
  return entry == entries_.end() ? nullptr : entry->second.get();
}

std::optional<QuarantineNumber> Quarantine::find_fingerprint(std::uint64_t fingerprint) const {
  const auto first = by_fingerprint_.lower_bound({fingerprint, QuarantineNumber{}});
  if (first == by_fingerprint_.end() || first->first != fingerprint) return std::nullopt;
  return first->second;
}

void Quarantine::visit(QuarantineNumber after,
                       const std::function<bool(const QuarantineEntry&)>& visit) const {
  for (auto entry = entries_.upper_bound(after); entry != entries_.end(); ++entry) {
    if (!visit(*entry->second)) return;
  }
}

std::uint64_t Quarantine::blocking(Month month) const {
  std::int64_t entries = 0;
  for (const auto& [from, change] : blocking_changes_) {
    if (from > month) break;
    entries += change;
  }
  return static_cast<std::uint64_t>(entries);
}

Quarantine::Snapshot Quarantine::snapshot() const {
  Snapshot snapshot;
  snapshot.entries_.reserve(entries_.size());
  for (const auto& [number, entry] : entries_) snapshot.entries_.push_back(entry);
  return snapshot;
}

void Quarantine::Snapshot::save(std::string& out) const {
  put_varint(out, entries_.size());
  for (const auto& entry : entries_) put_entry(out, *entry);
}

Result<Quarantine> Quarantine::load(std::string_view& in) {
  ByteReader reader(in);
  Quarantine quarantine;
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    QuarantineEntry entry = read_entry(reader);
    const bool in_order = quarantine.entries_.empty() || quarantine.entries_.rbegin()->first < entry.number;
    if (!reader.ok() || !in_order) return damaged();
    const QuarantineNumber number = entry.number;
    auto kept = std::make_shared<const QuarantineEntry>(std::move(entry));
    quarantine.index(*kept);
    quarantine.entries_.emplace_hint(quarantine.entries_.end(), number, std::move(kept));
  }
  if (!reader.ok()) return damaged();
  in = reader.rest();
  return quarantine;
}

}  // namespace voucherd
