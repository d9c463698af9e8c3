// What a history does with what is quarantined: it tries entries again, one or all that are alike, and
// dismisses some, at times while a request is under way that resolves them itself.
#include "tests/simulation/history.h"

namespace voucherd::simulation {

/// Tries entries again or dismisses one, at times while a request is under way that may resolve them.
void History::resolve_quarantine() {
  const auto entries = model_.unresolved();
  if (entries.empty()) return;
  Dice& dice = workload_.dice();
  const auto numbers = program_.held([](const QuarantineEntry&) { return true; });
  expect_equal("number of unresolved entries", numbers.size(), entries.size());
  const auto at = static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(entries.size()) - 1));
  const naive::Held example = model_.quarantine()[entries[at]];  // a copy: a request may add to them
  if (dice.percent(40)) send_request();
  const int what = dice.roll(0, 9);
  if (what < 3) {
    dismiss(numbers[at], entries[at]);
  } else if (what < 5) {
    release("one", {numbers[at]}, {entries[at]});
  } else if (what < 6) {
    release("all", numbers, entries);
  } else {
    release_some(example, what - 6, entries);
  }
  if (dice.percent(30)) send_request();
  settle();
}

/// By code, firm or SKU: whatever is as `example` there.
void History::release_some(const naive::Held& example, int by, const std::vector<std::size_t>& entries) {
  const auto fits = [by](const auto& code, const auto& firm, const auto& sku, const naive::Held& wanted) {
    if (by < 2) return code == wanted.code;
    return by < 3 ? firm == wanted.event.subject : sku == wanted.event.sku;
  };
  std::vector<std::size_t> chosen;
  for (const std::size_t entry : entries) {
    const naive::Held& held = model_.quarantine()[entry];
    if (fits(held.code, held.event.subject, held.event.sku, example)) chosen.push_back(entry);
  }
  const auto numbers = program_.held([&](const QuarantineEntry& held) {
    return fits(to_string(held.code), held.subject, held.sku, example);
  });
  release(by < 2 ? "by code" : by < 3 ? "by firm" : "by SKU", numbers, chosen);
}

void History::release(const std::string& what, const std::vector<QuarantineNumber>& numbers,
                      const std::vector<std::size_t>& entries) {
  log_ << "at " << naive::show_instant(now_ms_, workload_.head().offset) << " release " << what << "\n";
  expect_equal("number of entries to release", numbers.size(), entries.size());
  // What the request before it resolved is folded, or still under way: the answer is the same.
  if (workload_.dice().percent(50)) settle();
  const naive::Released expected = model_.release(entries, now_ms_);
  program_.release(numbers, [this, expected](const ReleaseReply& reply) {
    note_mismatch([&] {
      const bool behind = reply.outcome == IngestReply::Outcome::clock_behind;
      expect_equal("clock behind", behind, expected.status == 503);
      if (behind) return;
      std::string program;
      std::string model;
      for (const IngestProblem& problem : reply.problems)
        program += std::string(to_string(problem.code)) + " ";
      for (const std::string& code : expected.still) model += code + " ";
      expect_equal("what is still bad", program, model);
      expect_equal("still quarantined", reply.still_quarantined, expected.still.size());
      expect_equal("released", reply.released, static_cast<std::uint64_t>(expected.released));
      expect_equal("closed meanwhile", reply.unknown, static_cast<std::uint64_t>(expected.unknown));
      for (const auto& [became, times] :
           {std::pair{"released", reply.released}, std::pair{"released in vain", reply.still_quarantined},
            std::pair{"released too late", reply.unknown}}) {
        if (times > 0) seen_[became] += times;
      }
    });
  });
}

void History::dismiss(QuarantineNumber number, std::size_t entry) {
  log_ << "at " << naive::show_instant(now_ms_, workload_.head().offset) << " dismiss " << to_string(number)
       << "\n";
  const int expected = model_.dismiss(entry, now_ms_);
  program_.dismiss(number, [this, expected](const Engine::DismissReply& reply) {
    note_mismatch([&] {
      expect_equal("status of the dismissal", reply.refusal ? reply.refusal->status : 0, expected);
    });
    ++seen_["dismissal " + std::to_string(expected)];
  });
}

void History::compare_quarantine() {
  std::string program;
  std::string model;
  program_.engine().usage().quarantine().visit({}, [&](const QuarantineEntry& entry) {
    program += "\n  " + std::string(to_string(entry.code)) + " " + entry.source + " " + entry.id + " " +
               entry.subject + " " + entry.sku + " " + to_string(entry.months.first) + " " +
               to_string(entry.months.last) + " " + std::to_string(entry.times_sent);
    return true;
  });
  for (const std::size_t entry : model_.unresolved()) {
    const naive::Held& held = model_.quarantine()[entry];
    model += "\n  " + held.code + " " + held.event.source + " " + held.event.id + " " + held.event.subject +
             " " + held.event.sku + " " + naive::show_month(held.first_month) + " " +
             naive::show_month(held.last_month) + " " + std::to_string(held.times_sent);
  }
  expect_equal("unresolved quarantine", program, model);
}

}  // namespace voucherd::simulation
