// Zeroed memory for a table that is looked up at random: on huge pages where the kernel has
// them, since walking the tables of small pages costs more than the look-up itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace voucherd {

/// An array of zeros. Moved, not copied. Pages take memory when they are first written to.
class HugePages {
 public:
  HugePages() = default;
  /// Ends the process where the host has no such memory: a table that can't grow can't be exact.
  explicit HugePages(std::size_t words);
  ~HugePages();
  HugePages(HugePages&& other) noexcept { swap(other); }
  HugePages& operator=(HugePages&& other) noexcept {
    HugePages former(std::move(*this));
    swap(other);
    return *this;
  }
  std::uint64_t* data() const { return data_; }
  std::size_t size() const { return size_; }
  /// Makes the array as long as `larger`, which is all zeros: its pages move to the front of that one,
  /// nothing is copied. Precondition (asserted): larger.size() >= size().
  void grow_into(HugePages larger);
  /// Takes the memory of all pages behind the first `words` now. A first write to a huge page stops its
  /// writer for as long as the host takes to clear it: up to 8 ms where that is a virtual machine.
  void populate_behind(std::size_t words);
  /// Gives back the whole pages among the first `words`; what stood there is lost.
  void release_front(std::size_t words);
  std::size_t released_bytes() const { return released_bytes_; }

 private:
  void swap(HugePages& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(released_bytes_, other.released_bytes_);
  }

  std::uint64_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t released_bytes_ = 0;
};

}  // namespace voucherd
