// Bytes of this room: little-endian base-128 varints, zigzag for signed numbers, texts with
// their length in front. A number has one spelling: the shortest. The reader treats its input as
// damaged until proven otherwise: after
// the first thing that can't be, it is not ok() and gives zeros and empty texts, so that
// callers check once per structure; what sizes an allocation they check before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "metering/core/int128.h"

namespace voucherd {

inline constexpr std::size_t varint_bytes_max = 10;

inline constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

/// Writes at `at`, which has varint_bytes_max bytes of room; returns the end.
inline char* write_varint(char* at, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(static_cast<unsigned char>(value | 0x80));
  *at++ = static_cast<char>(static_cast<unsigned char>(value));
  return at;
}

inline void put_varint(std::string& out, std::uint64_t value) {
  char bytes[varint_bytes_max];
  out.append(bytes, static_cast<std::size_t>(write_varint(bytes, value) - bytes));
}
inline void put_signed(std::string& out, std::int64_t value) { put_varint(out, zigzag(value)); }
void put_int128(std::string& out, Int128 value);
inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  std::uint64_t varint() {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) return static_cast<unsigned char>(*at_++);
    return long_varint();
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  /// A varint that must be at most `max`.
  std::uint64_t varint_up_to(std::uint64_t max) {
    const std::uint64_t value = varint();
    return value <= max ? value : fail();
  }
  Int128 int128();
  std::uint64_t fixed64();
  std::uint8_t byte() {
    return at_ != end_ ? static_cast<unsigned char>(*at_++) : static_cast<std::uint8_t>(fail());
  }
  std::string_view text() { return bytes(varint()); }
  std::string_view bytes(std::uint64_t count);

  bool ok() const { return ok_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  std::string_view rest() const { return {at_, left()}; }
  /// Marks the input as damaged; returns 0.
  std::uint64_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

 private:
  std::uint64_t long_varint();
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace voucherd
