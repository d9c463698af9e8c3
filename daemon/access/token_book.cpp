// A record's body is what was asked for, checked: reading it again needs no rule.
#include "daemon/access/token_book.h"

#include <algorithm>

#include "billing/ledger/field_reader.h"
#include "daemon/access/token_text.h"
#include "metering/core/assert.h"
#include "metering/state/byte_coding.h"

namespace voucherd::access {

namespace {

using billing::FieldFault;
using billing::FieldReader;
using billing::Need;
using billing::Refusal;
using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

std::optional<Refusal> wrong(std::vector<FieldFault> faults) {
  if (faults.empty()) return std::nullopt;
  return Refusal{422, "The token is wrong", std::to_string(faults.size()) + " members are wrong",
                 std::move(faults)};
}

Refusal unknown(const std::string& id) { return {404, "Not found", "there is no token " + id, {}}; }

Refusal conflict(std::string detail) { return {409, "The token does not change", std::move(detail), {}}; }

/// nullopt where it is null, absent or faulty.
std::optional<Instant> read_instant(FieldReader& fields, const std::string& member, Need need,
                                    std::string_view what) {
  const Json* value = fields.find(member, need, what);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) {
    fields.fault(member, member + " must be " + std::string(what));
    return std::nullopt;
  }
  const auto instant = parse_instant(value->get_ref<const std::string&>());
  if (instant) return *instant;
  fields.fault(member, instant.error().detail);
  return std::nullopt;
}

void read_expires(FieldReader& fields, Need need, Instant now) {
  const auto expires =
      read_instant(fields, "expires", need,
                   "an instant, as 2027-01-01T00:00:00+08:00, or null for one that never expires");
  if (expires && *expires <= now) fields.fault("expires", "expires is over already");
}

/// Faults never quote what stands there: it might be the secret itself.
bool read_hash(FieldReader& fields, const std::string& member, Need need) {
  const Json* value = fields.find(member, need, "a SHA-256 as 64 lower-case hexadecimal digits");
  if (value == nullptr) return false;
  if (value->is_string() && is_sha256_hex(value->get_ref<const std::string&>())) return true;
  fields.fault(member,
               member + " must be a SHA-256 as 64 lower-case hexadecimal digits: never send a secret itself");
  return false;
}

void read_source(FieldReader& fields, std::optional<Role> role) {
  if (role == Role::ingest) {
    fields.text("source", Need::required, 1, event_source_bytes_max);
  } else if (fields.find("source", Need::optional, "") != nullptr) {
    fields.fault("source", "source is for the role ingest only");
  }
}

void read_firms(FieldReader& fields, std::optional<Role> role, std::vector<FieldFault>& faults) {
  if (role != Role::firm) {
    if (fields.find("firms", Need::optional, "") != nullptr)
      fields.fault("firms", "firms are for the role firm only");
    return;
  }
  std::size_t firms = 0;
  fields.array("firms", Need::required, "a list of codes of firms",
               [&](const Json& value, const std::string& pointer) {
                 ++firms;
                 if (!value.is_string() || !is_uscc(value.get_ref<const std::string&>()))
                   faults.push_back({pointer, "is no 统一社会信用代码"});
               });
  const bool there = fields.find("firms", Need::optional, "") != nullptr;
  if (there && (firms == 0 || firms > token_firms_max))
    fields.fault("firms", "firms must name 1 to " + std::to_string(token_firms_max) + " firms");
}

template <class AnyJson>
std::string text_of(const AnyJson& body, const char* member) {
  const auto found = body.find(member);
  return found != body.end() && found->is_string() ? found->template get<std::string>() : std::string();
}

std::optional<Instant> instant_of(const OrderedJson& body, const char* member) {
  const auto found = body.find(member);
  if (found == body.end() || found->is_null()) return std::nullopt;
  return parse_instant(found->get<std::string>()).value();
}

std::optional<TokenAction> parse_action(std::string_view name) {
  for (const TokenAction action : {TokenAction::create, TokenAction::rotate, TokenAction::revoke}) {
    if (to_string(action) == name) return action;
  }
  return std::nullopt;
}

bool holds_text(const OrderedJson& body, const char* member) {
  return body.contains(member) && body[member].is_string();
}

bool holds_hash(const OrderedJson& body, const char* member) {
  return holds_text(body, member) && is_sha256_hex(body[member].get_ref<const std::string&>());
}

bool holds_instant(const OrderedJson& body, const char* member) {
  return holds_text(body, member) && parse_instant(body[member].get_ref<const std::string&>()).has_value();
}

bool may_hold_instant(const OrderedJson& body, const char* member) {
  return !body.contains(member) || body[member].is_null() || holds_instant(body, member);
}

bool holds_firms(const OrderedJson& body) {
  if (!body.contains("firms")) return true;
  const OrderedJson& firms = body["firms"];
  return firms.is_array() &&
         std::all_of(firms.begin(), firms.end(), [](const auto& firm) { return firm.is_string(); });
}

/// What apply() takes from the body is there.
bool is_body_of(TokenAction action, const OrderedJson& body) {
  if (!body.is_object() || !may_hold_instant(body, "expires")) return false;
  switch (action) {
    case TokenAction::create:
      return parse_role(text_of(body, "role")).has_value() && holds_firms(body) &&
             holds_hash(body, "sha256") != holds_hash(body, "certificate_sha256");
    case TokenAction::rotate:
      return holds_hash(body, "sha256") && holds_instant(body, "old_until");
    case TokenAction::revoke:
      return true;
  }
  return false;
}

/// The members that a create keeps, in the order of FORMAT.md.
OrderedJson kept_of(const TokenChange& change) {
  OrderedJson kept = OrderedJson::object();
  for (const char* member : {"role", "source", "firms", "expires", "description", "sha256",
                             "certificate_sha256", "old_until", "reason"}) {
    if (const auto found = change.body.find(member); found != change.body.end()) kept[member] = *found;
  }
  return kept;
}

}  // namespace

std::string_view to_string(TokenAction action) {
  switch (action) {
    case TokenAction::create:
      return "create";
    case TokenAction::rotate:
      return "rotate";
    case TokenAction::revoke:
      return "revoke";
  }
  return "unknown";
}

// Judging -----------------------------------------------------------------------------------

TokenBook::Judged TokenBook::judge(const TokenChange& change, const billing::Actor& by, Instant now) const {
  Judged judged;
  if (changes_nothing(change)) return judged;
  switch (change.action) {
    case TokenAction::create:
      judged.refusal = judge_create(change, now);
      break;
    case TokenAction::rotate:
      judged.refusal = judge_rotate(change, now);
      break;
    case TokenAction::revoke:
      judged.refusal = judge_revoke(change);
      break;
  }
  if (judged.refusal) return judged;
  const OrderedJson record = {{"by", {{"kind", by.kind}, {"id", by.id}}},
                              {"action", to_string(change.action)},
                              {"token", change.id},
                              {"body", kept_of(change)}};
  judged.payload = record.dump();
  VOUCHERD_ASSERT(can_apply(judged.payload));
  return judged;
}

/// The same again after an answer that got lost.
bool TokenBook::changes_nothing(const TokenChange& change) const {
  const Token* token = find(change.id);
  if (token == nullptr) return false;
  switch (change.action) {
    case TokenAction::create:
      return token->history.size() == 1 && token->history.front().body == kept_of(change);
    case TokenAction::rotate:
      return !token->revoked_at && token->history.back().action == TokenAction::rotate &&
             token->history.back().body == kept_of(change);
    case TokenAction::revoke:
      return token->revoked_at.has_value();
  }
  return false;
}

std::optional<Refusal> TokenBook::judge_create(const TokenChange& change, Instant now) const {
  std::vector<FieldFault> faults;
  FieldReader fields(change.body, "", faults);
  if (!is_token_id(change.id)) fields.fault("id", "the id of a token is 12 characters of a to z and 2 to 7");
  std::vector<std::string> names;
  for (const Role each : all_roles) names.emplace_back(to_string(each));
  const auto role = parse_role(fields.one_of("role", Need::required, names, ""));
  read_source(fields, role);
  read_firms(fields, role, faults);
  read_expires(fields, Need::required, now);
  fields.text("description", Need::optional, 0, token_text_bytes_max);
  const bool secret = read_hash(fields, "sha256", Need::optional);
  const bool certificate = read_hash(fields, "certificate_sha256", Need::optional);
  if (faults.empty() && secret == certificate)
    fields.fault("sha256", "sha256 or certificate_sha256 must be there, and not both");
  fields.refuse_others();
  if (auto refusal = wrong(std::move(faults))) return refusal;
  if (find(change.id) != nullptr)
    return conflict("there is a token " + change.id + " already; make another one, and revoke this one");
  if (const Token* bound = of_certificate(text_of(change.body, "certificate_sha256")))
    return conflict("the certificate is bound to token " + bound->identity->token +
                    "; revoke that one first");
  return std::nullopt;
}

std::optional<Refusal> TokenBook::judge_rotate(const TokenChange& change, Instant now) const {
  const Token* token = find(change.id);
  if (token == nullptr) return unknown(change.id);
  std::vector<FieldFault> faults;
  FieldReader fields(change.body, "", faults);
  read_hash(fields, "sha256", Need::required);
  const auto until =
      read_instant(fields, "old_until", Need::required, "the instant until which the old secret stays good");
  if (until && until->ms - now.ms > token_overlap_ms_max)
    fields.fault("old_until", "old_until is more than 31 days ahead");
  if (!until && faults.empty())
    fields.fault("old_until", "old_until must be an instant; now or before: the old secret ends at once");
  read_expires(fields, Need::optional, now);
  fields.refuse_others();
  if (auto refusal = wrong(std::move(faults))) return refusal;
  if (token->revoked_at) return conflict("token " + change.id + " is revoked; make another one");
  if (token->sha256.empty())
    return conflict("token " + change.id + " has a certificate and no secret; make another one");
  return std::nullopt;
}

std::optional<Refusal> TokenBook::judge_revoke(const TokenChange& change) const {
  if (find(change.id) == nullptr) return unknown(change.id);
  std::vector<FieldFault> faults;
  FieldReader fields(change.body, "", faults);
  fields.text("reason", Need::optional, 0, event_reason_bytes_max);
  fields.refuse_others();
  return wrong(std::move(faults));
}

// The fold ----------------------------------------------------------------------------------

bool TokenBook::can_apply(const std::string& payload) const {
  const auto record = OrderedJson::parse(payload, nullptr, false);
  if (!record.is_object()) return false;
  for (const char* member : {"by", "action", "token", "body"}) {
    if (!record.contains(member)) return false;
  }
  const OrderedJson& by = record["by"];
  const auto action = parse_action(text_of(record, "action"));
  const bool readable = action && record["token"].is_string() && by.is_object() && holds_text(by, "kind") &&
                        holds_text(by, "id") && is_body_of(*action, record["body"]);
  return readable && (*action == TokenAction::create) == (find(text_of(record, "token")) == nullptr);
}

void TokenBook::apply(const RecordHeader& header, const std::string& payload) {
  const auto record = OrderedJson::parse(payload);
  TokenEvent event{
      header.position,
      header.intake_time,
      {record.at("by").at("kind").get<std::string>(), record.at("by").at("id").get<std::string>()},
      parse_action(record.at("action").get<std::string>()).value(),
      record.at("body")};
  const std::string id = record.at("token").get<std::string>();
  VOUCHERD_ASSERT((event.action == TokenAction::create) != tokens_.contains(id));
  Token& token = tokens_[id];
  const OrderedJson& body = event.body;
  switch (event.action) {
    case TokenAction::create: {
      Identity identity{
          {"token", id}, id, parse_role(text_of(body, "role")).value(), text_of(body, "source"), {}};
      if (body.contains("firms")) identity.firms = body["firms"].get<std::vector<std::string>>();
      token.sha256 = text_of(body, "sha256");
      token.certificate_sha256 = text_of(body, "certificate_sha256");
      if (!token.certificate_sha256.empty()) {
        identity.actor = {"certificate", token.certificate_sha256};
        by_certificate_[token.certificate_sha256] = id;
      }
      token.identity = std::make_shared<const Identity>(std::move(identity));
      token.description = text_of(body, "description");
      token.expires = instant_of(body, "expires");
      break;
    }
    case TokenAction::rotate:
      // The same secret again changes only until when the one before is good.
      if (const std::string sha256 = text_of(body, "sha256"); sha256 != token.sha256) {
        token.previous_sha256 = std::exchange(token.sha256, sha256);
      }
      token.previous_until = instant_of(body, "old_until");
      if (body.contains("expires")) token.expires = instant_of(body, "expires");
      break;
    case TokenAction::revoke:
      token.revoked_at = event.at;
      by_certificate_.erase(token.certificate_sha256);
      break;
  }
  token.history.push_back(std::move(event));
}

void TokenBook::save(std::string& out) const {
  std::map<Position, std::pair<const std::string*, const TokenEvent*>> events;
  for (const auto& [id, token] : tokens_) {
    for (const TokenEvent& event : token.history) events[event.position] = {&id, &event};
  }
  put_varint(out, events.size());
  for (const auto& [position, of] : events) {
    const auto& [id, event] = of;
    put_varint(out, position);
    put_signed(out, event->at.ms);
    const OrderedJson record = {{"by", {{"kind", event->by.kind}, {"id", event->by.id}}},
                                {"action", to_string(event->action)},
                                {"token", *id},
                                {"body", event->body}};
    put_text(out, record.dump());
  }
}

Result<TokenBook> TokenBook::load(std::string_view& in) {
  TokenBook book;
  ByteReader bytes(in);
  Position before = 0;
  for (std::uint64_t left = bytes.varint(); left > 0 && bytes.ok(); --left) {
    RecordHeader header;
    header.position = bytes.varint();
    header.intake_time.ms = bytes.signed_varint();
    const std::string payload(bytes.text());
    if (!bytes.ok() || header.position <= before || !book.can_apply(payload)) {
      bytes.fail();
      break;
    }
    before = header.position;
    book.apply(header, payload);
  }
  if (!bytes.ok())
    return Fault{"checkpoint_damaged",
                 "the checkpoint's section of tokens can't be read; delete the checkpoint"};
  in = bytes.rest();
  return book;
}

// Reads -------------------------------------------------------------------------------------

const Token* TokenBook::find(const std::string& id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

const Token* TokenBook::of_certificate(const std::string& fingerprint) const {
  const auto found = by_certificate_.find(fingerprint);
  return found == by_certificate_.end() ? nullptr : find(found->second);
}

}  // namespace voucherd::access
