#include "metering/state/submissions.h"

#include <algorithm>
#include <limits>

#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"

namespace voucherd {

namespace {

using Counts = Submissions::Counts;

constexpr std::uint32_t Counts::*parts[] = {&Counts::events, &Counts::quarantined, &Counts::resent};

std::string text_of(const Submitter& by) { return by.kind.empty() ? "" : by.kind + ":" + by.id; }

bool is_submitter(std::string_view text) {
  const std::size_t colon = text.find(':');
  return text.empty() || (colon != std::string_view::npos && colon > 0);
}

/// False where there are more than fit.
bool add_run(Counts& to, const Counts& run) {
  for (const auto part : parts) {
    if (run.*part > std::numeric_limits<std::uint32_t>::max() - to.*part) return false;
    to.*part += run.*part;
  }
  return true;
}

}  // namespace

void Submissions::begin(const Submitter& by, Counts held) {
  if (!runs_.empty() && runs_.back().begin == held) runs_.pop_back();  // nothing came of it
  const std::uint32_t submitter = submitters_.intern(text_of(by));
  if (!runs_.empty() && runs_.back().submitter == submitter) return;
  runs_.push_back({submitter, held});
}

Submitter Submissions::at(std::uint32_t Counts::*part, std::uint32_t index) const {
  const auto behind = std::partition_point(runs_.begin(), runs_.end(),
                                           [&](const Run& run) { return run.begin.*part <= index; });
  if (behind == runs_.begin()) return {};
  const std::string_view text = submitters_.at(std::prev(behind)->submitter);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

std::size_t Submissions::memory_bytes() const {
  return submitters_.text_bytes() + runs_.size() * sizeof(Run);
}

std::string Submissions::encode(Counts all) const {
  std::vector<Run> runs = runs_;
  if (!runs.empty() && runs.back().begin == all) runs.pop_back();
  Dictionary used;
  for (Run& run : runs) run.submitter = used.intern(submitters_.at(run.submitter));
  const bool known = used.size() > 1 || (used.size() == 1 && !used.at(0).empty());
  std::string out;
  if (!known) return out;
  VOUCHERD_ASSERT(runs.front().begin == Counts{});
  put_varint(out, used.size());
  for (std::uint32_t i = 0; i < used.size(); ++i) put_text(out, used.at(i));
  put_varint(out, runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Counts& end = i + 1 < runs.size() ? runs[i + 1].begin : all;
    put_varint(out, runs[i].submitter);
    for (const auto part : parts) put_varint(out, end.*part - runs[i].begin.*part);
  }
  return out;
}

std::optional<Submissions> Submissions::decode(std::string_view bytes) {
  Submissions read;
  if (bytes.empty()) return read;
  ByteReader in(bytes);
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view text = in.text();
    const std::uint32_t known = read.submitters_.size();
    if (!in.ok() || !is_submitter(text) || read.submitters_.intern(text) != known) return std::nullopt;
  }
  Counts all;
  std::uint32_t used = 0;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const auto submitter = static_cast<std::uint32_t>(in.varint_up_to(used));
    Counts run;
    for (const auto part : parts) {
      run.*part = static_cast<std::uint32_t>(in.varint_up_to(std::numeric_limits<std::uint32_t>::max()));
    }
    const bool goes_on = !read.runs_.empty() && read.runs_.back().submitter == submitter;
    if (goes_on || run == Counts{} || submitter >= read.submitters_.size()) return std::nullopt;
    read.runs_.push_back({submitter, all});
    used = std::max(used, submitter + 1);
    if (!add_run(all, run)) return std::nullopt;
  }
  const bool known = read.submitters_.size() > 1 || (used == 1 && !read.submitters_.at(0).empty());
  if (!in.ok() || in.left() != 0 || used != read.submitters_.size() || !known) return std::nullopt;
  read.counts_ = all;
  return read;
}

}  // namespace voucherd
