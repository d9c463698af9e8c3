#include "daemon/audit/draw.h"

#include <algorithm>
#include <limits>
#include <set>

#include "metering/journal/encoding.h"
#include "metering/proof/sha256.h"

namespace voucherd {

std::vector<std::uint64_t> draw(const std::string& seed, std::uint64_t count, std::uint64_t population) {
  std::vector<std::uint64_t> drawn;
  std::set<std::uint64_t> known;
  const std::uint64_t wanted = std::min(count, population);
  for (std::uint64_t i = 0; drawn.size() < wanted; ++i) {
    const Sha256Hash hash = sha256("voucherd sample\n" + seed + "\n" + std::to_string(i));
    const auto number = get_little_endian<std::uint64_t>(bytes_of(hash));
    constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
    if (number > last - (last % population + 1) % population) continue;
    if (known.insert(number % population).second) drawn.push_back(number % population);
  }
  return drawn;
}

}  // namespace voucherd
