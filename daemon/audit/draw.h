// What a seed draws: the same numbers on every machine and for ever, so that whoever holds the seed can draw
// again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace voucherd {

/// `count` different numbers below `population` (all of them where there are fewer), in the order drawn: of
/// the hashes SHA-256("voucherd sample\n" ‖ seed ‖ "\n" ‖ decimal i), i = 0, 1, …, the first 8 bytes as a
/// little-endian number, modulo the population; numbers at or above the greatest multiple of the population
/// are passed over.
std::vector<std::uint64_t> draw(const std::string& seed, std::uint64_t count, std::uint64_t population);

}  // namespace voucherd
