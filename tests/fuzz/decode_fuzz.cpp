// The decoder under any bytes. The first byte picks the format; the body lies in memory of
// exactly its size and the promised padding. Beyond "no crash, no read out of bounds":
//   - views point into the body or into the batch's arena, and are valid UTF-8 throughout;
//   - what is called good is good: limits, firm's code, quantity, interval;
//   - an event reads the same alone, in an array and as a line;
//   - a body reads the same to a decoder that has just read it, and so knows its events' shapes.
#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "metering/core/assert.h"
#include "metering/core/ids.h"
#include "metering/wire/decode.h"

namespace {

using voucherd::EventKind;
using voucherd::EventView;
using voucherd::Quantity;
using voucherd::wire::Batch;
using voucherd::wire::BodyFormat;
using voucherd::wire::Item;

/// A decoded body together with its bytes.
struct Decoded {
  std::unique_ptr<char[]> bytes;
  boost::system::result<Batch, voucherd::wire::BodyFault> result;
};

Decoded decode(std::string_view body, BodyFormat format, char padding) {
  auto bytes = std::make_unique<char[]>(body.size() + voucherd::wire::body_padding_bytes);
  std::memcpy(bytes.get(), body.data(), body.size());
  std::memset(bytes.get() + body.size(), padding, voucherd::wire::body_padding_bytes);
  voucherd::wire::Decoder decoder;
  auto result = decoder.decode({bytes.get(), body.size()}, format);
  return {std::move(bytes), std::move(result)};
}

void check_text(std::string_view text, std::size_t bytes_max) {
  VOUCHERD_ASSERT(text.size() <= bytes_max);
  VOUCHERD_ASSERT(simdjson::validate_utf8(text.data(), text.size()));
  VOUCHERD_ASSERT(text.find('\0') == std::string_view::npos);
}

void check_texts(const EventView& event) {
  check_text(event.source, voucherd::event_source_bytes_max);
  check_text(event.id, voucherd::event_id_bytes_max);
  check_text(event.corrects_source, voucherd::event_source_bytes_max);
  check_text(event.corrects_id, voucherd::event_id_bytes_max);
  check_text(event.reason, voucherd::event_reason_bytes_max);
  for (const std::string_view label : {event.subject, event.sku, event.project, event.node, event.job}) {
    check_text(label, voucherd::event_label_bytes_max);
  }
}

void check_good(const EventView& event) {
  VOUCHERD_ASSERT(!event.source.empty() && !event.id.empty() && voucherd::is_uscc(event.subject));
  VOUCHERD_ASSERT(event.quantity.nanos <= Quantity::event_nanos_max);
  if (event.kind == EventKind::correction) {
    VOUCHERD_ASSERT(event.time && event.quantity.nanos >= 0);
    VOUCHERD_ASSERT(!event.corrects_source.empty() && !event.corrects_id.empty() && !event.reason.empty());
    VOUCHERD_ASSERT(event.sku.empty() && event.project.empty() && !event.start && !event.end);
    return;
  }
  VOUCHERD_ASSERT(event.quantity.nanos > 0 && !event.sku.empty());
  VOUCHERD_ASSERT(event.start.has_value() == event.end.has_value() && (event.start || event.time));
  VOUCHERD_ASSERT(!event.start || *event.start <= *event.end);
  VOUCHERD_ASSERT(event.corrects_source.empty() && event.corrects_id.empty() && event.reason.empty());
}

void check_items(const Decoded& decoded, std::size_t body_bytes) {
  for (const Item& item : decoded.result->items) {
    VOUCHERD_ASSERT(item.raw.data() >= decoded.bytes.get());
    VOUCHERD_ASSERT(item.raw.data() + item.raw.size() <= decoded.bytes.get() + body_bytes);
    check_texts(item.event);
    if (!item.problem) {
      check_good(item.event);
    } else {
      VOUCHERD_ASSERT(!item.problem->detail.empty() && item.problem->detail.size() < 1000);
      VOUCHERD_ASSERT(simdjson::validate_utf8(item.problem->detail));
    }
  }
}

void check_same_again(const Decoded& decoded, std::string_view body, BodyFormat format) {
  voucherd::wire::Decoder knowing;
  for (int i = 0; i < 2; ++i) {
    const auto again = knowing.decode({decoded.bytes.get(), body.size()}, format);
    VOUCHERD_ASSERT(again.has_value() == decoded.result.has_value());
    if (!again) return;
    VOUCHERD_ASSERT(again->items.size() == decoded.result->items.size());
    VOUCHERD_ASSERT(again->ignored_members == decoded.result->ignored_members);
    for (std::size_t at = 0; at < again->items.size(); ++at) {
      const Item &one = again->items[at], &other = decoded.result->items[at];
      VOUCHERD_ASSERT(one.event == other.event && one.raw == other.raw);
      VOUCHERD_ASSERT(one.problem.has_value() == other.problem.has_value());
      VOUCHERD_ASSERT(!one.problem || one.problem->detail == other.problem->detail);
    }
  }
}

/// A single event's bytes, read the three ways.
void check_formats_agree(std::string_view event_bytes, char padding) {
  const Decoded alone = decode(event_bytes, BodyFormat::event, padding);
  if (!alone.result) return;
  const Decoded batch = decode("[" + std::string(event_bytes) + "]", BodyFormat::batch, padding);
  VOUCHERD_ASSERT(batch.result && batch.result->items.size() == 1);
  const Item &one = alone.result->items.front(), &other = batch.result->items.front();
  VOUCHERD_ASSERT(one.event == other.event && one.raw == other.raw);
  VOUCHERD_ASSERT(one.problem.has_value() == other.problem.has_value());
  VOUCHERD_ASSERT(!one.problem || one.problem->code == other.problem->code);
  if (event_bytes.find('\n') != std::string_view::npos) return;
  const Decoded line = decode(event_bytes, BodyFormat::ndjson, padding);
  VOUCHERD_ASSERT(line.result && line.result->items.size() == 1);
  VOUCHERD_ASSERT(line.result->items.front().event == one.event);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr char paddings[] = {'}', ']', '"', '\0', ' ', ','};
  const auto format = static_cast<BodyFormat>(data[0] % 4);
  const char padding = paddings[data[0] / 4 % sizeof paddings];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Decoded decoded = decode(body, format, padding);
  if (decoded.result) check_items(decoded, body.size());
  check_same_again(decoded, body, format);
  if (!decoded.result) VOUCHERD_ASSERT(!decoded.result.error().detail.empty());
  if (format == BodyFormat::event) check_formats_agree(body, padding);
  return 0;
}
