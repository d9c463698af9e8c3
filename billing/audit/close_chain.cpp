#include "billing/audit/close_chain.h"

#include <algorithm>

#include "billing/audit/refused.h"
#include "billing/audit/untrusted_text.h"
#include "metering/state/byte_coding.h"

namespace voucherd::billing {

namespace {

Month read_month(ByteReader& in) {
  const std::int64_t months = in.signed_varint();
  if (months != static_cast<std::int32_t>(months)) in.fail();
  return Month{static_cast<std::int32_t>(months)};
}

bool has_four_digits(Month month) {
  constexpr std::int32_t year_first = 1970, years_max = 10'000;
  return month.months >= -12 * year_first && month.months < 12 * (years_max - year_first);
}

ClosePart read_part(std::string_view bytes, const FirmId& firm, Month last, const std::string& where) {
  auto part = decode_close_part(bytes);
  if (!part) throw Refused{where, part.error().detail};
  refuse_unless(part->firm == firm && part->through == last, where, "is of another firm or month");
  for (const auto& [month, digest] : part->statements)
    refuse_unless(has_four_digits(month), where, "names a month that can't be");
  return std::move(*part);
}

}  // namespace

std::optional<ShownClose> decode_shown_close(const RecordHeader& header, std::string_view shared) {
  ByteReader in(shared);
  ShownClose close;
  close.position = header.position;
  close.at = header.intake_time;
  close.first = read_month(in);
  close.last = read_month(in);
  close.by.kind = in.text();
  close.by.id = in.text();
  close.reason = in.text();
  close.previous = in.varint();
  if (!in.ok() || in.left() != 0 || close.last < close.first) return std::nullopt;
  return close;
}

CloseChain read_closes(BundleFiles& files, ProvenRecords& records, const FirmId& firm, Month period) {
  CloseChain chain;
  std::map<Position, Month> last_of;
  for (const Position position : records.positions(RecordType::close)) {
    const ShortLeaf& record = records.in_parts(position, RecordType::close);
    const auto close = decode_shown_close(record.header, record.shared);
    const Position previous = chain.closes.empty() ? 0 : chain.closes.back().position;
    refuse_unless(close && close->previous == previous, bundle_record(position) + ".leaf",
                  "is not a close, or the one before it is not in the bundle");
    const bool can_be = close->at.ms > -instant_ms_max && close->at.ms < instant_ms_max &&
                        has_four_digits(close->first) && has_four_digits(close->last);
    refuse_unless(can_be, bundle_record(position) + ".leaf", "names a time that can't be");
    for (const auto* text : {&close->by.kind, &close->by.id, &close->reason})
      refuse_broken_text(*text, bundle_record(position) + ".leaf");
    last_of.emplace(position, close->last);
    chain.closes.push_back(*close);
  }
  refuse_unless(
      !chain.closes.empty() && chain.closes.back().first <= period && period <= chain.closes.back().last,
      "records", "the last close is not that of the month");
  for (const std::string& name : files.names("closes/", ".part")) {
    const ProvenRecords::Part part = records.part(name, RecordType::close);
    refuse_unless(last_of.contains(part.position) && !chain.parts.contains(part.position), name,
                  "is of a close that is not there, or of one twice");
    chain.parts.emplace(part.position, read_part(part.bytes, firm, last_of.at(part.position), name));
  }
  refuse_unless(chain.parts.contains(chain.closes.back().position), "closes",
                "the firm's part of the month's close is missing");
  return chain;
}

void check_chains(const CloseChain& closes, const FirmEvents& events) {
  for (const ShownClose& close : closes.closes) {
    MonthChains stood;
    for (const auto& [month, links] : events.chains) {
      if (close.last < month) break;
      const auto after = std::partition_point(links.begin(), links.end(), [&close](const ChainAt& link) {
        return link.position < close.position;
      });
      const Chain& chain = (after - 1)->chain;  // the first one is at position 0
      if (chain.events > 0) stood.emplace(month, chain);
    }
    const auto part = closes.parts.find(close.position);
    const bool said = part != closes.parts.end() && part->second.chains == stood;
    refuse_unless(said || (part == closes.parts.end() && stood.empty()), "events",
                  "they are not those that a close fixed: one was added, left out or changed");
  }
}

}  // namespace voucherd::billing
