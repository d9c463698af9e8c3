#include "tests/bench/driver/ingest.h"

#include <algorithm>
#include <vector>

namespace voucherd::bench {

namespace {

constexpr std::uint64_t checked_events_max = 10'000;

const char* content_type(BodyForm form) {
  switch (form) {
    case BodyForm::ndjson:
      return "application/x-ndjson";
    case BodyForm::batch:
      return "application/cloudevents-batch+json";
    case BodyForm::single:
      return "application/cloudevents+json";
  }
  return "";
}

/// Bytes of a body of so many events: each is followed by one byte, a batch begins with one more.
std::size_t body_bytes(BodyForm form, std::size_t events) {
  const std::size_t text = json_form().size() * events;
  if (form == BodyForm::single) return text;
  return text + events + (form == BodyForm::batch ? 1 : 0);
}

/// The number behind `"name":` in an answer; cheaper than reading all of it as JSON.
std::uint64_t count_in(const std::string& body, std::string_view name) {
  const std::size_t at = body.find(name);
  return at == std::string::npos ? 0 : std::stoull(body.substr(at + name.size(), 20));
}

/// "12.5" → 1250; fails on more than two digits behind the point, which the bench's events never give.
std::int64_t hundredths(const std::string& text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point), fraction = point < text.size() ? text.substr(point + 1) : "";
  if (fraction.size() > 2) fail("a quantity of " + text + " can't come from the events that were sent");
  fraction.resize(2, '0');
  return std::stoll(digits + fraction);
}

void check_found(HttpClient& client, const Events& events, EventNumber number) {
  const Json sent = Json::parse(events.text(json_form(), number));
  const std::string target =
      "/v1/events?source=" + sent["source"].get<std::string>() + "&id=" + sent["id"].get<std::string>();
  const Json found = Json::parse(client.get(target))["event"];
  if (found["subject"] != sent["subject"] || found["data"]["sku"] != sent["data"]["sku"] ||
      hundredths(found["data"]["quantity"].get<std::string>()) != events.quantity(number)) {
    fail("event " + std::to_string(number) + " was sent as " + sent.dump() + " and found as " + found.dump());
  }
}

std::int64_t quantity_of_firm(HttpClient& client, int firm) {
  std::int64_t sum = 0;
  const Json page = Json::parse(
      client.get("/v1/usage?group_by=sku&limit=" + std::to_string(skus) + "&firm=" + firm_code(firm)));
  for (const Json& item : page["items"]) sum += hundredths(item["quantity"].get<std::string>());
  return sum;
}

}  // namespace

StreamLoad::StreamLoad(const Events& events, const Stream& stream)
    : events_(events), stream_(stream), next_(stream.first) {
  head_ = http_request("POST", "/v1/events", content_type(stream.form), "");
  const std::string none = "Content-Length: 0";
  const std::string length = "Content-Length: " + std::to_string(body_bytes(stream.form, stream.batch));
  head_.replace(head_.find(none), none.size(), length);
}

bool StreamLoad::is_repeated(std::uint64_t request) const {
  return stream_.repeated_batches_one_in != 0 && stream_.first >= stream_.batch &&
         mix(request) % stream_.repeated_batches_one_in == 0;
}

std::uint32_t StreamLoad::new_events_of(std::uint64_t request) const {
  if (stream_.sent_before || is_repeated(request)) return 0;
  const std::uint32_t one_in = stream_.repeated_events_one_in;
  return one_in == 0 ? stream_.batch : stream_.batch - stream_.batch / one_in;
}

std::uint64_t StreamLoad::new_events(std::uint64_t requests) const {
  std::uint64_t events = 0;
  for (std::uint64_t i = 0; i < requests; ++i) events += new_events_of(i);
  return events;
}

bool StreamLoad::make(std::uint64_t number, std::string& request) {
  if (number == stream_.requests) return false;
  const EventForm& form = json_form();
  request.resize(head_.size() + body_bytes(stream_.form, stream_.batch));
  std::copy(head_.begin(), head_.end(), request.begin());
  char* at = request.data() + head_.size();
  const bool batch = stream_.form == BodyForm::batch;
  if (batch) *at++ = '[';
  const bool repeated = is_repeated(number);
  const EventNumber again = repeated ? mix(~number) % (stream_.first - stream_.batch + 1) : 0;
  for (std::uint32_t i = 0; i < stream_.batch; ++i) {
    const std::uint32_t one_in = stream_.repeated_events_one_in;
    EventNumber event = again + i;
    if (!repeated) {
      const bool is_old = one_in != 0 && i % one_in == one_in - 1;
      event = is_old ? mix(number * stream_.batch + i) % stream_.first : next_++;
    }
    events_.write(form, event, at);
    at += form.size();
    if (stream_.form != BodyForm::single) *at++ = batch ? (i + 1 == stream_.batch ? ']' : ',') : '\n';
  }
  return true;
}

void StreamLoad::take(std::uint64_t number, int status, const std::string& body) const {
  if (status != 200) fail("POST /v1/events was answered " + std::to_string(status) + ": " + body);
  const std::uint64_t fresh = new_events_of(number);
  if (count_in(body, "\"accepted\":") != fresh || count_in(body, "\"duplicate\":") != stream_.batch - fresh) {
    fail(std::to_string(fresh) + " of a request's events were new, but: " + body.substr(0, 500));
  }
}

Json run_stream(Daemon& daemon, const Events& events, const Stream& stream, const LoadShape& shape,
                const Observe& observe) {
  StreamLoad source(events, stream);
  std::uint64_t answered = 0;
  const double cpu_before = daemon.process().cpu_seconds();
  const std::uint64_t written_before = daemon.bytes_written();
  const LoadResult result =
      run_load(daemon.api(), shape,
               {[&](std::uint64_t number, std::string& request) { return source.make(number, request); },
                [&](std::uint64_t number, int status, const std::string& body, double ms) {
                  source.take(number, status, body);
                  if (observe) observe(answered += stream.batch, ms);
                }});
  const double cpu = daemon.process().cpu_seconds() - cpu_before;
  const auto count = static_cast<double>(result.requests * stream.batch);
  return {{"events", result.requests * stream.batch},
          {"events_per_second", count / result.seconds},
          {"server_cpu_s_per_million", cpu / count * 1e6},
          {"client_cpu_s_per_million", result.client_cpu_seconds / count * 1e6},
          {"ack_ms_p50", quantile(result.latency_ms, 0.5)},
          {"ack_ms_p99", quantile(result.latency_ms, 0.99)},
          {"ack_ms_max", quantile(result.latency_ms, 1)},
          {"written_bytes_per_event", static_cast<double>(daemon.bytes_written() - written_before) / count}};
}

void check_events(const Daemon& daemon, const Events& events, std::uint64_t count) {
  const auto metrics = daemon.metrics();
  if (const double known = metrics.at("voucherd_identities"); known != static_cast<double>(count)) {
    fail(std::to_string(count) + " events were acknowledged, but " + std::to_string(known) + " are known");
  }
  for (const auto& [name, value] : metrics) {
    const bool must_be_0 =
        name.find("voucherd_identity_") == 0 && name.find("_difference") != std::string::npos;
    if (must_be_0 && value != 0) fail(name + " is " + std::to_string(value));
  }
  HttpClient client(daemon.api());
  const std::uint64_t checked = std::min(count, checked_events_max);
  for (std::uint64_t i = 0; i < checked; ++i) {
    check_found(client, events, checked == count ? i : mix(i) % count);
  }
  std::vector<std::int64_t> sums(firms);
  for (EventNumber number = 0; number < count; ++number) {
    sums[static_cast<std::size_t>(events.firm(number))] += events.quantity(number);
  }
  for (int firm = 0; firm < firms; ++firm) {
    const std::int64_t sent = sums[static_cast<std::size_t>(firm)];
    if (sent == 0) continue;  // a firm without usage has no figures
    if (const std::int64_t found = quantity_of_firm(client, firm); found != sent) {
      fail(firm_code(firm) + " has " + std::to_string(found) + " hundredths, but " + std::to_string(sent) +
           " were acknowledged");
    }
  }
}

}  // namespace voucherd::bench
