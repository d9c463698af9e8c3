// Judging changes of facts: read, compare with what is in force, look at references and at
// what is closed, and only then build the record. Nothing here changes the ledger.
#include <algorithm>

#include "billing/ledger/field_reader.h"
#include "billing/ledger/ledger_state.h"
#include "metering/core/usage_event.h"

namespace voucherd::billing {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t statements_named_max = 5;  // in a refusal's sentence

std::string sentence_of(const std::vector<FieldFault>& faults) {
  if (faults.size() == 1) return faults.front().detail;
  return std::to_string(faults.size()) + " things are wrong; each is listed in errors";
}

Refusal refuse(int status, std::string title, std::vector<FieldFault> faults) {
  std::string detail = sentence_of(faults);
  return {status, std::move(title), std::move(detail), std::move(faults)};
}

/// True where `header` (of If-Match: "*" or a list of quoted tags) names `etag`. Weak tags never do.
bool if_match_holds(std::string_view header, const std::string& etag) {
  const auto trim = [](std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  };
  if (etag.empty()) return false;
  if (trim(header) == "*") return true;
  while (!header.empty()) {
    const auto comma = header.find(',');
    if (trim(header.substr(0, comma)) == etag) return true;
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
  }
  return false;
}

std::string list_of(const std::vector<std::string>& numbers) {
  std::string list;
  for (std::size_t i = 0; i < std::min(numbers.size(), statements_named_max); ++i) {
    list += (i == 0 ? "" : ", ") + numbers[i];
  }
  if (numbers.size() > statements_named_max) list += ", …";
  return list;
}

Refusal needs_reason(const std::vector<std::string>& concerned) {
  const bool one = concerned.size() == 1;
  const std::string detail = "This change would alter figures of " + std::to_string(concerned.size()) +
                             (one ? " closed statement (" : " closed statements (") + list_of(concerned) +
                             "), and so needs a reason: add a member reason; the next statement carries the "
                             "difference";
  return {422, "A reason is needed", detail, {{"/reason", detail}}};
}

bool is_recorded(const DraftChange& change) { return change.differs || change.origin.has_value(); }

PayloadParts payload_of(const std::vector<DraftChange>& changes, const Actor& by, const std::string& reason) {
  PayloadParts payload;
  payload.shared = ordered_json{{"by", {{"kind", by.kind}, {"id", by.id}}}, {"reason", reason}}.dump();
  for (const auto& change : changes) {
    if (!is_recorded(change)) continue;
    ordered_json entry;
    entry["kind"] = std::string(to_string(change.kind));
    entry["key"] = change.key;
    entry["body"] = show_fact(*change.fact);
    if (change.origin) {
      entry["by"] = ordered_json{{"kind", change.origin->by.kind}, {"id", change.origin->by.id}};
      entry["reason"] = change.origin->reason;
    }
    payload.parts.push_back(entry.dump());
  }
  return payload;
}

}  // namespace

std::vector<FieldFault> words_faults(const Actor& by, const std::string& reason) {
  std::vector<FieldFault> faults;
  const std::string wrong_reason = text_fault(reason, 0, event_reason_bytes_max);
  if (!wrong_reason.empty()) faults.push_back({"/reason", "reason " + wrong_reason});
  for (const auto& part : {by.kind, by.id}) {
    const std::string wrong = text_fault(part, 1, fact_text_bytes_max);
    if (!wrong.empty()) faults.push_back({"", "Who makes the change can't be recorded: the name " + wrong});
  }
  return faults;
}

std::vector<DraftChange> LedgerState::read_changes(const std::vector<FactChange>& changes,
                                                   std::vector<FieldFault>& faults) const {
  std::vector<DraftChange> drafts;
  std::set<std::pair<FactKind, std::string>> seen;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    DraftChange draft;
    draft.kind = changes[i].kind;
    draft.key = changes[i].key;
    if (changes.size() > 1) draft.prefix = pointer_to("", i);
    std::vector<FieldFault> own;
    Fact read = read_what_can_be(draft.kind, draft.key, changes[i].body, own);
    (own.empty() ? draft.fact : draft.faulty) = std::move(read);
    if (!seen.emplace(draft.kind, draft.key).second) {
      own.push_back({"", std::string(to_string(draft.kind)) + " " + draft.key +
                             " stands twice among these changes; keep one of them"});
    }
    if (changes[i].origin) {
      draft.origin = changes[i].origin;
      for (auto& fault : words_faults(draft.origin->by, draft.origin->reason))
        own.push_back(std::move(fault));
    }
    for (auto& fault : own) faults.push_back({draft.prefix + fault.pointer, std::move(fault.detail)});
    const auto known = histories.find(draft.kind);
    const bool exists = known != histories.end() && known->second.contains(draft.key);
    if (draft.fact) {
      draft.created = !exists;
      draft.differs = !exists || known->second.at(draft.key).back().shown != show_fact(*draft.fact);
    }
    drafts.push_back(std::move(draft));
  }
  return drafts;
}

bool DraftCall::differs() const {
  return std::any_of(changes.begin(), changes.end(), [](const auto& change) { return change.differs; });
}

DraftCall LedgerState::draft_of(const std::vector<FactChange>& changes, const Actor& by,
                                const std::string& reason, const std::optional<std::string>& if_match) const {
  DraftCall call;
  std::vector<FieldFault> faults;
  call.changes = read_changes(changes, faults);
  for (auto& fault : words_faults(by, reason)) faults.push_back(std::move(fault));
  call.after = facts;
  for (const auto& change : call.changes) {
    if (change.fact) put_fact(call.after, *change.fact);
  }
  judge_references(call.changes, call.after, faults);
  if (!faults.empty()) {
    call.refusal = refuse(422, "The change is wrong", std::move(faults));
  } else if (if_match && !changes.empty() &&
             !if_match_holds(*if_match, etag_of(changes[0].kind, changes[0].key))) {
    call.refusal = {412,
                    "The fact has changed",
                    "It is not the version that If-Match names; read it again and repeat the change",
                    {}};
  }
  return call;
}

std::optional<Refusal> LedgerState::forbidden_by_closed(const DraftCall& call) const {
  const auto closed = closed_through();
  if (!closed) return std::nullopt;
  auto forbidden = immutable_faults(call.changes, facts, used, *closed);
  if (forbidden.empty()) return std::nullopt;
  return refuse(409, "A closed statement rests on this", std::move(forbidden));
}

std::vector<std::string> LedgerState::closed_statements_of(const DraftCall& call) const {
  std::vector<std::string> numbers;
  if (!closed_through()) return numbers;
  for (const auto& [month, firm] : concerned_by(call.changes, call.after)) {
    numbers.push_back(statement_number(month, firm));
  }
  return numbers;
}

bool LedgerState::lacks_reason(const DraftCall& call, const std::string& reason) const {
  if (!reason.empty()) return false;
  std::vector<DraftChange> without;
  Facts after = facts;
  for (const auto& change : call.changes) {
    if (change.origin && !change.origin->reason.empty()) continue;
    without.push_back(change);
    put_fact(after, *change.fact);
  }
  if (without.size() == call.changes.size()) return true;
  return !concerned_by(without, after).empty();
}

Ledger::Judged Ledger::judge_facts(const std::vector<FactChange>& changes, const Actor& by,
                                   const std::string& reason,
                                   const std::optional<std::string>& if_match) const {
  Judged judged;
  DraftCall call = impl_->draft_of(changes, by, reason, if_match);
  judged.refusal = std::move(call.refusal);
  if (!judged.refusal && call.differs()) {
    judged.refusal = impl_->forbidden_by_closed(call);
    if (!judged.refusal) judged.concerned = impl_->closed_statements_of(call);
    if (!judged.concerned.empty() && impl_->lacks_reason(call, reason)) {
      judged.refusal = needs_reason(judged.concerned);
    }
  }
  if (judged.refusal) return judged;
  for (const auto& change : call.changes) judged.created.push_back(change.created);
  const bool any = std::any_of(call.changes.begin(), call.changes.end(), is_recorded);
  if (any) judged.payload = payload_of(call.changes, by, reason);
  return judged;
}

Ledger::Preview Ledger::preview_facts(const std::vector<FactChange>& changes, const Actor& by,
                                      const std::string& reason,
                                      const std::optional<std::string>& if_match) const {
  Preview preview;
  DraftCall call = impl_->draft_of(changes, by, reason, if_match);
  preview.refusal = std::move(call.refusal);
  if (!preview.refusal) preview.refusal = impl_->forbidden_by_closed(call);
  if (preview.refusal) return preview;
  preview.concerned = impl_->closed_statements_of(call);
  preview.needs_reason = !preview.concerned.empty();
  preview.statements = impl_->changed_statements(call);
  for (const auto& change : call.changes) {
    preview.created.push_back(change.created);
    preview.shown.push_back(show_fact(*change.fact));
  }
  return preview;
}

}  // namespace voucherd::billing
