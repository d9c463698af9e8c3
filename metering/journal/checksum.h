// The checksum of everything that this program stores: XXH3 with 64 bits and seed 0. It
// tells flipped bits and torn writes, at memory speed on any machine; it is no defence
// against a forger, which is the proof tree's part (metering/proof).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace voucherd {

std::uint64_t checksum64(std::string_view bytes);

/// The checksum64 of bytes that come in pieces; may be asked at any point and continued.
class RunningChecksum {
 public:
  RunningChecksum();
  ~RunningChecksum();
  RunningChecksum(RunningChecksum&&) noexcept;
  RunningChecksum& operator=(RunningChecksum&&) noexcept;

  void add(std::string_view bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace voucherd
