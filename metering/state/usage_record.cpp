// The payload of a usage record: what was quarantined in front, who sent it, the block of accepted
// events behind it. FORMAT.md (metering/journal) describes the layout.
#include "metering/state/usage_record.h"

#include <algorithm>
#include <charconv>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"
#include "metering/state/byte_coding.h"
#include "metering/state/compression.h"

namespace voucherd {

namespace {

constexpr std::int32_t months_max = 200'000;  // beyond any month of the years 0000 to 9999, either way

Fault damaged(const char* what) {
  return {"usage_record_damaged",
          std::string("a usage record can't be read: ") + what + "; restore the journal from a backup"};
}

void put_quarantined(std::string& out, const QuarantinedEvent& event) {
  out.push_back(static_cast<char>(event.code));
  for (const std::string* text : {&event.detail, &event.source, &event.id, &event.subject, &event.sku}) {
    put_text(out, *text);
  }
  put_signed(out, event.months.first.months);
  put_signed(out, event.months.last.months);
  put_text(out, event.raw);
  put_little_endian(out, event.fingerprint);
}

QuarantinedEvent read_quarantined(ByteReader& in) {
  QuarantinedEvent event;
  event.code = static_cast<ReasonCode>(in.byte());
  for (std::string* text : {&event.detail, &event.source, &event.id, &event.subject, &event.sku}) {
    *text = in.text();
  }
  const std::int64_t first = in.signed_varint();
  const std::int64_t last = in.signed_varint();
  if (first < -months_max || last > months_max || last < first) {
    in.fail();
    return event;
  }
  event.months = {{static_cast<std::int32_t>(first)}, {static_cast<std::int32_t>(last)}};
  event.raw = in.text();
  event.fingerprint = in.fixed64();
  return event;
}

bool is_waiting(const QuarantinedEvent& event) {
  return !event.corrects_source.empty() || !event.corrects_id.empty();
}

void put_number(std::string& out, QuarantineNumber number) {
  put_varint(out, number.position);
  put_varint(out, number.index);
}

QuarantineNumber read_number(ByteReader& in) {
  const std::uint64_t position = in.varint();
  return {position, static_cast<std::uint32_t>(in.varint_up_to(0xffff'ffff))};
}

void put_waiting(std::string& out, const std::vector<QuarantinedEvent>& events) {
  put_varint(out, static_cast<std::uint64_t>(std::count_if(events.begin(), events.end(), is_waiting)));
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!is_waiting(events[i])) continue;
    put_varint(out, i);
    put_text(out, events[i].corrects_source);
    put_text(out, events[i].corrects_id);
  }
}

void read_waiting(ByteReader& in, std::vector<QuarantinedEvent>& events) {
  std::uint64_t next = 0;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::uint64_t index = in.varint();
    if (index < next || index >= events.size()) {
      in.fail();
      return;
    }
    events[index].corrects_source = in.text();
    events[index].corrects_id = in.text();
    if (!is_waiting(events[index])) in.fail();
    next = index + 1;
  }
}

void put_released(std::string& out, const std::vector<QuarantineRelease>& released) {
  put_varint(out, released.size());
  for (const QuarantineRelease& release : released) {
    put_number(out, release.number);
    put_text(out, release.by_kind);
    put_text(out, release.by_id);
  }
}

void read_released(ByteReader& in, std::vector<QuarantineRelease>& released) {
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    QuarantineRelease release;
    release.number = read_number(in);
    release.by_kind = in.text();
    release.by_id = in.text();
    released.push_back(std::move(release));
  }
}

bool read_quarantine(std::string_view bytes, UsageRecord& record) {
  ByteReader in(bytes);
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    record.quarantined.push_back(read_quarantined(in));
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    record.resent.push_back(read_number(in));
  }
  if (in.ok() && in.left() != 0) {
    read_waiting(in, record.quarantined);
    read_released(in, record.released);
  }
  return in.ok() && in.left() == 0;
}

}  // namespace

std::string UsageRecord::encode() const {
  std::string out;
  put_varint(out, first_ordinal);
  std::string quarantine;
  if (!quarantined.empty() || !resent.empty() || !released.empty()) {
    std::string plain;
    put_varint(plain, quarantined.size());
    for (const QuarantinedEvent& event : quarantined) put_quarantined(plain, event);
    put_varint(plain, resent.size());
    for (const QuarantineNumber& number : resent) put_number(plain, number);
    const bool waits = std::any_of(quarantined.begin(), quarantined.end(), is_waiting);
    if (waits || !released.empty()) {
      put_waiting(plain, quarantined);
      put_released(plain, released);
    }
    append_compressed(quarantine, plain);
  }
  put_text(out, quarantine);
  put_text(out, submissions.encode(counts()));
  return out + events.encode();
}

Result<UsageRecord> UsageRecord::decode(std::string_view payload, std::uint16_t version) {
  ByteReader in(payload);
  UsageRecord record;
  record.first_ordinal = in.varint();
  const std::string_view quarantine = in.text();
  const std::string_view submissions = version >= submissions_version ? in.text() : std::string_view();
  if (!in.ok()) return damaged("it is cut off");
  if (!quarantine.empty()) {
    const Bytes plain = decompress(quarantine);
    if (plain.data == nullptr) return damaged("its compressed quarantine is damaged");
    if (!read_quarantine(plain.view(), record)) return damaged("its quarantine contradicts itself");
  }
  Result<EventBlock> events = EventBlock::decode(in.rest(), version);
  if (!events) return events.error();
  record.events = std::move(*events);
  auto sent = Submissions::decode(submissions);
  if (!sent || sent->counts().value_or(record.counts()) != record.counts()) {
    return damaged("who sent it does not fit what it holds");
  }
  record.submissions = std::move(*sent);
  return record;
}

Result<Submissions> UsageRecord::submissions_of(std::string_view payload, std::uint16_t version) {
  if (version < submissions_version) return Submissions();
  ByteReader in(payload);
  in.varint();  // the first ordinal
  in.text();    // the quarantine
  auto sent = Submissions::decode(in.text());
  if (!in.ok() || !sent) return damaged("who sent it can't be read");
  return std::move(*sent);
}

std::string to_string(QuarantineNumber number) {
  return std::to_string(number.position) + "." + std::to_string(number.index);
}

Result<QuarantineNumber> parse_quarantine_number(std::string_view text) {
  QuarantineNumber number;
  const char* const end = text.data() + text.size();
  const auto position = std::from_chars(text.data(), end, number.position);
  if (position.ec == std::errc() && position.ptr != end && *position.ptr == '.') {
    const auto index = std::from_chars(position.ptr + 1, end, number.index);
    // Only the number's own spelling: "01842.0" names nothing.
    if (index.ec == std::errc() && index.ptr == end && to_string(number) == text) return number;
  }
  return Fault{"quarantine_number_malformed",
               "a quarantine number is the position of its record and an index, like 1842.0"};
}

}  // namespace voucherd
