// See world.h.
#include "tests/billing/ledger/world.h"

#include <gtest/gtest.h>

namespace voucherd::billing::testing {
namespace {

const Actor actor{"local", "tester"};

std::string root_at(Position position) { return "root-" + std::to_string(position); }

}  // namespace

World::World() : now(parse_instant("2026-01-01T00:00:00+08:00").value()) {
  ledger = std::make_unique<Ledger>(head(), usage);
}

StatementHead World::head() const { return {{"测试中心", "91500000MA5U00000W"}, "CNY", UtcOffset{480}}; }

Month World::month(const std::string& text) { return parse_month(text).value(); }

nlohmann::json World::firm_body(const std::string& eligible_from) {
  return {{"name", "甲公司"},
          {"district", "渝北区"},
          {"eligibility", {{{"category", "ai_agent"}, {"from", eligible_from}, {"until", nullptr}}}}};
}

nlohmann::json World::policy_body() {
  return {{"from", "2025-12-25"}, {"until", "2028-01-01"},   {"categories", {"ai_agent"}},
          {"rate", "0.20"},       {"annual_cap", "1000.00"}, {"tax_basis", "net"}};
}

void World::furnish() {
  for (const auto& firm : {firm_a, firm_b, firm_c}) put(FactKind::firm, firm, firm_body());
  put(FactKind::sku, "gpu", {{"name", "A800"}, {"unit", "card_hour"}, {"kind", "compute"}});
  put(FactKind::sku, "disk", {{"name", "NVMe"}, {"unit", "gib_month"}, {"kind", "storage"}});
  put(FactKind::price_book, "book",
      {{"effective_from", "2026-01-01"}, {"prices", {{"gpu", "10"}, {"disk", "1"}}}});
  put(FactKind::policy, "policy", policy_body());
}

Ledger::Judged World::judge(FactKind kind, const std::string& key, const nlohmann::json& body,
                            const std::string& reason) const {
  return ledger->judge_facts({{kind, key, body}}, actor, reason, std::nullopt);
}

void World::put(FactKind kind, const std::string& key, const nlohmann::json& body,
                const std::string& reason) {
  const auto judged = judge(kind, key, body, reason);
  ASSERT_FALSE(judged.refusal) << judged.refusal->detail;
  if (!judged.payload.empty()) fold(RecordType::facts, judged.payload);
}

void World::fold(RecordType type, const PayloadParts& content) {
  ++position_;
  const std::string payload = seal(content, RecordSecret{});
  records_.push_back({{{position_, now, type, payload_in_parts_version}, payload}, root_at(position_)});
  ledger->apply(records_.back().first, records_.back().second);
}

void World::take_in(const KeptEvent& event, EventOrdinal corrected) {
  UsageRecord record;
  record.first_ordinal = usage.events();
  record.events.append(event.view, corrected);
  usage.apply({++position_, now, RecordType::usage, 1}, record,
              [this](EventOrdinal ordinal, const auto& visit) { visit(events_[ordinal].view); });
}

EventOrdinal World::use(const std::string& firm, const std::string& sku, const std::string& day,
                        const std::string& quantity, const std::string& project) {
  const EventOrdinal ordinal = usage.events();
  events_.push_back({"event-" + std::to_string(ordinal), firm, sku, project, {}});
  KeptEvent& event = events_.back();
  event.view.source = "/test";
  event.view.id = event.id;
  event.view.subject = event.firm;
  event.view.sku = event.sku;
  event.view.project = event.project;
  event.view.time = parse_instant(day + "T12:00:00+08:00").value();
  event.view.quantity = parse_event_quantity(quantity, false).value();
  take_in(event, 0);
  return ordinal;
}

void World::correct(EventOrdinal target, const std::string& quantity) {
  const EventOrdinal ordinal = usage.events();
  events_.push_back({"event-" + std::to_string(ordinal), events_[target].firm, "", "", {}});
  KeptEvent& event = events_.back();
  event.view.kind = EventKind::correction;
  event.view.source = "/test";
  event.view.id = event.id;
  event.view.subject = event.firm;
  event.view.corrects_source = "/test";
  event.view.corrects_id = events_[target].id;
  event.view.reason = "test";
  event.view.time = Instant{now.ms + static_cast<std::int64_t>(ordinal)};
  event.view.quantity = parse_event_quantity(quantity, true).value();
  take_in(event, target);
}

void World::quarantine(const std::string& from_month, const std::string& to_month) {
  UsageRecord record;
  record.first_ordinal = usage.events();
  QuarantinedEvent event;
  event.code = ReasonCode::firm_unknown;
  event.source = "/test";
  event.id = "bad-" + std::to_string(position_);
  event.months = {month(from_month), month(to_month)};
  event.fingerprint = position_;
  record.quarantined.push_back(event);
  usage.apply({++position_, now, RecordType::usage, 1}, record, [](EventOrdinal, const auto&) {});
}

Ledger::JudgedClose World::judge_close(const std::string& period, const std::string& reason) const {
  return ledger->judge_close(month(period), actor, reason, now, chains);
}

void World::close(const std::string& period, const std::string& reason) {
  const auto judged = judge_close(period, reason);
  ASSERT_FALSE(judged.refusal) << judged.refusal->detail;
  ASSERT_FALSE(judged.already);
  fold(RecordType::close, judged.payload);
}

std::string World::open_bytes(const std::string& period, const std::string& firm) const {
  const auto* statement = ledger->open_statement(month(period), FirmId{firm});
  return statement ? to_canonical_json(*statement) : std::string();
}

std::string World::saved() const {
  std::string out;
  ledger->save(out);
  return out;
}

std::unique_ptr<Ledger> World::replayed_from_first_version() const {
  auto again = std::make_unique<Ledger>(head(), usage);
  for (const auto& [record, root] : records_) {
    const PayloadParts content = unseal(record.payload).value().content;
    Record first{record.header, {}};
    first.header.version = 1;
    if (record.header.type == RecordType::close) {
      // Without the position of the close before, which is short in these worlds.
      first.payload = content.shared.substr(0, content.shared.size() - 1) + content.rest;
    } else {
      first.payload = content.shared.substr(0, content.shared.size() - 1) + R"(,"changes":[)";
      for (const std::string& part : content.parts) first.payload += part + ",";
      first.payload.back() = ']';
      first.payload += "}";
    }
    again->apply(first, root);
  }
  return again;
}

std::unique_ptr<Ledger> World::replayed() const {
  auto again = std::make_unique<Ledger>(head(), usage);
  for (const auto& [record, root] : records_) again->apply(record, root);
  return again;
}

}  // namespace voucherd::billing::testing
