#include "tests/simulation/history.h"

#include <algorithm>

#include "billing/core/statement.h"

namespace voucherd::simulation {

namespace {

using naive::Json;

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;

billing::FactChange as_program_says(const naive::FactChange& change) {
  const auto kind = billing::fact_kind_of_path(change.kind);
  if (!kind) throw Mismatch("unknown kind " + change.kind);
  return {*kind, change.key, change.body};
}

void expect_same_json(const std::string& what, const Json& program, const Json& model) {
  if (program == model) return;
  throw Mismatch(what + "\n  program " + program.dump() + "\n  model   " + model.dump() +
                 "\n  from program to model " + Json::diff(program, model).dump());
}

Json as_json(const billing::ClosedPeriod& closed, UtcOffset offset) {
  return {{"period", to_string(closed.period)},
          {"closed_at", format_instant(closed.at, offset)},
          {"closed_by", {{"kind", closed.by.kind}, {"id", closed.by.id}}},
          {"statements", closed.totals.statements},
          {"net", to_string(closed.totals.net)},
          {"tax", to_string(closed.totals.tax)},
          {"gross", to_string(closed.totals.gross)},
          {"eligible", to_string(closed.totals.eligible)},
          {"subsidy", to_string(closed.totals.subsidy)}};
}

std::string explain(const std::optional<billing::Refusal>& refusal) {
  if (!refusal) return "done";
  std::string text = std::to_string(refusal->status) + " " + refusal->title + ": " + refusal->detail;
  for (const auto& fault : refusal->faults) text += " [" + fault.pointer + " " + fault.detail + "]";
  return text;
}

/// In some histories nearly all identities are on disk.
std::uint64_t identity_bytes_max(std::uint64_t seed) {
  constexpr std::uint64_t one_in = 4, tiny = 2048;  // 88 identities in memory at first, then 24
  return seed % one_in == 0 ? tiny : config::Options().identity_bytes_max;
}

}  // namespace

History::History(std::uint64_t seed, Features features)
    : features_(features),
      workload_(seed, features),
      model_(workload_.head(), workload_.start_ms()),
      program_(workload_.head(), workload_.start_ms(), identity_bytes_max(seed)),
      now_ms_(workload_.start_ms()) {}

std::int64_t History::intake_ms() const { return std::max(now_ms_, model_.last_intake_ms()); }

void History::set_clock(std::int64_t ms) {
  now_ms_ = ms;
  program_.clock().set(Instant{ms});
}

void History::run() {
  std::vector<billing::FactChange> first;
  for (const naive::FactChange& change : workload_.first_facts()) {
    log_ << "put " << change.kind << " " << change.key << " " << change.body.dump() << "\n";
    expect_equal("the workload's own facts", model_.change(change, "", now_ms_), 0);
    first.push_back(as_program_says(change));
  }
  const auto reply = program_.change(first, "");
  if (reply.refusal) throw Mismatch("the first facts are refused: " + explain(reply.refusal));
  while (now_ms_ < workload_.end_ms()) step();
  finish();
}

void History::step() {
  Dice& dice = workload_.dice();
  std::int64_t ahead = dice.between(0, 6 * day_ms);
  if (dice.percent(5)) ahead = -dice.between(0, 6 * minute_ms);
  set_clock(std::min(now_ms_ + ahead, workload_.end_ms()));
  const int what = dice.roll(0, 99);
  if (what < 52) {
    send_requests();
  } else if (what < 66) {
    change_fact();
  } else if (what < 82) {
    try_close();
  } else if (what < 91) {
    resolve_quarantine();
  } else if (what < 95) {
    restart();
  } else {
    compare_all();
  }
}

// Events ------------------------------------------------------------------------------------------

void History::send_requests() {
  Dice& dice = workload_.dice();
  for (int i = dice.roll(1, 3); i > 0; --i) {
    send_request();
    if (dice.percent(50)) settle();
  }
  settle();
}

void History::send_request() {
  const Request request = workload_.next_request(model_, intake_ms());
  if (request.events.empty()) return;
  std::vector<naive::SentEvent> events;
  for (const WireEvent& event : request.events) events.push_back(event.event);
  const auto expected = model_.take(events, now_ms_);
  log_ << "at " << naive::show_instant(now_ms_, workload_.head().offset) << " send\n"
       << request.body() << "\n";
  const auto format = request.ndjson               ? wire::BodyFormat::ndjson
                      : request.events.size() == 1 ? wire::BodyFormat::event_or_batch
                                                   : wire::BodyFormat::batch;
  program_.submit(request.body(), format, [this, request, expected](const IngestReply& reply) {
    note_mismatch([&] { check_reply(request, reply, expected); });
  });
}

void History::note_mismatch(const std::function<void()>& check) {
  try {
    check();
  } catch (const Mismatch& found) {
    mismatch_ = found.what();
  }
}

void History::settle() {
  program_.settle();
  if (!mismatch_.empty()) throw Mismatch(mismatch_);
}

void History::check_reply(const Request& request, const IngestReply& reply,
                          const std::optional<std::vector<naive::Verdict>>& expected) {
  using Outcome = IngestReply::Outcome;
  expect_equal("clock behind", reply.outcome == Outcome::clock_behind, !expected);
  if (!expected) {
    ++seen_["clock_behind"];
    return;
  }
  expect_equal("done", reply.outcome == Outcome::done, true);
  std::ostringstream program;
  std::ostringstream model;
  std::map<std::string, std::uint64_t> count;
  for (std::size_t i = 0; i < expected->size(); ++i) {
    const naive::Verdict& verdict = expected->at(i);
    ++count[verdict.outcome];
    ++seen_[verdict.code.empty() ? verdict.outcome : verdict.code];
    const naive::SentEvent& event = request.events[i].event;
    if (!verdict.code.empty())
      model << i << " " << event.source << " " << event.id << " " << verdict.code << "; ";
  }
  for (const IngestProblem& problem : reply.problems) {
    program << problem.index << " " << problem.source << " " << problem.id << " " << to_string(problem.code)
            << "; ";
  }
  expect_equal("problems", program.str(), model.str());
  expect_equal("received", reply.received, expected->size());
  expect_equal("accepted", reply.accepted, count["accepted"]);
  expect_equal("duplicate", reply.duplicate, count["duplicate"]);
  expect_equal("conflict", reply.conflict, count["conflict"]);
  expect_equal("quarantined", reply.quarantined, count["quarantined"]);
  expect_equal("position is durable", reply.position > 0 && reply.position <= program_.engine().position(),
               true);
}

// Facts and closes --------------------------------------------------------------------------------

void History::change_fact() {
  const naive::FactChange change = workload_.next_fact(model_, now_ms_);
  const auto need = model_.reason_need(change);
  Dice& dice = workload_.dice();
  // Where a reason is needed, sometimes none is given first. Where the rules leave open whether
  // one is needed, one is given.
  if (need == naive::Model::Need::yes && dice.percent(30)) make_change(change, "");
  make_change(change, need == naive::Model::Need::no && dice.percent(70) ? "" : "found late");
}

void History::make_change(const naive::FactChange& change, const std::string& reason) {
  log_ << "at " << naive::show_instant(now_ms_, workload_.head().offset) << " put " << change.kind << " "
       << change.key << " " << change.body.dump() << (reason.empty() ? "" : " with a reason") << "\n";
  const bool known = model_.facts().bodies.contains({change.kind, change.key});
  const int expected = model_.change(change, reason, now_ms_);
  const auto reply = program_.change({as_program_says(change)}, reason);
  const std::string answer = explain(reply.refusal);
  log_ << "  " << answer << "\n";
  expect_equal("status of the change (" + answer + ")", reply.refusal ? reply.refusal->status : 0, expected);
  ++seen_["change " + std::to_string(expected)];
  if (expected == 0) {
    // The settings are there from the start, with their defaults.
    const bool created = !known && change.kind != "settings";
    if (change.kind != "settings") expect_equal("created", reply.created.at(0), created);
  }
}

void History::try_close() {
  Dice& dice = workload_.dice();
  const int this_month = naive::month_of_day(naive::local_day_of(now_ms_, workload_.head().offset));
  int month = model_.closed_through() ? *model_.closed_through() + 1 : this_month - 1;
  if (dice.percent(25)) month = this_month - dice.roll(-1, 3);
  if (model_.closed_through()) month = std::max(month, *model_.closed_through());
  const bool sign_off = dice.percent(50);
  close_month(month, sign_off ? "signed off" : "");
}

void History::close_month(int month, const std::string& reason) {
  for (const naive::FactChange& change : workload_.awards_before_close(model_)) make_change(change, "");
  const billing::Actor by{"token", "finance"};
  const auto expected = model_.close(month, by.kind, by.id, reason, now_ms_);
  const auto reply = program_.close(Month{month}, by, reason);
  const std::string answer = explain(reply.refusal);
  log_ << "at " << naive::show_instant(now_ms_, workload_.head().offset) << " close "
       << naive::show_month(month) << " " << reason << ": " << answer << "\n";
  std::string why;
  for (const std::string& each : expected.why) why += each + ", ";
  expect_equal("status of the close of " + naive::show_month(month) + " (" + answer + "; model: " + why + ")",
               reply.refusal ? reply.refusal->status : 0, expected.status);
  for (const std::string& each : expected.why) ++seen_["close refused: " + each];
  if (expected.status != 0) return;
  ++seen_[reason.empty() ? "close" : "close signed off"];
  if (!reply.closed) throw Mismatch("a close without a reply");
  compare_parts_of_close(reply.closed->position, month);
  expect_same_json("close", as_json(*reply.closed, UtcOffset{workload_.head().offset}), expected.reply);
  if (workload_.dice().percent(50)) compare_all();
}

void History::restart() {
  const bool without = workload_.dice().percent(40);
  log_ << "restart" << (without ? " without checkpoints" : "") << "\n";
  program_.restart(without);
  if (workload_.dice().percent(50)) compare_all();
}

// Comparison --------------------------------------------------------------------------------------

void History::compare_all() {
  ++comparisons_;
  log_ << "compare\n";
  compare_chains();
  const Engine& engine = program_.engine();
  const billing::Ledger& ledger = engine.ledger();
  expect_equal("last intake time", engine.last_intake_time().ms, model_.last_intake_ms());
  expect_equal("events", engine.usage().events(), model_.events().size());
  compare_quarantine();
  expect_equal("closed through", ledger.closed_through() ? ledger.closed_through()->months : -1,
               model_.closed_through().value_or(-1));
  const naive::Reckoning now = model_.reckon();
  const auto months = now.usage_months();
  const int this_month = naive::month_of_day(naive::local_day_of(intake_ms(), workload_.head().offset));
  const int first = months ? std::min(months->first, this_month - 1) : this_month - 1;
  for (int month = first; month <= this_month + 1; ++month) {
    std::string program_firms;
    std::string model_firms;
    for (const FirmId& firm : ledger.firms_with_statement(Month{month}, FirmId{""}, 1000)) {
      program_firms += firm.value + " ";
    }
    for (const auto& [uscc, firm] : model_.facts().firms) {
      if (compare_statement(month, uscc, now)) model_firms += uscc + " ";
    }
    expect_equal("firms with a statement in " + naive::show_month(month), program_firms, model_firms);
  }
  compare_figures();
}

/// Whether there is such a statement.
bool History::compare_statement(int month, const std::string& firm, const naive::Reckoning& now) {
  const std::string name = "statement " + naive::show_month(month) + "/" + firm;
  const billing::Ledger& ledger = program_.engine().ledger();
  if (model_.closed_through() && month <= *model_.closed_through()) {
    const auto closed = ledger.closed_statement(Month{month}, FirmId{firm});
    const auto frozen = model_.frozen().find({month, firm});
    expect_equal(name + " is closed", closed.has_value(), frozen != model_.frozen().end());
    if (!closed) return false;
    expect_same_json(name, Json::parse(closed->canonical), frozen->second.json);
    const auto [known, is_new] = frozen_bytes_.try_emplace({month, firm}, closed->canonical);
    if (!is_new) expect_equal(name + " never changes", closed->canonical, known->second);
    return true;
  }
  const auto open = ledger.open_statement(Month{month}, FirmId{firm});
  const naive::Statement statement = now.open(month, firm);
  const bool expected = statement.has_difference() || !statement.unpriced.empty();
  if (!expected && !open) return false;
  if (!open) throw Mismatch(name + " is missing; the model has " + statement.json.dump());
  const Json shown = Json::parse(billing::to_canonical_json(*open));
  if (!expected) throw Mismatch(name + " should not be: " + shown.dump());
  expect_same_json(name, shown, statement.json);
  note_statement(statement);
  return true;
}

void History::note_statement(const naive::Statement& statement) {
  const Json& json = statement.json;
  for (const Json& line : json["lines"]) {
    if (line["adjustment"].get<bool>()) ++seen_["adjustment"];
    if (line["unit_price"].is_null()) ++seen_["tiers"];
    if (!line["contract"].is_null()) ++seen_["contract"];
    for (const Json& entry : line["ineligible"]) ++seen_["ineligible: " + entry["code"].get<std::string>()];
  }
  for (const naive::YearRow& row : statement.years) {
    if (row.cap > 0 && row.target > 0 && row.remaining == 0) ++seen_["at the cap"];
    if (row.this_statement < 0) ++seen_["clawback"];
    if (row.other_centres > 0) ++seen_["other centres"];
  }
  if (statement.years.size() > 1) ++seen_["two years"];
  if (!statement.unpriced.empty()) ++seen_["unpriced"];
  if (json["settlement"] == "deduct") ++seen_["deduct"];
}

void History::compare_figures() {
  const billing::Ledger::Figures figures = program_.engine().ledger().figures();
  expect_equal("difference of quantities", to_string(figures.difference_quantity), "0");
  expect_equal("difference of lines", to_string(figures.difference_lines), "0");
  expect_equal("difference of the subsidy", to_string(figures.difference_subsidy), "0");
  naive::Int granted = 0;
  for (const auto& [key, statement] : model_.frozen()) granted += statement.subsidy;
  expect_equal("granted", to_string(figures.subsidy_granted), naive::show_fen(granted));
  const IngestFigures& ingest = program_.engine().ingest_figures();
  expect_equal("received", ingest.received,
               ingest.accepted + ingest.duplicate + ingest.conflict + ingest.quarantined);
}

/// Every month is closed in its order, and what a fresh start folds is what was there before.
void History::finish() {
  compare_all();
  const int last = naive::month_of_day(naive::local_day_of(workload_.end_ms(), workload_.head().offset)) - 1;
  int month = last - 3;
  if (const auto months = model_.reckon().usage_months()) month = std::min(month, months->first);
  if (model_.closed_through()) month = *model_.closed_through() + 1;
  for (; month <= last; ++month) {
    close_month(month, "signed off");
    if (features_.taken_back) send_requests();  // late, for the next one
  }
  compare_all();
  const std::string root = program_.engine().tree_root();
  program_.restart(true);
  expect_equal("tree root after a replay", program_.engine().tree_root(), root);
  compare_all();
  if (!workload_.dice().percent(20)) return;
  program_.stop();
  const auto report = check_directory(program_.directory());
  if (!report) throw Mismatch("the directory is not sound: " + report.error().detail);
  expect_equal("differences in the directory", report->differences.size(), 0u);
  expect_equal("events in the directory", report->events, model_.events().size());
}

}  // namespace voucherd::simulation
