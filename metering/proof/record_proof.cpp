// Rows are sorted by subject, each subject's events written one after another, and each month's hashed from
// there: an event of one month is written and hashed once.
#include "metering/proof/record_proof.h"

#include <algorithm>
#include <limits>

#include "metering/core/assert.h"
#include "metering/proof/payload_parts.h"

namespace voucherd {

namespace {
constexpr std::size_t prefetch_ahead = 4;  // links between prefetching a chain and extending it
}

Result<RecordProof> RecordProver::prove(const RecordHeader& header, std::string_view payload) {
  const auto leaf = record_leaf_hash(sha_, header, payload);
  if (!leaf) return leaf.error();
  return RecordProof{*leaf, {}};
}

Result<RecordProof> RecordProver::prove(const RecordHeader& header, std::string_view payload,
                                        const EventBlock& events, std::span<const UsageSpan> corrected) {
  auto proof = prove(header, payload);
  if (!proof || events.size() == 0) return proof;
  sort_rows(events, corrected);
  proof->steps.reserve(events.subjects().size());  // as many where each firm's events are of one month
  const std::span<const std::uint32_t> rows(order_);
  for (std::uint32_t subject = 0; subject < events.subjects().size(); ++subject) {
    const std::uint32_t begin = begin_[subject];
    add_steps(events, subject, rows.subspan(begin, begin_[subject + 1] - begin), proof->steps);
  }
  return proof;
}

MonthRun RecordProver::months_of_row(UsageSpan span) {
  if (span.from < last_from_ || span.from >= last_until_ || span.to > last_until_) {
    const MonthRun months = months_of(span, offset_);
    last_month_ = months.first;
    last_from_ = start_of(first_day(months.first), offset_);
    last_until_ = start_of(first_day(months.first.next()), offset_);
    return months;
  }
  return {last_month_, last_month_};
}

/// Counting sort; begin_[subject + 1] is where the subject's rows end.
void RecordProver::sort_rows(const EventBlock& events, std::span<const UsageSpan> corrected) {
  begin_.assign(events.subjects().size() + 1, 0);
  months_.clear();
  std::size_t correction = 0;
  for (std::uint32_t row = 0; row < events.size(); ++row) {
    const EventBlock::Figures figures = events.figures(row);
    ++begin_[figures.subject + 1];
    const bool corrects = figures.kind == EventKind::correction;
    VOUCHERD_ASSERT(!corrects || correction < corrected.size());
    months_.push_back(months_of_row(corrects ? corrected[correction++] : figures.span));
  }
  VOUCHERD_ASSERT(correction == corrected.size());
  for (std::size_t subject = 1; subject < begin_.size(); ++subject) begin_[subject] += begin_[subject - 1];
  order_.resize(events.size());
  next_.assign(begin_.begin(), begin_.end() - 1);
  for (std::uint32_t row = 0; row < events.size(); ++row) order_[next_[events.figures(row).subject]++] = row;
}

void RecordProver::add_steps(const EventBlock& events, std::uint32_t subject,
                             std::span<const std::uint32_t> rows, std::vector<ChainStep>& steps) {
  std::size_t end = 0;
  ends_.clear();
  MonthRun all{{std::numeric_limits<std::int32_t>::max()}, {std::numeric_limits<std::int32_t>::min()}};
  for (const std::uint32_t row : rows) {
    const EventView event = events.at(row);
    char* const at = room_for(end, event_bytes_max(event));
    end += static_cast<std::size_t>(write_event_bytes(at, event, row) - at);
    ends_.push_back(end);
    all = {std::min(all.first, months_[row].first), std::max(all.last, months_[row].last)};
  }
  for (Month month = all.first; month <= all.last; month = month.next()) {
    const std::uint32_t count = hash_month(rows, month);
    if (count > 0) steps.push_back({subject, month, count, sha_.finish()});
  }
}

/// It only grows, so that no event's place is filled with zeros first.
char* RecordProver::room_for(std::size_t begin, std::size_t bytes) {
  if (bytes_.size() < begin + bytes) bytes_.resize(std::max(2 * bytes_.size(), begin + bytes));
  return bytes_.data() + begin;
}

/// Adds the bytes of the rows that touch the month, in runs; returns how many these are.
std::uint32_t RecordProver::hash_month(std::span<const std::uint32_t> rows, Month month) {
  std::uint32_t count = 0;
  std::size_t run_begin = 0, run_end = 0;
  const std::string_view bytes(bytes_.data(), rows.empty() ? 0 : ends_.back());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const MonthRun& months = months_[rows[i]];
    if (month < months.first || months.last < month) continue;
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    if (begin != run_end) {
      sha_.add(bytes.substr(run_begin, run_end - run_begin));
      run_begin = begin;
    }
    run_end = ends_[i];
    ++count;
  }
  if (count > 0) sha_.add(bytes.substr(run_begin, run_end - run_begin));
  return count;
}

void extend(Chains& chains, Position position, const EventBlock& events, std::span<const ChainStep> steps,
            std::span<const std::uint32_t> firms) {
  VOUCHERD_ASSERT(firms.size() == events.subjects().size());
  const auto number = [&](const ChainStep& step) {
    return chains.firm_number(firms[step.subject], events.subjects().at(step.subject));
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i + 2 * prefetch_ahead < steps.size()) chains.prefetch_firm(number(steps[i + 2 * prefetch_ahead]));
    if (i + prefetch_ahead < steps.size()) chains.prefetch(number(steps[i + prefetch_ahead]));
    const ChainStep& step = steps[i];
    chains.extend(number(step), step.month, {position, step.events, step.digest});
  }
}

}  // namespace voucherd
