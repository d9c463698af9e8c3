#include "billing/audit/verify.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "billing/audit/close_chain.h"
#include "billing/audit/recompute.h"
#include "billing/audit/refused.h"
#include "billing/audit/untrusted_text.h"
#include "billing/ledger/fact_codec.h"
#include "billing/ledger/field_reader.h"

namespace voucherd::billing {

namespace {

using Json = nlohmann::json;

/// A head of three lines with one signature, written in the one way in which it can be.
TreeHead read_head(std::string_view note, const std::optional<VerifierKey>& key) {
  refuse_broken_text(note, bundle_checkpoint);
  const std::size_t blank = note.find("\n\n");
  const std::size_t signature_end = blank == std::string_view::npos ? blank : note.find('\n', blank + 2);
  refuse_unless(signature_end != std::string_view::npos && signature_end + 1 == note.size(),
                bundle_checkpoint, "is not a head with one signature");
  const std::string_view text = note.substr(0, blank + 1);
  const auto head = parse_tree_head(text);
  if (!head) throw Refused{bundle_checkpoint, head.error().detail};
  const auto signer = first_signer(note);
  if (!signer) throw Refused{bundle_checkpoint, signer.error().detail};
  refuse_unless(to_text(*head) == text && signer->name == head->origin, bundle_checkpoint,
                "is not written as it must be");
  if (!key) return *head;
  if (const auto opened = key->open(note); !opened) throw Refused{bundle_checkpoint, opened.error().detail};
  return *head;
}

/// "firm" and "period" of the manifest, which is compared as a whole once all else is known.
BundleManifest read_manifest(std::string_view bytes) {
  const Json json = read_json(bytes, bundle_manifest);
  const auto text = [&json](const char* name) {
    const bool there = json.is_object() && json.contains(name) && json.at(name).is_string();
    refuse_unless(there, bundle_manifest, "is not a manifest");
    return json.at(name).get<std::string>();
  };
  BundleManifest manifest;
  manifest.firm = FirmId(text("firm"));
  const auto period = parse_month(text("period"));
  refuse_unless(period.has_value() && check_uscc(manifest.firm.value).has_value(), bundle_manifest,
                "names no firm or month");
  manifest.period = *period;
  return manifest;
}

/// One firm's facts, and those of everybody, as they stood before the close.
class FactsOfBundle {
 public:
  FactsOfBundle(const FirmId& firm, Position close) : firm_(firm), close_(close) {}

  void add(const ProvenRecords::Part& part, const std::string& where) {
    refuse_unless(part.position < close_, where, "is of a record behind the close that rests on it");
    const Json change = read_json(part.bytes, where);
    const bool whole = change.is_object() && change.contains("kind") && change.at("kind").is_string() &&
                       change.contains("key") && change.at("key").is_string() && change.contains("body");
    refuse_unless(whole, where, "is not a fact");
    const auto kind = fact_kind_of_name(change.at("kind").get<std::string>());
    const auto key = change.at("key").get<std::string>();
    refuse_unless(keys_.emplace(change.at("kind").get<std::string>(), key).second, where,
                  "is another version of a fact that is there already");
    std::vector<FieldFault> faults;
    const auto fact = kind ? read_fact(*kind, key, change.at("body"), faults) : std::nullopt;
    refuse_unless(fact.has_value() && is_own(*fact), where, "is not a fact of this firm or of everybody");
    put_fact(facts_, *fact);
    places_.push_back({std::string(to_string(*kind)), key, part.position, part.index});
  }

  Sha256Hash digest() const { return facts_digest(places_); }
  const Facts& facts() const { return facts_; }
  std::size_t size() const { return places_.size(); }

 private:
  bool is_own(const Fact& fact) const {
    if (const auto* firm = std::get_if<Firm>(&fact)) return firm->uscc == firm_;
    if (const auto* contract = std::get_if<Contract>(&fact)) return contract->firm == firm_;
    if (const auto* award = std::get_if<Award>(&fact)) return award->firm == firm_;
    return true;
  }

  const FirmId& firm_;
  Position close_;
  std::set<std::pair<std::string, std::string>> keys_;
  Facts facts_;
  std::vector<FactPlace> places_;
};

/// Takes the statements up to the period that the closes' parts name, each the one that was closed.
std::map<Month, std::string_view> take_statements(BundleFiles& files, const CloseChain& closes,
                                                  Month period) {
  std::map<Month, std::string_view> statements;
  for (const auto& [position, part] : closes.parts) {
    for (const auto& [month, digest] : part.statements) {
      if (period < month) continue;
      const std::string name = month == period ? bundle_statement : bundle_earlier(month);
      const std::string_view bytes = files.take(name);
      refuse_unless(sha256(bytes) == digest, name, "is not the statement that was closed");
      statements.emplace(month, bytes);
    }
  }
  refuse_unless(statements.contains(period), bundle_statement, "the firm has no statement in this month");
  return statements;
}

BilledStatement billed_of(Month month, std::string_view bytes) {
  read_json(bytes, bundle_earlier(month));  // within bounds
  auto billed = parse_canonical_json(bytes);
  if (!billed) throw Refused{bundle_earlier(month), billed.error().detail};
  return std::move(*billed);
}

std::map<int, Fen> other_centres_of(std::string_view statement) {
  std::map<int, Fen> stated;
  const Json json = Json::parse(statement);  // parse_canonical_json() has read it
  for (const Json& year : json.at("subsidy")) {
    const bool there = year.contains("other_centres") && year.at("other_centres").is_string();
    const auto fen = parse_fen(there ? year.at("other_centres").get<std::string>() : std::string());
    refuse_unless(fen.has_value(), bundle_statement, "a year names no amount of other centres");
    stated.emplace(year.at("year").get<int>(), *fen);
  }
  return stated;
}

/// A piece of UTF-8 without the parts of characters at its ends.
std::string whole_characters(std::string_view piece) {
  const auto is_inner = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (!piece.empty() && is_inner(piece.front())) piece.remove_prefix(1);
  return "…" + std::string(piece.substr(0, utf8_prefix(piece))) + "…";
}

void compare(std::string_view stated, const std::string& again) {
  if (stated == again) return;
  const auto differs = std::mismatch(stated.begin(), stated.end(), again.begin(), again.end());
  const auto at = static_cast<std::size_t>(differs.first - stated.begin());
  constexpr std::size_t shown = 40;
  const std::size_t from = at < shown ? 0 : at - shown;
  throw Refused{bundle_statement, "differs from what the rules give at byte " + std::to_string(at) +
                                      ": it says " + whole_characters(stated.substr(from, 2 * shown)) +
                                      ", the rules give " +
                                      whole_characters(std::string_view(again).substr(from, 2 * shown))};
}

void say_what_is_open(BundleReport& report, const Facts& facts) {
  auto& open = report.not_proven;
  if (!report.signature_checked)
    open.emplace_back(
        "Who made this bundle: no key was given, so the signature was not checked, and everything "
        "in it may have been made up");
  open.emplace_back(
      "That the centre shows everybody the same journal: compare its signed heads with those "
      "that others hold (voucherctl audit consistency)");
  open.emplace_back("What was never sent to the centre, or is held in its quarantine");
  if (!facts.firms.at(report.firm).predecessors.empty())
    open.emplace_back(
        "What the firm's predecessors have used of the cap: taken from the statement, since their "
        "usage is not in this bundle");
  if (!facts.awards.of(report.firm).empty())
    open.emplace_back("What other centres and programmes granted: as it was reported to this centre");
}

BundleReport check(std::string_view bundle, const std::optional<VerifierKey>& key) {
  BundleFiles files(bundle);
  const std::string_view manifest_bytes = files.take(bundle_manifest);
  BundleManifest manifest = read_manifest(manifest_bytes);
  BundleReport report;
  report.firm = manifest.firm;
  report.period = manifest.period;
  report.head = read_head(files.take(bundle_checkpoint), key);
  report.signature_checked = key.has_value();
  ProvenRecords records(files, report.head.size, report.head.root);
  const Genesis genesis = records.genesis();
  const CloseChain closes = read_closes(files, records, report.firm, report.period);
  const ShownClose& close = closes.closes.back();
  report.close = close.position;
  const FirmEvents events = read_firm_events(files, close.position);
  check_chains(closes, events);
  check_months(events, close.last, genesis.offset);

  FactsOfBundle facts(report.firm, close.position);
  for (const std::string& name : files.names("facts/", ".json"))
    facts.add(records.part(name, RecordType::facts), name);
  refuse_unless(facts.digest() == closes.parts.at(close.position).facts, "facts",
                "are not those that the close rests on");
  refuse_unless(facts.facts().firms.contains(report.firm), "facts", "the firm itself is missing");

  auto statements = take_statements(files, closes, report.period);
  const std::string_view stated = statements.at(report.period);
  const BilledStatement billed = billed_of(report.period, stated);
  statements.erase(report.period);
  StatementGrounds grounds{report.firm,
                           report.period,
                           {{genesis.provider_name, genesis.provider_uscc}, genesis.currency, genesis.offset},
                           {close.at, close.by},
                           facts.facts(),
                           {},
                           other_centres_of(stated)};
  for (const auto& [month, bytes] : statements) grounds.earlier.push_back(billed_of(month, bytes));
  compare(stated, recompute(grounds, events));

  manifest.close = close.position;
  manifest.tree_size = report.head.size;
  refuse_unless(to_json(manifest) == manifest_bytes, bundle_manifest, "is not that of this bundle");
  files.refuse_others();
  report.events = events.events.size();
  report.facts = facts.size();
  report.closes = closes.closes.size();
  report.earlier_statements = grounds.earlier.size();
  std::tie(report.net, report.tax, report.gross, report.eligible, report.subsidy) =
      std::tie(billed.net, billed.tax, billed.gross, billed.eligible, billed.subsidy);
  say_what_is_open(report, facts.facts());
  return report;
}

}  // namespace

Result<BundleReport> verify_bundle(std::string_view bundle, const std::optional<VerifierKey>& key) {
  try {
    return check(bundle, key);
  } catch (const Refused& refused) {
    return Fault{"bundle_refused", refused.where + ": " + refused.what};
  } catch (const Json::exception& malformed) {
    return Fault{"bundle_refused", std::string("what it says can't be a statement: ") + malformed.what()};
  }
}

}  // namespace voucherd::billing
