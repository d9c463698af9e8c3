#include "metering/state/identity_runs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

namespace voucherd {

namespace {

namespace fs = std::filesystem;

struct Candidate {
  RunExtent extent;
  std::string path;
};

std::vector<Candidate> candidates_in(const std::string& directory, std::vector<std::string>& left_over) {
  std::vector<Candidate> candidates;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (const auto extent = IdentityRun::extent_of_name(name)) {
      candidates.push_back({*extent, entry.path().string()});
    } else if (name.starts_with(IdentityRun::name_prefix)) {
      left_over.push_back(entry.path().string());
    }
  }
  // The longest of those that begin alike first: it replaces the others.
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.extent.partition, a.extent.first, b.extent.end) <
           std::tuple(b.extent.partition, b.extent.first, a.extent.end);
  });
  return candidates;
}

}  // namespace

EventOrdinal end_of(const RunChain& chain) { return chain.empty() ? 0 : chain.back()->extent().end; }

void RunSums::add(Sum& sum, const RunEntry& entry) {
  std::uint64_t mixed = entry.bits * 0x9e3779b97f4a7c15U + entry.ordinal * 0xc2b2ae3d27d4eb4fU;
  mixed ^= mixed >> 29;
  mixed *= 0xbf58476d1ce4e5b9U;
  ++sum.count;
  sum.sum += mixed ^ mixed >> 32;
}

void RunSums::add_stored(unsigned partition, std::span<const RunEntry> entries) {
  for (const RunEntry& entry : entries) add(stored_[partition], entry);
}

void RunSums::see(HashBits bits, EventOrdinal ordinal) {
  add(seen_[RunExtent::partition_of(bits)], {bits.value, ordinal});
}

OpenedRuns open_runs(const RunSettings& settings, RunSums& sums, const VisitEntries& visit) {
  OpenedRuns opened;
  for (const Candidate& candidate : candidates_in(settings.directory, opened.left_over)) {
    RunChain& chain = opened.chains[candidate.extent.partition];
    if (candidate.extent.first != end_of(chain) ||
        (!chain.empty() && candidate.extent.end == end_of(chain))) {
      opened.left_over.push_back(candidate.path);
      continue;
    }
    RunSums with = sums;
    auto run = IdentityRun::open(candidate.path, settings, [&](std::span<const RunEntry> entries) {
      with.add_stored(candidate.extent.partition, entries);
      visit(entries);
    });
    if (run && (*run)->extent() == candidate.extent) {
      chain.push_back(std::move(*run));
      sums = with;
    } else {
      opened.faults.push_back(
          run ? Fault{"identity_run_damaged", candidate.path + " covers other events than its name says"}
              : run.error());
      opened.left_over.push_back(candidate.path);
    }
  }
  return opened;
}

RunCheck::RunCheck(const RunSettings& settings)
    : opened_(open_runs(settings, sums_, [](std::span<const RunEntry>) {})) {}

void RunCheck::see(std::span<const std::uint64_t> hashes, EventOrdinal first) {
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const HashBits bits = HashBits::of(hashes[i]);
    if (first + i < end_of(opened_.chains[RunExtent::partition_of(bits)])) sums_.see(bits, first + i);
  }
}

std::vector<std::string> RunCheck::differences() const {
  std::vector<std::string> differences;
  for (const Fault& fault : opened_.faults) differences.push_back("identity run: " + fault.detail);
  if (!sums_.agree()) {
    differences.emplace_back("the identity runs do not hold exactly the identities of the journal's events");
  }
  return differences;
}

}  // namespace voucherd
