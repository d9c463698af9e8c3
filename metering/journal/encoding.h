// Integers as bytes: little-endian whatever the host is, so that files move between
// machines. Keys of the database are big-endian, so that their order is the positions'.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace voucherd {

/// Appends `value` with its lowest byte first.
template <class Integer>
void put_little_endian(std::string& out, Integer value) {
  using Bits = std::make_unsigned_t<Integer>;
  const auto bits = static_cast<std::uint64_t>(static_cast<Bits>(value));
  std::array<char, sizeof(Integer)> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(bits >> (8 * i) & 0xff));
  }
  out.append(bytes.data(), bytes.size());
}

/// Reads what put_little_endian wrote. Precondition: `in` has that many bytes.
template <class Integer>
Integer get_little_endian(std::string_view in) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return static_cast<Integer>(bits);
}

/// Takes fields off the front of untrusted bytes; after the first that is cut short every
/// further one reads as zero and ok() is false, so that one check at the end is enough.
class FixedReader {
 public:
  explicit FixedReader(std::string_view in) : in_(in) {}

  template <class Integer>
  Integer integer() {
    const std::string_view field = bytes(sizeof(Integer));
    return ok_ ? get_little_endian<Integer>(field) : Integer{0};
  }

  std::string_view bytes(std::uint64_t count) {
    if (!ok_ || count > in_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view field = in_.substr(0, static_cast<std::size_t>(count));
    in_.remove_prefix(static_cast<std::size_t>(count));
    return field;
  }

  /// What has not been taken yet.
  std::string_view rest() const { return in_; }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && in_.empty(); }

 private:
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace voucherd
