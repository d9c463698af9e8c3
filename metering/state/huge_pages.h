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
  /// Makes the array longer: its pages move to other addresses, nothing is copied, and what is added is
  /// zero. Precondition (asserted): words >= size().
  void grow(std::size_t words);
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
