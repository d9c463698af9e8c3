// The hash of an identity. Its values are kept in checkpoints, so it never changes: XXH3 with
// 64 bits and the seed, over the length of the source (4 bytes, little-endian), the source and
// the id. The length is there so that ("ab", "c") and ("a", "bc") differ.
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "metering/core/ids.h"
#include "metering/state/usage_record.h"

namespace voucherd {

namespace {

constexpr std::size_t length_bytes = 4;

char* put_identity(char* at, std::string_view source, std::string_view id) {
  for (std::size_t i = 0; i < length_bytes; ++i) {
    *at++ = static_cast<char>(static_cast<unsigned char>(source.size() >> (8 * i)));
  }
  if (!source.empty()) std::memcpy(at, source.data(), source.size());
  at += source.size();
  if (!id.empty()) std::memcpy(at, id.data(), id.size());
  return at + id.size();
}

}  // namespace

std::uint64_t identity_hash(std::string_view source, std::string_view id, std::uint64_t seed) {
  char usual[length_bytes + event_source_bytes_max + event_id_bytes_max];
  const std::size_t size = length_bytes + source.size() + id.size();
  if (size <= sizeof(usual)) {
    put_identity(usual, source, id);
    return XXH3_64bits_withSeed(usual, size, seed);
  }
  // An identity beyond the limits: never accepted, but asked for all the same.
  std::string longer(size, '\0');
  put_identity(longer.data(), source, id);
  return XXH3_64bits_withSeed(longer.data(), size, seed);
}

}  // namespace voucherd
