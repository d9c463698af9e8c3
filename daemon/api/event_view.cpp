#include "daemon/api/event_view.h"

#include "billing/render/csv_writer.h"

namespace voucherd::api {

namespace {

using Json = nlohmann::ordered_json;

void set_text(Json& object, const char* member, std::string_view text) {
  if (!text.empty()) object[member] = text;
}

const char* type_of(const EventView& event) {
  return event.kind == EventKind::usage ? "compute.usage.v1" : "compute.correction.v1";
}

Json show_data(const EventView& event, UtcOffset offset) {
  Json data;
  if (event.kind == EventKind::correction) {
    data["corrects"] = {{"source", event.corrects_source}, {"id", event.corrects_id}};
    data["quantity"] = to_string(event.quantity);
    set_text(data, "reason", event.reason);
    return data;
  }
  data["sku"] = event.sku;
  data["quantity"] = to_string(event.quantity);
  if (event.start) {
    data["start"] = format_instant(*event.start, offset);
    data["end"] = format_instant(*event.end, offset);
  }
  set_text(data, "project", event.project);
  set_text(data, "node", event.node);
  set_text(data, "job", event.job);
  return data;
}

std::string text_of(const std::optional<Instant>& instant, UtcOffset offset) {
  return instant ? format_instant(*instant, offset) : "";
}

}  // namespace

std::string to_string(EventPlace place) {
  return std::to_string(place.position) + "." + std::to_string(place.index);
}

Json show_event(const EventView& event, UtcOffset offset) {
  Json shown = {{"specversion", "1.0"},
                {"type", type_of(event)},
                {"source", event.source},
                {"id", event.id},
                {"subject", event.subject}};
  if (event.time) shown["time"] = format_instant(*event.time, offset);
  shown["data"] = show_data(event, offset);
  return shown;
}

Json show_kept_event(const EventView& event, EventPlace place, Instant received_at, UtcOffset offset) {
  return {{"event", show_event(event, offset)},
          {"position", place.position},
          {"index", place.index},
          {"received_at", format_instant(received_at, offset)}};
}

Json show_submitter(const Submitter& by) {
  if (by.kind.empty()) return nullptr;
  return {{"kind", by.kind}, {"id", by.id}};
}

std::string csv_heading() {
  return "position,index,received_at,type,source,id,subject,time,sku,quantity,start,end,project,node,job,"
         "corrects_source,corrects_id,reason\r\n";
}

std::string csv_row(const EventView& event, EventPlace place, Instant received_at, UtcOffset offset) {
  billing::CsvWriter row;
  row.cell(std::to_string(place.position));
  row.cell(std::to_string(place.index));
  row.cell(format_instant(received_at, offset));
  row.cell(type_of(event));
  for (const auto text : {event.source, event.id, event.subject}) row.text(text);
  row.cell(text_of(event.time, offset));
  row.text(event.sku);
  row.cell(to_string(event.quantity));
  row.cell(text_of(event.start, offset));
  row.cell(text_of(event.end, offset));
  for (const auto text :
       {event.project, event.node, event.job, event.corrects_source, event.corrects_id, event.reason}) {
    row.text(text);
  }
  row.end_row();
  return row.take();
}

}  // namespace voucherd::api
