// The fold of facts and closes, and its checkpoint. A frozen statement is read from the close
// record's bytes, never computed again; a checkpoint holds the same bytes, and everything
// else (facts in force, what is billed) follows from them, so that loading is folding again.
#include "billing/ledger/ledger_state.h"
#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"

namespace voucherd::billing {
namespace {

constexpr std::uint64_t checkpoint_version = 2;

void put_actor(std::string& out, const Actor& actor) {
  put_text(out, actor.kind);
  put_text(out, actor.id);
}

Actor read_actor(ByteReader& in) {
  Actor actor;
  actor.kind = in.text();
  actor.id = in.text();
  return actor;
}

Month read_month(ByteReader& in) {
  const std::int64_t months = in.signed_varint();
  if (months != static_cast<std::int32_t>(months)) in.fail();
  return Month{static_cast<std::int32_t>(months)};
}

/// Counts whom a fact concerns that is about to come into force.
struct CountChange {
  const Facts& before;
  Versions& versions;
  void operator()(const Firm& firm) const { ++versions.of_firm[firm.uscc]; }
  void operator()(const Contract& contract) const { of_firm(before.contracts, contract.number, contract); }
  void operator()(const Award& award) const { of_firm(before.awards, award.id, award); }
  void operator()(const PriceBook&) const { ++versions.shared; }
  void operator()(const Policy&) const { ++versions.shared; }
  void operator()(const Sku& sku) const {
    if (before.skus.contains(sku.id)) ++versions.shared;  // nobody has used a new one yet
  }
  void operator()(const Settings&) const {}
  void operator()(const Letterhead&) const {}

  template <class All, class Key, class Value>
  void of_firm(const All& all, const Key& key, const Value& value) const {
    if (const auto former = all.find(key); former != all.end()) ++versions.of_firm[former->second.firm];
    ++versions.of_firm[value.firm];
  }
};

}  // namespace

void put_fact(Facts& facts, const Fact& fact) {
  struct Put {
    Facts& facts;
    void operator()(const Firm& firm) const { facts.firms.insert_or_assign(firm.uscc, firm); }
    void operator()(const Sku& sku) const { facts.skus.insert_or_assign(sku.id, sku); }
    void operator()(const PriceBook& book) const { facts.price_books.insert_or_assign(book.version, book); }
    void operator()(const Contract& contract) const { facts.contracts.put(contract.number, contract); }
    void operator()(const Policy& policy) const { facts.policies.insert_or_assign(policy.id, policy); }
    void operator()(const Award& award) const { facts.awards.put(award.id, award); }
    void operator()(const Settings& settings) const { facts.accept_from = settings.accept_from; }
    void operator()(const Letterhead&) const {}  // no figure rests on it: letterhead_at() finds it
  };
  std::visit(Put{facts}, fact);
}

namespace {

void put_head(std::string& out, const ClosePayload& close) {
  put_signed(out, close.first.months);
  put_signed(out, close.period.months);
  put_actor(out, close.by);
  put_text(out, close.reason);
}

void read_head(ByteReader& in, ClosePayload& close) {
  close.first = read_month(in);
  close.period = read_month(in);
  close.by = read_actor(in);
  close.reason = in.text();
}

void put_statements(std::string& out, const ClosePayload& close) {
  put_varint(out, close.statements.size());
  for (const auto& frozen : close.statements) {
    put_signed(out, frozen.month.months);
    put_text(out, frozen.firm.value);
    put_text(out, frozen.canonical);
  }
}

void read_statements(ByteReader& in, ClosePayload& close) {
  for (std::uint64_t left = in.varint(); in.ok() && left > 0; --left) {
    ClosePayload::Frozen frozen;
    frozen.month = read_month(in);
    frozen.firm = FirmId{in.text()};
    frozen.canonical = in.text();
    close.statements.push_back(std::move(frozen));
  }
}

}  // namespace

std::string encode_close(const ClosePayload& close) {
  std::string out;
  put_head(out, close);
  put_statements(out, close);
  return out;
}

std::optional<ClosePayload> decode_close(std::string_view payload) {
  ByteReader in(payload);
  ClosePayload close;
  read_head(in, close);
  read_statements(in, close);
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return close;
}

PayloadParts close_in_parts(const ClosePayload& close, Position before) {
  PayloadParts payload;
  put_head(payload.shared, close);
  put_varint(payload.shared, before);
  put_statements(payload.rest, close);
  return payload;
}

std::optional<ClosePayload> close_of_record(const RecordHeader& header, std::string_view payload) {
  if (header.version < payload_in_parts_version) return decode_close(payload);
  const auto sealed = unseal(payload);
  if (!sealed) return std::nullopt;
  ClosePayload close;
  ByteReader shared(sealed->content.shared), rest(sealed->content.rest);
  read_head(shared, close);
  shared.varint();  // the close before it: for those who see no other
  read_statements(rest, close);
  if (!shared.ok() || shared.left() != 0 || !rest.ok() || rest.left() != 0) return std::nullopt;
  return close;
}

Ledger::Ledger(StatementHead head, const UsageState& usage)
    : impl_(std::make_unique<Impl>(std::move(head), usage)) {}
Ledger::~Ledger() = default;

bool LedgerState::fold_fact(FactKind kind, const std::string& key, const nlohmann::json& body,
                            FactVersion version) {
  std::vector<FieldFault> faults;
  const auto fact = read_fact(kind, key, body, faults);
  if (!fact) return false;
  version.shown = show_fact(*fact);
  take(*fact);
  histories[kind][key].push_back(std::move(version));
  return true;
}

void LedgerState::take(const Fact& fact) {
  std::visit(CountChange{facts, versions}, fact);
  put_fact(facts, fact);
}

bool LedgerState::freeze(Month period, const FirmId& firm, std::string canonical, CloseEntry& close) {
  const auto said = parse_canonical_json(canonical);
  if (!said || said->firm != firm) return false;
  Billed& firm_billed = billed[firm];
  for (const auto& [key, figures] : said->lines) {
    ChargeFigures& known = firm_billed.charges[key];
    known = known + figures;
    used.price_books.insert(key.price_book);
    if (!key.contract.empty()) used.contracts.insert(key.contract);
    used.skus.insert(key.sku);
    if (!used.first_month || key.usage_month < *used.first_month) used.first_month = key.usage_month;
  }
  for (const auto& [year, granted] : said->granted) firm_billed.granted[year] += granted;
  billed_gross[firm] += said->gross;
  PeriodTotals& totals = close.totals[period];
  totals.statements += 1;
  totals.net += said->net;
  totals.tax += said->tax;
  totals.gross += said->gross;
  totals.eligible += said->eligible;
  totals.subsidy += said->subsidy;
  return statements[period].emplace(firm, std::move(canonical)).second;
}

void LedgerState::fold_close(std::string_view payload, const RecordHeader& header, const std::string& root) {
  auto close = close_of_record(header, payload);
  VOUCHERD_ASSERT(close.has_value());
  VOUCHERD_ASSERT(!is_closed(close->period) && close->first <= close->period);
  CloseEntry entry{close->first, header.position, header.intake_time, close->by, close->reason, root, {}};
  for (auto& frozen : close->statements) {
    const bool good = freeze(frozen.month, frozen.firm, std::move(frozen.canonical), entry);
    VOUCHERD_ASSERT(good);
  }
  closes.emplace(close->period, std::move(entry));
  ++versions.closes;
}

void LedgerState::fold_change(const nlohmann::json& change, FactVersion version) {
  const auto kind = fact_kind_of_name(change.at("kind").get<std::string>());
  VOUCHERD_ASSERT(kind.has_value());
  if (const auto origin = change.find("by"); origin != change.end()) {
    version.by = {origin->at("kind").get<std::string>(), origin->at("id").get<std::string>()};
    version.reason = change.at("reason").get<std::string>();
  }
  const bool good =
      fold_fact(*kind, change.at("key").get<std::string>(), change.at("body"), std::move(version));
  VOUCHERD_ASSERT(good);  // it was judged before it was written
}

void LedgerState::fold_facts(const Record& record) {
  const bool in_parts = record.header.version >= payload_in_parts_version;
  const auto sealed = in_parts ? unseal(record.payload) : Result<SealedPayload>(SealedPayload{});
  VOUCHERD_ASSERT(sealed.has_value());
  const auto shared =
      nlohmann::json::parse(in_parts ? sealed->content.shared : record.payload, nullptr, false);
  VOUCHERD_ASSERT(shared.is_object());
  FactVersion version{
      record.header.position,
      0,
      record.header.intake_time,
      {shared.at("by").at("kind").get<std::string>(), shared.at("by").at("id").get<std::string>()},
      shared.at("reason").get<std::string>(),
      {}};
  if (!in_parts) {
    for (const auto& change : shared.at("changes")) {
      fold_change(change, version);
      ++version.index;
    }
  }
  for (const std::string& part : sealed->content.parts) {
    fold_change(nlohmann::json::parse(part), version);
    ++version.index;
  }
}

void Ledger::apply(const Record& record, const std::string& root) {
  if (record.header.type == RecordType::close) {
    impl_->fold_close(record.payload, record.header, root);
    return;
  }
  VOUCHERD_ASSERT(record.header.type == RecordType::facts);
  impl_->fold_facts(record);
}

void Ledger::save(std::string& out) const {
  put_varint(out, checkpoint_version);
  put_varint(out, impl_->histories.size());
  for (const auto& [kind, by_key] : impl_->histories) {
    put_text(out, to_string(kind));
    put_varint(out, by_key.size());
    for (const auto& [key, versions] : by_key) {
      put_text(out, key);
      put_varint(out, versions.size());
      for (const auto& version : versions) {
        put_varint(out, version.position);
        put_varint(out, version.index);
        put_signed(out, version.at.ms);
        put_actor(out, version.by);
        put_text(out, version.reason);
        put_text(out, version.shown.dump());
      }
    }
  }
  put_varint(out, impl_->closes.size());
  for (const auto& [period, close] : impl_->closes) {
    put_varint(out, close.position);
    put_signed(out, close.at.ms);
    put_text(out, close.root);
    ClosePayload payload{close.first, period, close.by, close.reason, {}};
    for (auto month = impl_->statements.lower_bound(close.first);
         month != impl_->statements.end() && month->first <= period; ++month) {
      for (const auto& [firm, canonical] : month->second) {
        payload.statements.push_back({month->first, firm, canonical});
      }
    }
    put_text(out, encode_close(payload));
  }
}

namespace {

/// Reads the histories' part of a checkpoint into `impl` through `fold`.
template <class Fold>
void load_histories(ByteReader& in, Fold&& fold) {
  for (std::uint64_t kinds = in.varint(); in.ok() && kinds > 0; --kinds) {
    const auto kind = fact_kind_of_name(in.text());
    if (!kind) in.fail();
    for (std::uint64_t keys = in.varint(); in.ok() && keys > 0; --keys) {
      const std::string key(in.text());
      for (std::uint64_t versions = in.varint(); in.ok() && versions > 0; --versions) {
        FactVersion version;
        version.position = in.varint();
        version.index = static_cast<std::uint32_t>(in.varint_up_to(0xffff'ffff));
        version.at.ms = in.signed_varint();
        version.by = read_actor(in);
        version.reason = in.text();
        const auto body = nlohmann::json::parse(in.text(), nullptr, false);
        if (in.ok() && !fold(*kind, key, body, std::move(version))) in.fail();
      }
    }
  }
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::load(std::string_view& in, StatementHead head,
                                             const UsageState& usage) {
  auto ledger = std::make_unique<Ledger>(std::move(head), usage);
  Impl& impl = *ledger->impl_;
  ByteReader reader(in);
  if (reader.varint() != checkpoint_version) reader.fail();
  load_histories(reader,
                 [&](FactKind kind, const std::string& key, const nlohmann::json& body, FactVersion version) {
                   return impl.fold_fact(kind, key, body, std::move(version));
                 });
  for (std::uint64_t closes = reader.varint(); reader.ok() && closes > 0; --closes) {
    CloseEntry entry;
    entry.position = reader.varint();
    entry.at.ms = reader.signed_varint();
    entry.root = reader.text();
    auto payload = decode_close(reader.text());
    if (!payload || impl.is_closed(payload->period)) {
      reader.fail();
      break;
    }
    entry.first = payload->first;
    entry.by = payload->by;
    entry.reason = payload->reason;
    for (auto& frozen : payload->statements) {
      if (!impl.freeze(frozen.month, frozen.firm, std::move(frozen.canonical), entry)) reader.fail();
    }
    impl.closes.emplace(payload->period, std::move(entry));
  }
  if (!reader.ok()) {
    return Fault{
        "ledger_checkpoint_malformed",
        "The ledger's part of a checkpoint can't be read; it is passed over and the journal is folded"};
  }
  in = reader.rest();
  return ledger;
}

}  // namespace voucherd::billing
