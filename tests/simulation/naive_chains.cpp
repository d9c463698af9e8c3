// As slow and short as it can be: each chain is built by walking over all events again.
#include "tests/simulation/naive_chains.h"

#include <openssl/sha.h>

#include <algorithm>
#include <set>

namespace naive {

namespace {

std::string sha256(const std::string& bytes) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char each : bytes) {
    const unsigned byte = static_cast<unsigned char>(each);
    for (const unsigned shift : {4U, 0U}) out += "0123456789abcdef"[byte >> shift & 15];
  }
  return out;
}

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i, value /= 256) out += static_cast<char>(value % 256);
  return out;
}
std::string number(std::int64_t value, int bytes) { return number(static_cast<std::uint64_t>(value), bytes); }

std::string text(const std::string& value) { return number(std::uint64_t{value.size()}, 2) + value; }

std::string bytes_of(const PlacedEvent& placed) {
  const Event& event = placed.event;
  std::string out =
      number(std::int64_t{event.correction ? 2 : 1}, 1) + number(std::uint64_t{placed.index}, 4);
  out += number(std::int64_t{(event.time ? 1 : 0) + (event.start ? 2 : 0)}, 1);
  if (event.time) out += number(*event.time, 8);
  if (event.start) out += number(*event.start, 8) + number(*event.end, 8);
  out += number(std::int64_t{std::stoll(event.quantity.str())}, 8);
  for (const std::string& each : {event.source, event.id, event.sku, event.project, event.node, event.job}) {
    out += text(each);
  }
  if (event.correction) out += text(event.corrects_source) + text(event.corrects_id) + text(event.reason);
  return out;
}

std::set<int> months_of_usage(const Event& event, int offset) {
  const std::int64_t from = event.start ? *event.start : *event.time,
                     to = event.end ? *event.end : *event.time;
  std::set<int> months;
  int day = local_day_of(from, offset);
  do {
    months.insert(month_of_day(day));
    ++day;
  } while (day_start_ms(day, offset) < to);
  return months;
}

std::set<int> months_of(const Event& event, const std::vector<PlacedEvent>& all, int offset) {
  if (!event.correction) return months_of_usage(event, offset);
  for (const PlacedEvent& other : all) {
    if (other.event.source == event.corrects_source && other.event.id == event.corrects_id) {
      return months_of_usage(other.event, offset);
    }
  }
  return {};
}

class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string take(std::uint64_t count) {
    std::string out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }
  std::uint64_t number(std::uint64_t bytes) {
    std::uint64_t value = 0, weight = 1;
    for (const char byte : take(bytes)) {
      value += static_cast<unsigned char>(byte) * weight;
      weight *= 256;
    }
    return value;
  }

 private:
  std::string bytes_;
  std::uint64_t at_ = 0;
};

}  // namespace

std::string sha256_hex(const std::string& bytes) { return hex(sha256(bytes)); }

ChainTexts chains_of(std::vector<PlacedEvent> events, int offset) {
  std::sort(events.begin(), events.end(), [](const PlacedEvent& a, const PlacedEvent& b) {
    return std::tie(a.position, a.index) < std::tie(b.position, b.index);
  });
  // By firm and month: the bytes of the events of each record.
  std::map<std::pair<std::string, int>, std::map<std::uint64_t, std::vector<std::string>>> records;
  for (const PlacedEvent& placed : events) {
    for (const int month : months_of(placed.event, events, offset)) {
      records[{placed.event.subject, month}][placed.position].push_back(bytes_of(placed));
    }
  }
  ChainTexts chains;
  for (const auto& [key, of_positions] : records) {
    std::string value(32, '\0');
    std::uint64_t count = 0;
    for (const auto& [position, all] : of_positions) {
      std::string joined;
      for (const std::string& each : all) joined += each;
      value = sha256("\x02" + value + number(position, 8) + number(std::uint64_t{all.size()}, 4) +
                     sha256(joined));
      count += all.size();
    }
    chains[key] = std::to_string(count) + ":" + hex(value);
  }
  return chains;
}

ClosedParts parts_of_close(const std::string& payload) {
  Reader in(payload);
  in.take(32);
  in.take(in.number(4));
  ClosedParts parts;
  for (std::uint64_t left = in.number(4); left > 0; --left) {
    Reader part(in.take(in.number(4)));
    const std::string firm = part.take(part.number(2));
    part.number(4);
    for (std::uint64_t statements = part.number(2); statements > 0; --statements) {
      const int month = static_cast<int>(part.number(4));
      parts.statements[{firm, month}] = hex(part.take(32));
    }
    part.take(32);
    for (std::uint64_t chains = part.number(2); chains > 0; --chains) {
      const int month = static_cast<int>(part.number(4));
      const std::uint64_t count = part.number(8);
      parts.chains[{firm, month}] = std::to_string(count) + ":" + hex(part.take(32));
    }
  }
  return parts;
}

}  // namespace naive
