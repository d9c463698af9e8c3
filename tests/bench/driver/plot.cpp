#include "tests/bench/driver/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>
#include <vector>

namespace voucherd::bench {

namespace {

constexpr double left = 70, right = 30, width = 820, panel_height = 170, panel_gap = 45, top = 50;

struct Line {
  const char* figure;
  const char* name;
  const char* colour;
};

struct Panel {
  const char* title;
  double unit;  // of the figure, in that of the title
  std::vector<Line> lines;
};

/// A round number at or above `value`: 1, 2 or 5 times a power of ten.
double round_up(double value) {
  const double power = std::pow(10, std::floor(std::log10(std::max(value, 1e-9))));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value) return factor * power;
  }
  return 10 * power;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string label(double x, double y, const char* anchor, const std::string& text,
                  const char* colour = "#333") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\" fill=\"" +
         colour + "\">" + text + "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" +
         number(y2) + "\" stroke=\"#ddd\"/>\n";
}

std::string draw(const Panel& panel, const Json& points, double y, double stored_max) {
  double highest = 0;
  for (const Line& line : panel.lines) {
    for (const Json& point : points)
      highest = std::max(highest, point[line.figure].get<double>() / panel.unit);
  }
  highest = round_up(highest);
  std::string out = label(left, y - 10, "start", panel.title);
  for (int i = 0; i <= 4; ++i) {
    const double at = y + panel_height * (4 - i) / 4;
    out += rule(left, at, left + width, at) + label(left - 8, at + 4, "end", number(highest * i / 4));
  }
  double name_at = left + width;
  for (const Line& line : panel.lines) {
    out +=
        std::string("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"") + line.colour + "\" points=\"";
    for (const Json& point : points) {
      const double value = point[line.figure].get<double>() / panel.unit;
      out += number(left + width * point["stored"].get<double>() / stored_max) + "," +
             number(y + panel_height * (1 - value / highest)) + " ";
    }
    out += "\"/>\n" + label(name_at, y - 10, "end", line.name, line.colour);
    name_at -= 60;
  }
  return out;
}

}  // namespace

std::string plot(const std::string& title, const Json& points) {
  const std::vector<Panel> panels = {
      {"events/s, thousands", 1e3, {{"events_per_second", "", "#1f77b4"}}},
      {"acknowledgement, ms", 1, {{"ack_ms_p50", "p50", "#2ca02c"}, {"ack_ms_p99", "p99", "#d62728"}}},
      {"server CPU, s per million events", 1, {{"server_cpu_s_per_million", "", "#9467bd"}}}};
  const double stored_max = round_up(points.empty() ? 1 : points.back()["stored"].get<double>());
  const double height = top + static_cast<double>(panels.size()) * (panel_height + panel_gap) + 20;
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(left + width + right) +
                    "\" height=\"" + number(height) +
                    "\" font-family=\"sans-serif\" font-size=\"12\">\n"
                    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  out += label(left, 20, "start", title);
  double y = top;
  for (const Panel& panel : panels) {
    out += draw(panel, points, y, stored_max);
    y += panel_height + panel_gap;
  }
  y -= panel_gap;
  for (int i = 0; i <= 4; ++i) {
    out += label(left + width * i / 4, y + 18, "middle", number(stored_max * i / 4 / 1e6) + " M");
  }
  return out + label(left + width / 2, y + 36, "middle", "stored events") + "</svg>\n";
}

}  // namespace voucherd::bench
