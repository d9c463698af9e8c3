// zstd for the payload of usage records: one frame with its content size in front, so that
// a reader knows what to allocate before it trusts anything else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace voucherd {

/// No part of a record is longer than this before it is compressed: a damaged size asks for no more.
inline constexpr std::size_t uncompressed_bytes_max = std::size_t{1} << 30;

struct Bytes {
  std::unique_ptr<char[]> data;  // null: could not be read
  std::size_t size = 0;
  std::string_view view() const { return {data.get(), size}; }
};

/// `fast` takes half the time to pack and a quarter to unpack, for 15 % more bytes.
enum class Packing { fast, small };
/// Appends a frame of `bytes`, which are at most uncompressed_bytes_max.
void append_compressed(std::string& out, std::string_view bytes, Packing packing = Packing::small);
/// The content of exactly one frame; null data where `frame` is no such frame, or says that it has more.
Bytes decompress(std::string_view frame, std::size_t content_bytes_max = uncompressed_bytes_max);

}  // namespace voucherd
