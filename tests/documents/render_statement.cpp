// Renders one statement outside the daemon, for tests that look at files, under whatever locale and time
// zone they start it with:
//
//   render_statement xlsx|pdf STATEMENT.json OUT [TIMES]
//
// STATEMENT.json is canonical JSON, with `daily` beside it for the workbook. With TIMES it is rendered so
// often in one process, and all must be equal.
#include <clocale>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "billing/render/pdf.h"
#include "billing/render/xlsx.h"

namespace voucherd::billing {
namespace {

Letterhead letterhead() {
  Letterhead letterhead;
  letterhead.address = "重庆市渝北区示例大道 1 号";
  letterhead.telephone = "023-0000 0000";
  letterhead.bank_name = "示例银行重庆渝北支行";
  letterhead.bank_account = "3100 0000 0000 0000 001";
  letterhead.prepared_by = "结算岗";
  return letterhead;
}

std::vector<DailyUsage> daily_of(const nlohmann::ordered_json& statement) {
  std::vector<DailyUsage> daily;
  if (!statement.contains("daily")) return daily;
  for (const auto& row : statement.at("daily")) {
    const auto text = [&](const char* member) { return row.at(member).get<std::string>(); };
    daily.push_back({parse_day(text("day")).value(), SkuId(text("sku")), text("unit"),
                     ProjectId(text("project")),
                     Quantity{parse_decimal(text("quantity"), Quantity::scale).value()}});
  }
  return daily;
}

std::string render(const std::string& format, const nlohmann::ordered_json& statement, PdfRenderer& pdf) {
  if (format == "pdf") return pdf.render(statement, letterhead()).value();
  return render_xlsx(statement, daily_of(statement), letterhead()).value();
}

int run(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "render_statement xlsx|pdf STATEMENT.json OUT [TIMES]\n";
    return 2;
  }
  std::ifstream in(argv[2]);
  const auto statement = nlohmann::ordered_json::parse(in);
  const auto pdf = PdfRenderer::open("Noto Sans CJK SC", "Noto Sans CJK JP").value();
  const std::string bytes = render(argv[1], statement, *pdf);
  for (int more = argc > 4 ? std::atoi(argv[4]) : 1; more > 1; --more) {
    if (render(argv[1], statement, *pdf) != bytes) {
      std::cerr << "rendered again it is another file\n";
      return 1;
    }
  }
  std::ofstream(argv[3], std::ios::binary) << bytes;
  return 0;
}

}  // namespace
}  // namespace voucherd::billing

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");  // a host program might; nothing may depend on it
  return voucherd::billing::run(argc, argv);
}
