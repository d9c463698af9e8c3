// Where unescaped strings go: chunks that never move, handed over with the Batch whose views
// point into them. Strings without an escape never come here.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace voucherd::wire {

class Arena {
 public:
  explicit Arena(std::vector<std::unique_ptr<char[]>>& chunks) : chunks_(&chunks) {}

  /// Room for `size` bytes, valid as long as the chunks are.
  char* reserve(std::size_t size) {
    if (size > left_) {
      const std::size_t chunk = size > chunk_bytes ? size : chunk_bytes;
      chunks_->push_back(std::make_unique_for_overwrite<char[]>(chunk));
      at_ = chunks_->back().get();
      left_ = chunk;
    }
    return at_;
  }
  /// Keeps the first `size` bytes of what reserve() gave last.
  void keep(std::size_t size) {
    at_ += size;
    left_ -= size;
  }

 private:
  static constexpr std::size_t chunk_bytes = 4096;

  std::vector<std::unique_ptr<char[]>>* chunks_;
  char* at_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace voucherd::wire
