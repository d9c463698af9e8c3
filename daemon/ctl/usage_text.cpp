#include "daemon/ctl/usage_text.h"

#include <algorithm>

#include "daemon/ctl/text_output.h"

namespace voucherd::ctl {

namespace {

constexpr std::size_t gaps_shown_max = 3;

/// "[2026-03-03, 2026-03-05)", and how many more there are.
std::string gaps_text(const Json& gaps) {
  std::string text;
  for (std::size_t i = 0; i < std::min(gaps.size(), gaps_shown_max); ++i) {
    text += (i > 0 ? " " : "") +
            ("[" + text_member(gaps[i], "from") + ", " + text_member(gaps[i], "until") + ")");
  }
  if (gaps.size() > gaps_shown_max) text += " and " + std::to_string(gaps.size() - gaps_shown_max) + " more";
  return text;
}

std::string member_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? "–" : plain(*found);
}

}  // namespace

std::string sources_text(const Json& sources) {
  TextTable table;
  for (const char* title : {"SOURCE", "EVENTS", "LAST USAGE", "LAST ARRIVAL", "DAYS WITHOUT USAGE"}) {
    table.add_column(title);
  }
  for (const Json& source : sources) {
    table.add_row({member_of(source, "source"), member_of(source, "events"), member_of(source, "last_usage"),
                   member_of(source, "last_arrival"), gaps_text(source.value("gaps", Json::array()))});
  }
  return table.empty() ? "nothing\n" : table.text();
}

std::string subsidy_text(const Json& subsidy) {
  TextTable table;
  table.add_column("MONTH");
  for (const char* title : {"ELIGIBLE", "SUBSIDY", "TARGET"})
    table.add_column(title, TextTable::Align::right);
  for (const Json& month : subsidy.value("months", Json::array())) {
    table.add_row({member_of(month, "month"), member_of(month, "eligible"), member_of(month, "subsidy"),
                   member_of(month, "target")});
  }
  Json rest = subsidy;
  rest.erase("months");
  return (table.empty() ? std::string() : table.text() + "\n") + outline(rest);
}

std::string event_line(const Json& item) {
  const Json event = item.value("event", Json::object());
  const Json data = event.value("data", Json::object());
  const Json corrects = data.value("corrects", Json::object());
  std::string line = member_of(item, "position") + "." + member_of(item, "index") + "  ";
  line += data.contains("start") ? member_of(data, "start") + " – " + member_of(data, "end")
                                 : member_of(event, "time");
  line += "  " + (corrects.empty() ? member_of(data, "sku") : std::string("correction")) + "  " +
          member_of(data, "quantity");
  if (data.contains("project")) line += "  " + member_of(data, "project");
  line += "  " + member_of(event, "source") + "  " + member_of(event, "id");
  if (!corrects.empty()) line += "  of " + member_of(corrects, "source") + "  " + member_of(corrects, "id");
  return line;
}

}  // namespace voucherd::ctl
