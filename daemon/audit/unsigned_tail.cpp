#include "daemon/audit/unsigned_tail.h"

#include <nlohmann/json.hpp>
#include <set>

#include "metering/proof/event_bytes.h"
#include "metering/proof/payload_parts.h"

namespace voucherd {

namespace {

using Json = nlohmann::json;

constexpr const char* what_to_do =
    "; where it comes from has to be found out before the daemon is started, which would sign it";

class UnsignedRecord {
 public:
  UnsignedRecord(const Journal& journal, const Fold& before, const Record& record, DirectoryReport& report)
      : journal_(journal), before_(before), record_(record), report_(report) {}

  void check() {
    if (!before_.ledger().closed_through()) return;
    if (record_.header.type == RecordType::facts) check_facts();
    if (record_.header.type == RecordType::usage) check_usage();
  }

 private:
  void find(const std::string& what, const FirmId& firm = {}, std::optional<Month> month = {}) {
    report_.findings.push_back({what + what_to_do, record_.header.position, firm, month});
  }

  void check_facts() {
    const auto sealed = unseal(record_.payload);
    if (record_.header.version < payload_in_parts_version || !sealed)
      return find("Facts behind the signed head that can't be read");
    std::vector<billing::FactChange> changes;
    for (const std::string& part : sealed->content.parts) {
      const Json change = Json::parse(part, nullptr, false);
      const auto kind =
          change.is_object() ? billing::fact_kind_of_name(change.value("kind", "")) : std::nullopt;
      if (!kind || !change.contains("body")) return find("Facts behind the signed head that can't be read");
      changes.push_back({*kind, change.value("key", ""), change.at("body")});
    }
    // As if a reason had been given: what a change needs one for is what is asked here.
    const auto judged = before_.ledger().judge_facts(changes, {"local", "audit"}, "audit", std::nullopt);
    if (judged.refusal)
      find("Facts behind the signed head that the daemon would have refused: " + judged.refusal->detail);
    for (const std::string& statement : judged.concerned)
      find("Facts behind the signed head alter figures of the closed statement " + statement);
  }

  void check_usage() {
    const auto usage = UsageRecord::decode(record_.payload, record_.header.version);
    if (!usage) return find("Usage behind the signed head that can't be read");
    const Month closed = *before_.ledger().closed_through();
    std::set<std::pair<FirmId, Month>> touched;
    for (std::uint32_t row = 0; row < usage->events.size(); ++row) {
      const Month first = months_of(span_of(*usage, row), before_.genesis().offset).first;
      if (first <= closed) touched.emplace(FirmId(usage->events.at(row).subject), first);
    }
    for (const auto& [firm, month] : touched)
      find("Usage behind the signed head, or a correction, lies in a closed month", firm, month);
  }

  /// Of usage; of a correction, that of the event that it corrects.
  UsageSpan span_of(const UsageRecord& usage, std::uint32_t row) const {
    if (usage.events.figures(row).kind != EventKind::correction) return usage_span(usage.events.at(row));
    const EventOrdinal corrected = usage.events.corrected(row);
    if (corrected >= usage.first_ordinal)
      return usage_span(usage.events.at(static_cast<std::uint32_t>(corrected - usage.first_ordinal)));
    const EventPlace place = before_.usage().place_of(corrected);
    const Record record = journal_.read(place.position).value();
    const UsageRecord other = UsageRecord::decode(record.payload, record.header.version).value();
    return usage_span(other.events.at(place.index));
  }

  const Journal& journal_;
  const Fold& before_;
  const Record& record_;
  DirectoryReport& report_;
};

}  // namespace

void check_unsigned_record(const Journal& journal, const Fold& before, const Record& record,
                           DirectoryReport& report) {
  UnsignedRecord(journal, before, record, report).check();
}

}  // namespace voucherd
