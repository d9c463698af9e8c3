// The parts of byte_coding.h that are not for inner loops.
#include "metering/state/byte_coding.h"

#include "metering/journal/encoding.h"

namespace voucherd {

void put_int128(std::string& out, Int128 value) {
  UInt128 bits = (static_cast<UInt128>(value) << 1) ^ static_cast<UInt128>(value >> 127);
  for (; bits >= 0x80; bits >>= 7) {
    out.push_back(static_cast<char>(static_cast<unsigned char>((bits & 0x7f) | 0x80)));
  }
  out.push_back(static_cast<char>(static_cast<unsigned char>(bits)));
}

std::uint64_t ByteReader::long_varint() {
  std::uint64_t value = 0;
  for (int shift = 0; at_ != end_; shift += 7) {
    const std::uint64_t next = static_cast<unsigned char>(*at_++);
    if (shift == 63 && next > 1) return fail();
    value |= (next & 0x7f) << shift;
    if (next < 0x80) return next != 0 || shift == 0 ? value : fail();
  }
  return fail();
}

Int128 ByteReader::int128() {
  UInt128 bits = 0;
  for (int shift = 0; at_ != end_; shift += 7) {
    const auto next = static_cast<unsigned char>(*at_++);
    if ((shift == 126 && next > 3) || (shift > 0 && next == 0)) break;
    bits |= static_cast<UInt128>(next & 0x7f) << shift;
    if (next < 0x80) return static_cast<Int128>((bits >> 1) ^ (0 - (bits & 1)));
  }
  return static_cast<Int128>(fail());
}

std::uint64_t ByteReader::fixed64() {
  const std::string_view field = bytes(sizeof(std::uint64_t));
  return ok_ ? get_little_endian<std::uint64_t>(field) : 0;
}

std::string_view ByteReader::bytes(std::uint64_t count) {
  if (count > left()) {
    fail();
    return {};
  }
  const std::string_view taken(at_, static_cast<std::size_t>(count));
  at_ += count;
  return taken;
}

}  // namespace voucherd
