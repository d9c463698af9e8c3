#include "billing/audit/container.h"

#include <algorithm>
#include <utility>

#include "metering/core/assert.h"

namespace voucherd::billing {

namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t name_bytes_max = 100;
constexpr std::size_t size_at = 124, size_digits = 11;
constexpr std::size_t checksum_at = 148, checksum_digits = 6;

/// `value` in octal, with leading zeros.
std::string octal(std::uint64_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i > 0; --i, value >>= 3) text[i - 1] = static_cast<char>('0' + (value & 7));
  VOUCHERD_ASSERT(value == 0);
  return text;
}

void put(std::string& block, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
}

/// POSIX.1-1988 ustar. The checksum is the sum of the header's bytes with spaces in its own place.
std::string header_of(std::string_view name, std::uint64_t size) {
  std::string block(block_bytes, '\0');
  put(block, 0, name);
  put(block, 100, "0000644");
  put(block, 108, "0000000");
  put(block, 116, "0000000");
  put(block, size_at, octal(size, size_digits));
  put(block, 136, octal(0, size_digits));
  put(block, checksum_at, "        ");
  put(block, 156, "0");
  put(block, 257, "ustar");
  put(block, 263, "00");
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, checksum_at, octal(sum, checksum_digits));
  block[checksum_at + checksum_digits] = '\0';
  return block;
}

std::size_t padding_of(std::uint64_t size) {
  return static_cast<std::size_t>((block_bytes - size % block_bytes) % block_bytes);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

Fault malformed(std::size_t at, const std::string& what) {
  return {"container_malformed", "the container is not as it was written: at byte " + std::to_string(at) +
                                     " " + what + "; fetch the bundle again"};
}

}  // namespace

void ContainerWriter::add(const std::string& name, std::string_view bytes) {
  VOUCHERD_ASSERT(!finished_ && is_name(name) && last_ < name && bytes.size() <= container_file_bytes_max);
  out_ += header_of(name, bytes.size());
  out_ += bytes;
  out_.append(padding_of(bytes.size()), '\0');
  last_ = name;
}

void ContainerWriter::finish() {
  VOUCHERD_ASSERT(!finished_);
  out_.append(container_end_bytes, '\0');
  finished_ = true;
}

std::string ContainerWriter::take() { return std::exchange(out_, {}); }

Result<std::vector<ContainerFile>> read_container(std::string_view container) {
  if (container.size() < container_end_bytes ||
      !all_zero(container.substr(container.size() - container_end_bytes))) {
    return malformed(container.size(), "it does not end with two blocks of zeros");
  }
  const std::size_t end = container.size() - container_end_bytes;
  std::vector<ContainerFile> files;
  for (std::size_t at = 0; at < end;) {
    if (end - at < block_bytes) return malformed(at, "a header is cut short");
    if (files.size() == container_files_max) return malformed(at, "there are more files than a bundle has");
    const std::string_view header = container.substr(at, block_bytes);
    const std::string name(header.substr(0, std::min(header.find('\0'), name_bytes_max)));
    std::uint64_t size = 0;
    for (const char c : header.substr(size_at, size_digits)) {
      if (c < '0' || c > '7') return malformed(at, "no file begins");
      size = size * 8 + static_cast<std::uint64_t>(c - '0');
    }
    if (!is_name(name) || header != header_of(name, size)) {
      return malformed(at, "a header is not written as it must be");
    }
    if (!files.empty() && name <= files.back().name)
      return malformed(at, "file " + name + " stands behind " + files.back().name);
    at += block_bytes;
    const std::size_t padding = padding_of(size);
    if (size > end - at || padding > end - at - size) return malformed(at, "file " + name + " is cut short");
    files.push_back({name, container.substr(at, static_cast<std::size_t>(size))});
    at += static_cast<std::size_t>(size);
    if (!all_zero(container.substr(at, padding))) return malformed(at, "not only zeros follow file " + name);
    at += padding;
  }
  return files;
}

}  // namespace voucherd::billing
