// The intake of the naive model (rules §2 and §7): what becomes of each event.
#include "tests/support/naive_model.h"

namespace naive {

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;
constexpr std::size_t label_bytes = 128;

struct Read {
  Event event;
  std::string code;     // "" where it is a complete event
  std::string content;  // equal for events that are the same after reading
};

std::string content_of(const Event& event) {
  const auto instant = [](const std::optional<std::int64_t>& ms) { return ms ? std::to_string(*ms) : "-"; };
  std::string all = event.correction ? "correction" : "usage";
  for (const auto& text :
       {event.source, event.id, event.subject, event.sku, event.project, event.node, event.job,
        event.corrects_source, event.corrects_id, event.reason, instant(event.time), instant(event.start),
        instant(event.end), event.quantity.str()}) {
    all += '\0' + text;
  }
  return all;
}

std::string read_quantity(const std::string& text, bool zero_is_good, Int& quantity) {
  const auto value = read_decimal(text);
  if (!value) return "quantity_malformed";
  if (*value < 0 || (*value == 0 && !zero_is_good)) return "quantity_not_positive";
  if (*value > 1'000'000'000) return "quantity_out_of_range";
  const Fraction nanos = *value * 1'000'000'000;
  if (denominator(nanos) != 1) return "quantity_too_fine";
  quantity = numerator(nanos);
  return "";
}

bool good_uscc(const std::string& text) {
  static const std::string alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  if (text.size() != 18 || text.find_first_not_of(alphabet) != std::string::npos) return false;
  return uscc_check_character(text.substr(0, 17)) == text[17];
}

/// Each event of the workload has one fault at most, so the order of these checks says nothing.
std::string read_members(const SentEvent& sent, Event& event) {
  event.correction = sent.type == "compute.correction.v1";
  event.source = sent.source;
  event.id = sent.id;
  event.subject = sent.subject;
  std::string fault;
  const auto instant = [&](const std::optional<std::string>& text) {
    const auto ms = text ? read_instant(*text) : std::nullopt;
    if (text && !ms) fault = "time_malformed";
    return ms;
  };
  event.time = instant(sent.time);
  if (!event.correction) {
    event.start = instant(sent.start);
    event.end = instant(sent.end);
    event.sku = sent.sku.value_or("");
    event.project = sent.project;
    event.node = sent.node;
    event.job = sent.job;
  } else {
    event.corrects_source = sent.corrects_source;
    event.corrects_id = sent.corrects_id;
    event.reason = sent.reason;
  }
  if (sent.specversion != "1.0") return "specversion_unsupported";
  if (!event.correction && sent.type != "compute.usage.v1") return "type_unknown";
  if (!good_uscc(sent.subject)) return "subject_invalid";
  if ((!event.correction && !sent.sku) || !sent.quantity) return "member_missing";
  if (std::max({sent.project.size(), sent.node.size(), sent.job.size()}) > label_bytes)
    return "member_too_long";
  if (!fault.empty()) return fault;
  fault = read_quantity(*sent.quantity, event.correction, event.quantity);
  if (!fault.empty() || event.correction) return fault;
  if (event.start.has_value() != event.end.has_value()) return "interval_incomplete";
  if (event.start && *event.end < *event.start) return "interval_reversed";
  if (!event.start && !event.time) return "no_usage_time";
  return "";
}

Read read(const SentEvent& sent) {
  const std::string raw = "raw:" + sent.raw;
  if (!sent.malformed.empty()) return {{}, "malformed", raw};
  Read result;
  result.code = read_members(sent, result.event);
  result.content = result.code.empty() ? content_of(result.event) : raw;
  return result;
}

std::int64_t span_from(const Event& event) { return event.start ? *event.start : *event.time; }
std::int64_t span_to(const Event& event) { return event.end ? *event.end : *event.time; }

}  // namespace

Model::Model(Reckoning::Head head, std::int64_t created_ms)
    : head_(std::move(head)), last_intake_ms_(created_ms) {
  facts_.accept_from = day_number(2025, 1, 1);
}

std::optional<std::vector<Verdict>> Model::take(const std::vector<SentEvent>& batch, std::int64_t clock_ms) {
  if (clock_ms < last_intake_ms_ - 5 * minute_ms) return std::nullopt;
  const std::int64_t intake_ms = std::max(clock_ms, last_intake_ms_);
  wrote_ = false;
  std::vector<Verdict> verdicts;
  for (const SentEvent& sent : batch) verdicts.push_back(judge(sent, intake_ms));
  if (wrote_) last_intake_ms_ = intake_ms;
  return verdicts;
}

Verdict Model::judge(const SentEvent& sent, std::int64_t intake_ms) {
  const auto [event, code, content] = read(sent);
  Held held;
  held.content = content;
  held.unreadable = code;
  held.event = event;
  // Identity is looked up before anything else is judged.
  if (!event.id.empty() && !event.source.empty()) {
    if (const Event* known = find(event.source, event.id)) {
      if (code.empty() && *known == event) return {"duplicate", ""};
      held.code = "conflict";
      hold(held, intake_ms);
      return {"conflict", "conflict"};
    }
  }
  held.code = code.empty() ? fault_of(event, intake_ms) : code;
  if (!held.code.empty()) {
    hold(held, intake_ms);
    return {"quarantined", held.code};
  }
  accept(event);
  return {"accepted", ""};
}

Released Model::release(const std::vector<std::size_t>& entries, std::int64_t clock_ms) {
  if (clock_ms < last_intake_ms_ - 5 * minute_ms) return {503, 0, 0, {}};
  const std::int64_t intake_ms = std::max(clock_ms, last_intake_ms_);
  wrote_ = false;
  Released result;
  const std::size_t counted_before = events_.size();
  for (const std::size_t entry : entries) {
    const Held held = held_.at(entry);
    const Event* known = find(held.event.source, held.event.id);
    if (held.resolved) {
      // By the acceptance of its identity. If that was this release's, and with its own content, it is
      // released.
      const bool own = known != nullptr && known >= events_.data() + counted_before;
      const bool counted = own && held.unreadable.empty() && *known == held.event;
      (counted ? result.released : result.unknown) += 1;
    } else if (known != nullptr) {
      result.still.emplace_back("conflict");
    } else if (!held.unreadable.empty()) {
      result.still.push_back(held.unreadable);
    } else if (const std::string fault = fault_of(held.event, intake_ms); !fault.empty()) {
      result.still.push_back(fault);
    } else {
      accept(held.event);
      ++result.released;
    }
  }
  if (wrote_) last_intake_ms_ = intake_ms;
  return result;
}

int Model::dismiss(std::size_t entry, std::int64_t clock_ms) {
  if (clock_ms < last_intake_ms_ - 5 * minute_ms) return 503;
  if (held_.at(entry).resolved) return 404;
  held_.at(entry).resolved = true;
  last_intake_ms_ = std::max(clock_ms, last_intake_ms_);
  return 0;
}

std::string Model::fault_of(const Event& event, std::int64_t intake_ms) const {
  if (event.correction) return fault_of_correction(event);
  if (span_to(event) - span_from(event) > 31 * day_ms) return "interval_too_long";
  if (span_to(event) > intake_ms + 5 * minute_ms) return "usage_in_future";
  if (span_from(event) < day_start_ms(facts_.accept_from, head_.offset)) return "usage_too_old";
  if (!facts_.firms.contains(event.subject)) return "firm_unknown";
  if (!facts_.skus.contains(event.sku)) return "sku_unknown";
  return "";
}

std::string Model::fault_of_correction(const Event& event) const {
  const Event* target = find(event.corrects_source, event.corrects_id);
  if (target == nullptr) return "correction_target_unknown";
  if (target->correction) return "correction_of_correction";
  if (target->subject != event.subject) return "correction_firm_differs";
  return "";
}

/// Into the quarantine; sent again unchanged while it is unresolved, it adds nothing but a count.
void Model::hold(Held held, std::int64_t intake_ms) {
  wrote_ = true;
  for (Held& known : held_) {
    if (known.resolved || known.content != held.content) continue;
    ++known.times_sent;
    return;
  }
  const Event& event = held.event;
  const int arrival_day = local_day_of(intake_ms, head_.offset);
  int first_day = arrival_day;
  int last_day = arrival_day;
  if (!event.correction && (event.start || event.end)) {
    // READING: of a reversed interval the months between its ends, of half an interval the month of the
    // end that is there: its time can be read, though it is wrong.
    const std::int64_t one = event.start.value_or(event.end.value_or(0));
    const std::int64_t other = event.end.value_or(one);
    const std::int64_t from = std::min(one, other);
    const std::int64_t to = std::max(one, other);
    first_day = local_day_of(from, head_.offset);
    last_day = local_day_of(from < to ? to - 1 : to, head_.offset);
  } else if (event.time) {
    first_day = last_day = local_day_of(*event.time, head_.offset);
  }
  held.first_month = month_of_day(first_day);
  held.last_month = month_of_day(last_day);
  held_.push_back(held);
}

/// Counts it, closes the entries of its identity, and releases the corrections that waited for it.
void Model::accept(const Event& event) {
  wrote_ = true;
  events_.push_back(event);
  for (Held& held : held_) {
    // READING: an accepted event closes every unresolved entry of its identity.
    if (held.event.source == event.source && held.event.id == event.id) held.resolved = true;
  }
  if (event.correction) return;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Event waiting = held_[i].event;
    if (held_[i].resolved || held_[i].code != "correction_target_unknown") continue;
    if (waiting.corrects_source != event.source || waiting.corrects_id != event.id) continue;
    if (!fault_of_correction(waiting).empty() || find(waiting.source, waiting.id) != nullptr) continue;
    accept(waiting);
  }
}

const Event* Model::find(const std::string& source, const std::string& id) const {
  for (const Event& event : events_) {
    if (event.source == source && event.id == id) return &event;
  }
  return nullptr;
}

std::vector<std::size_t> Model::unresolved() const {
  std::vector<std::size_t> entries;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if (!held_[i].resolved) entries.push_back(i);
  }
  return entries;
}

}  // namespace naive
