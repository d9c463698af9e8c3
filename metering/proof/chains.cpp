// The outer step of the chains, and their bytes in checkpoints.
#include "metering/proof/chains.h"

#include <algorithm>
#include <array>

#include "metering/core/assert.h"
#include "metering/journal/encoding.h"

namespace voucherd {

namespace {
constexpr std::string_view link_prefix("\x02", 1);  // no leaf and no node of a tree
}

void extend(Sha256& sha, Chain& chain, const ChainLink& link) {
  std::string numbers;  // short enough to need no memory of its own
  put_little_endian(numbers, link.position);
  put_little_endian(numbers, link.events);
  // One piece: each costs OpenSSL a call, and there is a link for each firm of each record.
  std::array<char, 1 + 2 * sizeof(Sha256Hash) + sizeof(link.position) + sizeof(link.events)> bytes;
  std::size_t size = 0;
  for (const std::string_view part :
       {link_prefix, bytes_of(chain.value), std::string_view(numbers), bytes_of(link.digest)}) {
    size += part.copy(bytes.data() + size, bytes.size() - size);
  }
  VOUCHERD_ASSERT(size == bytes.size());
  chain.value = sha.add({bytes.data(), size}).finish();
  chain.events += link.events;
}

std::uint32_t Chains::firm_number(std::string_view firm) {
  const std::uint32_t number = firms_.intern(firm);
  if (number == firms_chains_.size()) firms_chains_.emplace_back();
  return number;
}

void Chains::extend(std::uint32_t firm, Month month, const ChainLink& link) {
  FirmChains& chains = firms_chains_[firm];
  if (chains.last == nullptr || chains.last_month != month) {
    chains.last = &chains.by_month[month];
    chains.last_month = month;
  }
  voucherd::extend(sha_, *chains.last, link);
}

const MonthChains* Chains::of(std::string_view firm) const {
  const auto number = firms_.find(firm);
  if (!number || firms_chains_[*number].by_month.empty()) return nullptr;
  return &firms_chains_[*number].by_month;
}

std::vector<FirmId> Chains::firms() const {
  std::vector<FirmId> all;
  for (std::uint32_t number = 0; number < firms_chains_.size(); ++number) {
    if (!firms_chains_[number].by_month.empty()) all.emplace_back(firms_.at(number));
  }
  std::sort(all.begin(), all.end());
  return all;
}

void Chains::save(std::string& out) const {
  const auto all = firms();
  put_little_endian(out, static_cast<std::uint64_t>(all.size()));
  for (const FirmId& firm : all) {
    put_little_endian(out, static_cast<std::uint16_t>(firm.value.size()));
    out.append(firm.value);
    const MonthChains& chains = *of(firm.value);
    put_little_endian(out, static_cast<std::uint32_t>(chains.size()));
    for (const auto& [month, chain] : chains) {
      put_little_endian(out, month.months);
      put_little_endian(out, chain.events);
      out.append(bytes_of(chain.value));
    }
  }
}

Result<Chains> Chains::load(std::string_view& in) {
  FixedReader reader(in);
  Chains chains;
  for (auto firms = reader.integer<std::uint64_t>(); reader.ok() && firms > 0; --firms) {
    const std::uint32_t firm = chains.firm_number(reader.bytes(reader.integer<std::uint16_t>()));
    for (auto months = reader.integer<std::uint32_t>(); reader.ok() && months > 0; --months) {
      const Month month{reader.integer<std::int32_t>()};
      Chain& chain = chains.firms_chains_[firm].by_month[month];
      chain.events = reader.integer<std::uint64_t>();
      const std::string_view value = reader.bytes(chain.value.size());
      value.copy(reinterpret_cast<char*>(chain.value.data()), value.size());
    }
  }
  if (!reader.ok()) {
    return Fault{"chains_damaged", "the chains of a checkpoint are cut short; it can't be used"};
  }
  in = reader.rest();
  return chains;
}

}  // namespace voucherd
