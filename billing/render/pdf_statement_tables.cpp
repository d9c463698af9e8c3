#include "billing/render/pdf_statement_tables.h"

#include "billing/render/grouped_figure.h"
#include "billing/render/words.h"

namespace voucherd::billing {
namespace {

using Json = nlohmann::ordered_json;
using Kind = PdfRow::Kind;

std::string text_of(const Json& value) { return value.is_null() ? "" : value.get<std::string>(); }

std::string both(const Words& words) {
  return std::string(words.chinese) + (words.english.empty() ? "" : " " + std::string(words.english));
}

// The columns of the lines, by their place.
enum : std::size_t {
  number,
  month,
  sku,
  book,
  quantity,
  price,
  net,
  tax_rate,
  tax,
  gross,
  eligible_quantity,
  eligible
};

std::vector<PdfColumn> line_columns() {
  return {{"序号", "No."},
          {"用量月份", "Month"},
          {"产品 / 单位", "SKU / unit", 5},
          {"价目表 / 合同", "Price book / contract", 4},
          {"数量", "Quantity"},
          {"单价", "Unit price"},
          {"不含税金额", "Net"},
          {"税率", "Rate"},
          {"税额", "Tax"},
          {"价税合计", "Gross"},
          {"可补贴数量", "Eligible qty"},
          {"可补贴金额", "Eligible"}};
}

/// The six figures of a line, or of an adjustment before and after.
void add_figures(PdfRow& row, const Json& figures) {
  constexpr std::pair<std::size_t, const char*> members[] = {{quantity, "quantity"},
                                                             {net, "net"},
                                                             {tax, "tax"},
                                                             {gross, "gross"},
                                                             {eligible_quantity, "eligible_quantity"},
                                                             {eligible, "eligible_amount"}};
  for (const auto& [column, member] : members)
    row.cells.push_back({column, 1, grouped(text_of(figures.at(member)))});
}

PdfRow line_row(const Json& line, const std::string& line_number) {
  const bool adjustment = line.at("adjustment").get<bool>();
  const std::string contract = text_of(line.at("contract"));
  PdfRow row;
  row.cells = {{number, 1, line_number},
               {month, 1, text_of(line.at("usage_month"))},
               {sku, 1, text_of(line.at("sku")),
                both(unit_words(text_of(line.at("unit")))) + (adjustment ? " · 调整 adjustment" : "")},
               {book, 1, text_of(line.at("price_book")), contract}};
  add_figures(row, line);
  const Json& unit_price = line.at("unit_price");
  row.cells.push_back({price, 1, unit_price.is_null() ? "阶梯 tiers" : grouped(text_of(unit_price))});
  row.cells.push_back({tax_rate, 1, as_percent(text_of(line.at("tax_rate")))});
  return row;
}

PdfRow detail_row(std::string words, std::string continued) {
  PdfRow row;
  row.kind = Kind::detail;
  row.cells.push_back({sku, 2, std::move(words)});
  row.continued = std::move(continued);
  return row;
}

PdfRow whole_row(std::string words, const Json& figures, const std::string& continued) {
  PdfRow row = detail_row(std::move(words), continued);
  add_figures(row, figures);
  return row;
}

/// Without a label there is nothing to break down.
bool has_projects(const Json& line) {
  const Json& projects = line.at("projects");
  return projects.size() > 1 || (projects.size() == 1 && !projects.front().at("project").is_null());
}

void add_project_rows(std::vector<PdfRow>& rows, const Json& line, const std::string& continued) {
  if (!has_projects(line)) return;
  for (const Json& project : line.at("projects")) {
    const bool named = !project.at("project").is_null();
    PdfRow row =
        detail_row("项目 Project: " + (named ? text_of(project.at("project")) : "未标注 none"), continued);
    row.cells.push_back({quantity, 1, grouped(text_of(project.at("quantity")))});
    row.cells.push_back({net, 1, grouped(text_of(project.at("net")))});
    rows.push_back(std::move(row));
  }
}

void add_line(std::vector<PdfRow>& rows, const Json& line, std::size_t index) {
  const std::string line_number = std::to_string(index + 1);
  const std::string continued = "（续）明细 " + line_number +
                                " continued: " + text_of(line.at("usage_month")) + " " +
                                text_of(line.at("sku"));
  rows.push_back(line_row(line, line_number));
  const std::size_t first = rows.size() - 1;
  if (line.contains("before")) {
    rows.push_back(whole_row("调整前 Before", line.at("before"), continued));
    rows.push_back(whole_row("调整后 After", line.at("after"), continued));
  }
  for (const Json& reason : line.at("ineligible")) {
    PdfRow row =
        detail_row("不可补贴 Not eligible: " + both(reason_words(text_of(reason.at("code")))), continued);
    row.cells.push_back({quantity, 1, grouped(text_of(reason.at("quantity")))});
    rows.push_back(std::move(row));
  }
  const std::size_t projects = rows.size();
  add_project_rows(rows, line, continued);
  // The line, what explains it and its first project stay together; more projects may go over.
  for (std::size_t i = first; i < std::min(projects, rows.size() - 1); ++i) rows[i].keep_with_next = true;
}

PdfRow totals_row(const Json& totals) {
  PdfRow row;
  row.kind = Kind::total;
  row.cells = {{sku, 2, "合计 Total"},
               {net, 1, grouped(text_of(totals.at("net")))},
               {tax, 1, grouped(text_of(totals.at("tax")))},
               {gross, 1, grouped(text_of(totals.at("gross")))},
               {eligible, 1, grouped(text_of(totals.at("eligible")))}};
  return row;
}

}  // namespace

std::size_t table_rows(const Json& statement) {
  std::size_t rows = statement.at("unpriced").size() + statement.at("subsidy").size();
  for (const Json& line : statement.at("lines")) {
    rows += 1 + (line.contains("before") ? 2 : 0) + line.at("ineligible").size();
    if (has_projects(line)) rows += line.at("projects").size();
  }
  return rows;
}

void place_lines(PdfFonts& fonts, PdfFlow& flow, const Json& statement) {
  std::vector<PdfRow> rows;
  std::size_t index = 0;
  for (const Json& line : statement.at("lines")) add_line(rows, line, index++);
  if (!rows.empty()) rows.back().keep_with_next = true;
  rows.push_back(totals_row(statement.at("totals")));
  PdfTable(fonts, line_columns(), std::move(rows), flow.width()).place(flow, {"明细", "Lines"});
}

void place_unpriced(PdfFonts& fonts, PdfFlow& flow, const Json& statement) {
  std::vector<PdfRow> rows;
  for (const Json& usage : statement.at("unpriced")) {
    PdfRow row;
    row.cells = {{0, 1, text_of(usage.at("usage_month"))},
                 {1, 1, text_of(usage.at("sku"))},
                 {2, 1, both(unit_words(text_of(usage.at("unit"))))},
                 {3, 1, grouped(text_of(usage.at("quantity")))}};
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return;
  PdfTable(fonts, {{"用量月份", "Month", 1}, {"产品", "SKU", 3}, {"单位", "Unit", 1}, {"数量", "Quantity"}},
           std::move(rows), flow.width())
      .place(flow, {"未定价用量", "Usage without a price, not yet billed"});
}

void place_subsidy(PdfFonts& fonts, PdfFlow& flow, const Json& statement) {
  std::vector<PdfRow> rows;
  for (const Json& year : statement.at("subsidy")) {
    PdfRow row;
    row.cells.push_back({0, 1, std::to_string(year.at("year").get<int>())});
    std::size_t column = 1;
    for (const char* member : {"eligible_to_date", "target", "granted_before", "this_statement", "cap",
                               "other_centres", "remaining"}) {
      row.cells.push_back({column++, 1, grouped(text_of(year.at(member)))});
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return;
  PdfTable(fonts,
           {{"年度", "Year"},
            {"累计可补贴金额", "Eligible, year to date"},
            {"累计应补贴额", "Target, year to date"},
            {"此前已计", "Granted before"},
            {"本单补贴", "This statement"},
            {"年度上限", "Annual cap"},
            {"其他中心", "Other centres"},
            {"剩余额度", "Cap remaining"}},
           std::move(rows), flow.width())
      .place(flow, {"补贴测算", "Subsidy, calculated"});
}

}  // namespace voucherd::billing
