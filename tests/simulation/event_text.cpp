#include "tests/simulation/event_text.h"

namespace voucherd::simulation {

namespace {

using Members = std::vector<std::string>;

std::string quoted(const std::string& text) { return naive::Json(text).dump(); }

void add(Members& members, const std::string& name, const std::string& value) {
  members.push_back(quoted(name) + ":" + value);
}

std::string object_of(Members members, Dice& dice) {
  dice.shuffle(members);
  std::string text = "{";
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) text += ",";
    if (dice.percent(10)) text += " ";
    text += members[i];
  }
  return text + "}";
}

std::string data_of(const naive::SentEvent& event, Dice& dice) {
  Members data;
  const auto instant = [&](const char* name, const std::optional<std::string>& text) {
    if (text) add(data, name, quoted(*text));
  };
  if (event.quantity) {
    const bool number = naive::read_decimal(*event.quantity).has_value() && dice.percent(40);
    add(data, "quantity", number ? *event.quantity : quoted(*event.quantity));
  }
  if (!event.corrects_id.empty()) {
    Members target;
    add(target, "source", quoted(event.corrects_source));
    add(target, "id", quoted(event.corrects_id));
    add(data, "corrects", object_of(target, dice));
    add(data, "reason", quoted(event.reason));
    return object_of(data, dice);
  }
  if (event.sku) add(data, "sku", quoted(*event.sku));
  instant("start", event.start);
  instant("end", event.end);
  if (!event.project.empty()) add(data, "project", quoted(event.project));
  if (!event.node.empty()) add(data, "node", quoted(event.node));
  if (!event.job.empty()) add(data, "job", quoted(event.job));
  if (dice.percent(10)) add(data, "temperature", "[1, {\"c\": 61.5}]");
  return object_of(data, dice);
}

}  // namespace

std::string Request::body() const {
  std::string all = ndjson ? "" : "[";
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) all += ndjson ? "\n" : ",";
    all += events[i].text;
  }
  return all + (ndjson ? "\n" : "]");
}

std::string spell_instant(std::int64_t ms, Dice& dice) {
  const int offset = dice.pick(std::vector<int>{480, 480, 0, -300, 330, 840, -720});
  std::string text = naive::show_instant(ms, offset);
  if (dice.percent(15)) {
    // Digits below the millisecond are cut off, so they may be anything.
    const std::string fraction = text.substr(19, text.size() - 25);
    const std::string padded = fraction.empty() ? ".000" : fraction;
    text = text.substr(0, 19) + padded + "999" + text.substr(text.size() - 6);
  }
  if (offset == 0 && dice.percent(60)) text = text.substr(0, text.size() - 6) + "Z";
  return text;
}

std::string spell_quantity(const std::string& quantity, Dice& dice) {
  if (quantity.find_first_of("eE") != std::string::npos || quantity.size() > 30) return quantity;
  if (quantity == "0") return "0.0";
  const bool fraction = quantity.find('.') != std::string::npos;
  switch (dice.roll(0, 3)) {
    case 0:
      return quantity + (fraction ? "0" : ".0");
    case 1:
      return quantity + "e0";
    case 2:
      return fraction ? quantity + "00" : quantity + "0e-1";
    default:
      return quantity;
  }
}

naive::SentEvent respell(const naive::SentEvent& event, Dice& dice) {
  naive::SentEvent copy = event;
  for (auto* text : {&copy.time, &copy.start, &copy.end}) {
    if (!*text) continue;
    if (const auto ms = naive::read_instant(**text)) *text = spell_instant(*ms, dice);
  }
  if (copy.quantity && naive::read_decimal(*copy.quantity))
    copy.quantity = spell_quantity(*copy.quantity, dice);
  return copy;
}

WireEvent write_event(const naive::SentEvent& event, Dice& dice) {
  naive::SentEvent sent = event;
  if (!event.malformed.empty()) {
    sent.raw = event.malformed;
    return {sent, sent.raw};
  }
  Members members;
  add(members, "specversion", quoted(event.specversion));
  add(members, "type", quoted(event.type));
  add(members, "source", quoted(event.source));
  add(members, "id", quoted(event.id));
  add(members, "subject", quoted(event.subject));
  if (event.time) add(members, "time", quoted(*event.time));
  if (dice.percent(20)) add(members, "datacontenttype", quoted("application/json"));
  if (dice.percent(10))
    add(members, "traceparent", quoted("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  add(members, "data", data_of(event, dice));
  sent.raw = object_of(members, dice);
  return {sent, sent.raw};
}

}  // namespace voucherd::simulation
