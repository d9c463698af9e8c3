#include "metering/state/huge_pages.h"

#include <sys/mman.h>

#include "metering/core/assert.h"

namespace voucherd {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

constexpr std::size_t rounded_up(std::size_t bytes) {
  return (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
}

}  // namespace

HugePages::HugePages(std::size_t words) {
  const std::size_t bytes = rounded_up(words * sizeof(std::uint64_t));
  // Mapped larger, then cut at both ends to begin on a huge page's boundary.
  void* const mapped = ::mmap(nullptr, bytes + huge_page_bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  VOUCHERD_ASSERT(mapped != MAP_FAILED);
  auto* const begin = static_cast<char*>(mapped);
  const std::size_t before =
      (huge_page_bytes - reinterpret_cast<std::uintptr_t>(begin) % huge_page_bytes) % huge_page_bytes;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, huge_page_bytes - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);  // a hint: small pages do too
  data_ = reinterpret_cast<std::uint64_t*>(begin + before);
  size_ = words;
}

HugePages::~HugePages() {
  if (data_ != nullptr) ::munmap(data_, rounded_up(size_ * sizeof(std::uint64_t)));
}

void HugePages::populate_behind(std::size_t words) {
  // Each small page: the host may have no huge ones left.
  constexpr std::size_t page_words = 4096 / sizeof(std::uint64_t);
  const std::size_t begin = rounded_up(words * sizeof(std::uint64_t)) / sizeof(std::uint64_t);
  for (std::size_t at = begin; at < size_; at += page_words)
    static_cast<volatile std::uint64_t*>(data_)[at] = 0;
}

void HugePages::release_front(std::size_t words) {
  VOUCHERD_ASSERT(words <= size());
  const std::size_t bytes = words * sizeof(std::uint64_t) / huge_page_bytes * huge_page_bytes;
  if (bytes <= released_bytes_) return;
  ::madvise(reinterpret_cast<char*>(data_) + released_bytes_, bytes - released_bytes_, MADV_DONTNEED);
  released_bytes_ = bytes;
}

void HugePages::grow_into(HugePages larger) {
  VOUCHERD_ASSERT(larger.size_ >= size_ && released_bytes_ == 0);
  const std::size_t bytes = rounded_up(size_ * sizeof(std::uint64_t));
  if (bytes > 0) {
    // Onto the front of the new range, which keeps the boundary: huge pages stay whole.
    void* const moved = ::mremap(data_, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, larger.data_);
    VOUCHERD_ASSERT(moved == larger.data_);
    data_ = nullptr;  // nothing is left there
  }
  swap(larger);
}

}  // namespace voucherd
